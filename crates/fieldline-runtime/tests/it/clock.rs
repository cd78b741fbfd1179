//! Events say so while the machine's clock waits to be set.

use std::time::Duration;

use fieldline_core::Clock;
use fieldline_runtime::{Environment, Runtime, SystemTime, Unset};

use crate::bench_plan::{Draw, Part, Witness};

#[tokio::test(start_paused = true)]
async fn events_say_so_until_the_clock_is_set() {
    let (folder, unset, witness) =
        (tempfile::tempdir().expect("a folder"), Unset::default(), Witness::default());
    unset.set(true);
    let clock = Clock::new(SystemTime::new(unset.clone()));
    let drain = Duration::from_secs(10);
    let mut runtime =
        Runtime::new(Environment { clock, data_dir: folder.path().into(), drain, save_every: None });
    let plan = Draw::new(&witness)
        .node("air", Part::Numbers { pause: Duration::from_secs(1), limit: 10 }, &[])
        .node("unset", Part::Has("clock"), &["air"])
        .node("out", Part::Writes, &["unset"])
        .plan();
    runtime.apply(plan).await.expect("it can be built");
    tokio::time::sleep(Duration::from_millis(5_500)).await;
    unset.set(false);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let written = witness.written("out");
    assert_eq!(written.len(), 10);
    assert_eq!(written[..5], [1; 5]);
    assert_eq!(written[6..], [0; 4]);
}
