//! The shadow service behind the embedded broker: the topics and documents of AWS IoT, with one JSON file per shadow,
//! `<thing>.json` or `<thing>~<shadow>.json`, as its memory.

use std::io;
use std::path::{Path, PathBuf};

use fieldline_broker::{Delivery, Link, LinkError, Message};
use fieldline_core::{Clock, ComponentError};
use fieldline_shadow::document::Record;
use fieldline_shadow::limits::Limits;
use fieldline_shadow::name::ShadowName;
use fieldline_shadow::rejection::Rejection;
use fieldline_shadow::service::{MemoryStore, Service, Store, StoreError, refusal};
use fieldline_shadow::topic::{Kind, Operation, Publication, Topic};
use tokio::fs;
use tokio::io::AsyncWriteExt;

/// One subscription for every request, so that requests are answered in the order in which they came.
const REQUESTS: &str = "$aws/things/+/shadow/#";

/// All shadows of a broker: in memory, and on disk before anything is accepted.
pub(super) struct Shadows {
    service: Service<MemoryStore>,
    folder: PathBuf,
    clock: Clock,
}

/// A shadow that was kept cannot be used.
#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error("the shadow file `{}` cannot be read: {error}", path.display())]
    Read { path: PathBuf, error: String },
    #[error("the shadow folder `{}` cannot be used: {error}", path.display())]
    Folder { path: PathBuf, error: io::Error },
}

impl Shadows {
    /// Reads what is in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// Permanent: a file that is no shadow is not overwritten, and not passed over either.
    pub(super) async fn open(folder: PathBuf, clock: Clock) -> Result<Self, ComponentError> {
        let now = seconds(&clock);
        let store = read_all(&folder, now).await;
        let store = store.map_err(|error| ComponentError::permanent("shadows", error))?;
        Ok(Shadows { service: Service::new(store, Limits::default()), folder, clock })
    }

    /// Takes requests from now on; they are answered while the future is polled, until the broker has stopped.
    pub(super) fn listen(mut self, link: Link) -> Result<impl Future<Output = ()>, LinkError> {
        let mut requests = link.subscribe(REQUESTS, Delivery::Shared)?;
        Ok(async move {
            while let Some(received) = requests.next().await {
                let request = received.message;
                for Publication { topic, payload } in self.answer(&request.topic, &request.payload).await {
                    if let Err(error) = link.publish(Message::new(topic, payload)).await {
                        tracing::debug!(%error, "a shadow answer finds no broker");
                    }
                }
            }
        })
    }

    /// The answers to a request, after what it changed is on disk.
    async fn answer(&mut self, topic: &str, payload: &[u8]) -> Vec<Publication> {
        let now = seconds(&self.clock);
        let request = match topic.parse() {
            Ok(Topic { name, kind: Kind::Request(operation) }) if operation != Operation::Get => {
                Some((name, operation))
            }
            _ => None,
        };
        let Some((name, operation)) = request else {
            return self.service.answer(topic, payload, now).publications;
        };
        let before = self.service.store().load(&name);
        let answers = self.service.answer(topic, payload, now).publications;
        match self.keep(&name, before, now).await {
            Ok(()) => answers,
            Err(error) => {
                tracing::error!(shadow = %name, %error, "a shadow could not be written, the request is refused");
                vec![refusal(&name, operation, payload, Rejection::Internal)]
            }
        }
    }

    /// Writes the record of `name` if it is another one than `before`; if that fails, `before` is put back.
    async fn keep(
        &mut self,
        name: &ShadowName,
        before: Result<Option<Record>, StoreError>,
        now: u64,
    ) -> Result<(), StoreError> {
        let (before, after) = (before?, self.service.store().load(name)?);
        let Some(record) = after.filter(|after| before.as_ref() != Some(after)) else { return Ok(()) };
        let written = write(&self.folder.join(file_name(name)), &record.to_text()).await;
        if written.is_err() {
            // A record cannot be taken out of a store, but a tombstone of long ago is as good as none.
            let none = Record::Deleted { version: 0, at: 0 };
            self.service.store_mut().save(name, before.unwrap_or(none))?;
        }
        self.service.purge(now)?;
        written.map_err(|error| StoreError::Save { name: name.clone(), source: Box::new(error) })
    }
}

/// Epoch seconds, as shadows count them.
fn seconds(clock: &Clock) -> u64 {
    u64::try_from(clock.time().as_second()).unwrap_or(0)
}

fn file_name(name: &ShadowName) -> String {
    format!("{name}.json")
}

/// The shadow a file is of; `None` for other files.
fn name_of(file: &Path) -> Option<ShadowName> {
    let name = file.file_name()?.to_str()?.strip_suffix(".json")?;
    match name.split_once('~') {
        Some((thing, shadow)) => ShadowName::named(thing, shadow).ok(),
        None => ShadowName::classic(name).ok(),
    }
}

