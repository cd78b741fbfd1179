//! The settings that outlive the program, one small file for each node that has some.

use std::collections::BTreeMap;
use std::sync::Arc;

use fieldline_core::{Map, Setting, Value, json};
use fieldline_store::Checkpoint;

use crate::node::controlled::layers::Lasting;
use crate::supervise::{blocking, describe};

/// The shape of what is saved: JSON, for each setting its `value` and what it was set `over`.
const VERSION: u32 = 1;

/// What was kept. What is no setting any more, or out of its bounds, is left out; what cannot be read is logged, and
/// the node goes on as it is configured.
pub(super) async fn load(
    checkpoint: Arc<Checkpoint>,
    settings: &'static [Setting],
) -> BTreeMap<&'static str, Lasting> {
    let saved = match blocking(move || checkpoint.load()).await {
        Ok(Ok(None)) => return BTreeMap::new(),
        Ok(Ok(Some(saved))) if saved.version == VERSION => {
            json::decode(&saved.payload).map_err(|error| error.to_string())
        }
        Ok(Ok(Some(saved))) => Err(format!("they have format {}", saved.version)),
        Ok(Err(error)) => Err(describe(&error)),
        Err(panic) => Err(panic.message),
    };
    let saved = saved.unwrap_or_else(|error| {
        tracing::error!(error, "the saved settings cannot be read; the node goes on as it is configured");
        Value::Null
    });
    settings.iter().filter_map(|setting| Some((setting.name, read(&saved, setting)?))).collect()
}

fn read(saved: &Value, setting: &Setting) -> Option<Lasting> {
    let saved = saved.as_map()?.get(setting.name)?.as_map()?;
    let value = setting.check(saved.get("value")?).ok()?;
    Some(Lasting { value, over: saved.get("over")?.clone(), persist: true })
}

/// Keeps these settings, and no others. Where the disk fails, they hold until the program ends, and the log says so.
pub(super) async fn save(checkpoint: Arc<Checkpoint>, kept: Map) {
    let error = match json::encode(&Value::Map(kept)) {
        Ok(payload) => match blocking(move || checkpoint.save(VERSION, &payload)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => describe(&error),
            Err(panic) => panic.message,
        },
        Err(error) => error.to_string(),
    };
    tracing::error!(error, "settings cannot be saved; they hold until the program ends");
}

/// What [`save`] keeps of these settings.
pub(super) fn to_map<'l>(kept: impl Iterator<Item = (&'static str, &'l Lasting)>) -> Map {
    let entry =
        |lasting: &Lasting| Value::from([("value", lasting.value.clone()), ("over", lasting.over.clone())]);
    kept.map(|(name, lasting)| (name.into(), entry(lasting))).collect()
}
