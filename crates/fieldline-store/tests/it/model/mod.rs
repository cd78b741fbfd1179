//! Random operations, faults and power cuts on a log, against a model that only knows what was promised.

mod history;

use std::ops::Range;
use std::time::Duration;

use fieldline_store::testing::PowerCut;
use fieldline_store::{MIN_MAX_SIZE, Options, WhenFull};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;

use history::History;

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Append {
        size: usize,
        after: u64,
    },
    Burst {
        size: usize,
        count: usize,
    },
    Sync,
    /// Acknowledges this share of what waits, in per cent.
    Ack(u64),
    Read {
        skip: u64,
        records: usize,
        bytes: usize,
    },
    Expire {
        after: u64,
    },
    EvictOldest,
    Checkpoint,
    CutPower(PowerCut),
    /// The process dies, the system lives on.
    Kill,
    /// The same, and of the files that it leaves one is cut at the end of a record, or deleted.
    Damage {
        file: u64,
        place: u64,
    },
    FillDisk {
        room: u64,
    },
    ReadOnly,
    FailSyncs(u32),
    FailDirectorySyncs(u32),
    Repair,
}

fn operation(burst: Range<usize>) -> impl Strategy<Value = Operation> {
    let power_cut = (any::<u64>(), proptest::option::weighted(0.3, any::<u64>()), any::<u64>())
        .prop_map(|(kept_bytes, flipped_bit, kept_names)| PowerCut { kept_bytes, flipped_bit, kept_names });
    prop_oneof![
        12 => (0..400usize, 0..50u64).prop_map(|(size, after)| Operation::Append { size, after }),
        4 => (burst, 1..6usize).prop_map(|(size, count)| Operation::Burst { size, count }),
        6 => Just(Operation::Sync),
        4 => (0..=100u64).prop_map(Operation::Ack),
        3 => (0..20u64, 0..20usize, 0..1000usize)
            .prop_map(|(skip, records, bytes)| Operation::Read { skip, records, bytes }),
        1 => (0..200u64).prop_map(|after| Operation::Expire { after }),
        1 => Just(Operation::EvictOldest),
        3 => Just(Operation::Checkpoint),
        2 => power_cut.prop_map(Operation::CutPower),
        1 => Just(Operation::Kill),
        1 => (any::<u64>(), any::<u64>()).prop_map(|(file, place)| Operation::Damage { file, place }),
        1 => (0..2000u64).prop_map(|room| Operation::FillDisk { room }),
        1 => Just(Operation::ReadOnly),
        1 => (1..4u32).prop_map(Operation::FailSyncs),
        1 => (1..3u32).prop_map(Operation::FailDirectorySyncs),
        4 => Just(Operation::Repair),
    ]
}

fn options() -> impl Strategy<Value = Options> {
    let when_full =
        prop_oneof![Just(WhenFull::Block), Just(WhenFull::DropOldest), Just(WhenFull::DropNewest)];
    (when_full, proptest::option::of(100..400u64)).prop_map(|(when_full, max_age)| Options {
        max_size: MIN_MAX_SIZE,
        when_full,
        max_age: max_age.map(Duration::from_millis),
    })
}

fn check(options: Options, operations: &[Operation]) {
    let mut history = History::start(options);
    for operation in operations {
        history.apply(operation);
    }
    history.finish();
}

/// The first cut tears the position and brings three records back, the second one heals it by chance.
#[test]
fn what_was_acknowledged_may_come_back_and_go_again() {
    let append = |size| Operation::Append { size, after: 0 };
    let cut =
        |kept_bytes, flipped_bit| Operation::CutPower(PowerCut { kept_bytes, flipped_bit, kept_names: 0 });
    let options = Options { max_size: MIN_MAX_SIZE, when_full: WhenFull::Block, max_age: None };
    let operations = [
        append(0),
        append(0),
        append(0),
        append(61),
        Operation::Ack(75),
        cut(8_874_660_878_645_958_378, Some(7_024_134_331_005_168_832)),
        append(0),
        append(0),
        Operation::Burst { size: 500, count: 2 },
        Operation::Ack(17),
        cut(7_251_364_319_809_842_439, None),
    ];
    check(options, &operations);
}

fn cases(count: u32) -> Config {
    Config { cases: count, failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn nothing_durable_is_lost_and_the_ledger_balances(
        options in options(),
        operations in vec(operation(500..3_000), 1..60),
    ) {
        check(options, &operations);
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn the_cap_holds_at_every_instant_and_every_victim_is_counted(
        options in options(),
        operations in vec(operation(30_000..70_000), 1..60),
    ) {
        check(options, &operations);
    }
}
