//! Small state that is replaced as a whole.

use std::path::Path;
use std::sync::Arc;

use fieldline_store::testing::{MemoryStorage, PowerCut};
use fieldline_store::{Checkpoint, Saved, StoreError};

const PATH: &str = "/state/window";

fn checkpoint(storage: &MemoryStorage) -> Checkpoint {
    Checkpoint::new(Arc::new(storage.clone()), PATH)
}

fn saved(version: u32, payload: &[u8]) -> Option<Saved> {
    Some(Saved { version, payload: payload.to_vec() })
}

#[test]
fn the_last_saved_state_is_loaded() {
    let storage = MemoryStorage::new();
    let checkpoint = checkpoint(&storage);
    assert_eq!(checkpoint.load().expect("readable"), None);
    checkpoint.save(1, b"a longer first state").expect("saved");
    checkpoint.save(2, b"second").expect("saved");
    storage.cut_power(PowerCut::default());
    assert_eq!(checkpoint.load().expect("readable"), saved(2, b"second"));
    checkpoint.save(3, b"").expect("saved");
    assert_eq!(checkpoint.load().expect("readable"), saved(3, b""));
}

#[test]
fn a_failed_save_leaves_the_old_state_through_any_power_cut() {
    let check = |break_storage: fn(&MemoryStorage)| {
        for kept_names in 0..4 {
            let storage = MemoryStorage::new();
            let checkpoint = checkpoint(&storage);
            checkpoint.save(1, b"old").expect("saved");
            break_storage(&storage);
            assert!(checkpoint.save(2, b"new and longer than what was there").is_err());
            storage.cut_power(PowerCut { kept_names, ..PowerCut::default() });
            assert_eq!(checkpoint.load().expect("readable"), saved(1, b"old"));
        }
    };
    check(|storage| storage.set_capacity(Some(25)));
    check(|storage| storage.set_read_only(true));
    check(|storage| storage.fail_syncs(1));
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let storage = MemoryStorage::new();
    let checkpoint = checkpoint(&storage);
    checkpoint.save(7, b"state").expect("saved");
    for bit in 0..8 * (16 + 5) {
        storage.flip_bit(Path::new(PATH), bit);
        assert!(matches!(checkpoint.load(), Err(StoreError::Damaged { .. })), "bit {bit}");
        storage.flip_bit(Path::new(PATH), bit);
    }
    assert_eq!(checkpoint.load().expect("readable"), saved(7, b"state"));
}