/// Reads every shadow; tombstones whose time is over are removed.
async fn read_all(folder: &Path, now: u64) -> Result<MemoryStore, OpenError> {
    let in_folder = |error| OpenError::Folder { path: folder.to_owned(), error };
    fs::create_dir_all(folder).await.map_err(in_folder)?;
    let mut store = MemoryStore::default();
    let mut files = fs::read_dir(folder).await.map_err(in_folder)?;
    while let Some(file) = files.next_entry().await.map_err(in_folder)? {
        let path = file.path();
        let Some(name) = name_of(&path) else { continue };
        let broken = |error: String| OpenError::Read { path: path.clone(), error };
        let text = fs::read_to_string(&path).await.map_err(|error| broken(error.to_string()))?;
        let record = Record::from_text(&text).map_err(|error| broken(error.to_string()))?;
        if record.is_expired(now) {
            fs::remove_file(&path).await.map_err(in_folder)?;
        } else {
            store.save(&name, record).map_err(|error| broken(error.to_string()))?;
        }
    }
    Ok(store)
}

/// Replaces a file as a whole: after a crash there is the old text or the new one.
async fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = fs::File::create(&new).await?;
    file.write_all(text.as_bytes()).await?;
    file.sync_all().await?;
    fs::rename(&new, path).await?;
    match path.parent() {
        Some(folder) => fs::File::open(folder).await?.sync_all().await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use fieldline_core::clock::TimeSource;
    use jiff::Timestamp;

    use super::*;

    const UPDATE: &str = "$aws/things/pi/shadow/update";

    /// Epoch seconds that stand still.
    struct Still(i64);

    impl TimeSource for Still {
        fn instant(&self) -> std::time::Instant {
            tokio::time::Instant::now().into_std()
        }

        fn time(&self) -> Timestamp {
            Timestamp::from_second(self.0).expect("a time")
        }
    }

    async fn open(folder: &Path, now: i64) -> Result<Shadows, ComponentError> {
        Shadows::open(folder.to_owned(), Clock::new(Still(now))).await
    }

    fn last(answers: &[Publication]) -> &Publication {
        answers.last().expect("every request has an answer")
    }

    #[tokio::test]
    async fn a_file_name_says_which_shadow_it_is() {
        for name in [ShadowName::classic("a:b_c-1"), ShadowName::named("pi", "$conf:ig")] {
            let name = name.expect("the names are good");
            assert_eq!(name_of(Path::new(&file_name(&name))), Some(name));
        }
        assert_eq!(name_of(Path::new("pi.new")), None);
    }

    #[tokio::test]
    async fn what_is_accepted_is_there_after_a_restart_and_a_deleted_version_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut shadows = open(folder.path(), 1_000).await.expect("an empty folder");
        shadows.answer(UPDATE, br#"{"state":{"desired":{"a":1}}}"#).await;
        let mut shadows = open(folder.path(), 1_001).await.expect("a shadow");
        let answers = shadows.answer("$aws/things/pi/shadow/get", b"").await;
        assert!(last(&answers).payload.starts_with(r#"{"state":{"desired":{"a":1},"#), "{answers:?}");
        shadows.answer("$aws/things/pi/shadow/delete", b"").await;
        let mut shadows = open(folder.path(), 1_002).await.expect("a tombstone");
        let answers = shadows.answer(UPDATE, br#"{"state":{"desired":{"a":1}}}"#).await;
        assert!(last(&answers).payload.contains(r#""version":3"#), "{answers:?}");
    }

    #[tokio::test]
    async fn a_tombstone_is_removed_when_its_time_is_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut shadows = open(folder.path(), 1_000).await.expect("an empty folder");
        shadows.answer(UPDATE, br#"{"state":{"desired":{"a":1}}}"#).await;
        shadows.answer("$aws/things/pi/shadow/delete", b"").await;
        assert!(folder.path().join("pi.json").exists());
        open(folder.path(), 1_000_000).await.expect("a tombstone");
        assert!(!folder.path().join("pi.json").exists());
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_refused_and_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut shadows = open(folder.path(), 1_000).await.expect("an empty folder");
        fs::create_dir(folder.path().join("pi.new")).await.expect("something in the way");
        let answers = shadows.answer(UPDATE, br#"{"state":{"desired":{"a":1}},"clientToken":"t"}"#).await;
        assert_eq!(answers.len(), 1);
        assert_eq!(
            last(&answers).payload,
            r#"{"code":500,"message":"Internal service failure","clientToken":"t"}"#
        );
        let answers = shadows.answer("$aws/things/pi/shadow/get", b"").await;
        assert!(last(&answers).payload.starts_with(r#"{"code":404,"#), "{answers:?}");
        fs::remove_dir(folder.path().join("pi.new")).await.expect("it is empty");
        let answers = shadows.answer(UPDATE, br#"{"state":{"desired":{"a":1}}}"#).await;
        assert!(last(&answers).payload.contains(r#""version":1"#), "{answers:?}");
    }

    #[tokio::test]
    async fn a_file_that_is_no_shadow_is_named_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("pi.json"), "{").await.expect("room for it");
        let error = open(folder.path(), 1_000).await.err().expect("it is refused");
        assert!(!error.retryable && error.message.contains("pi.json"), "{error}");
    }
}
