//! Files that are replaced as a whole.

use std::path::Path;
use std::sync::Arc;

use fieldline_store::testing::{MemoryStorage, PowerCut};
use fieldline_store::{AtomicFile, Storage};

const PATH: &str = "/shadows/pi.json";

fn file(storage: &MemoryStorage) -> AtomicFile {
    AtomicFile::new(Arc::new(storage.clone()), PATH)
}

fn content(file: &AtomicFile) -> Option<Vec<u8>> {
    file.read(u64::MAX).expect("readable")
}

#[test]
fn a_replacement_survives_a_power_cut_and_a_removal_leaves_nothing() {
    let storage = MemoryStorage::new();
    let file = file(&storage);
    assert_eq!(content(&file), None);
    file.replace(b"a longer first text").expect("replaced");
    file.replace(b"second").expect("replaced");
    storage.cut_power(PowerCut::default());
    assert_eq!(content(&file).as_deref(), Some(b"second" as &[u8]));
    assert_eq!(file.read(3).expect("readable").as_deref(), Some(b"sec" as &[u8]));
    file.remove().expect("removed");
    file.remove().expect("there is nothing to remove");
    assert_eq!(content(&file), None);
}

#[test]
fn whatever_a_power_cut_leaves_of_a_replacement_is_the_old_text_or_the_new_one() {
    for kept_names in 0..8 {
        let storage = MemoryStorage::new();
        let file = file(&storage);
        file.replace(b"old").expect("replaced");
        storage.fail_directory_syncs(1);
        file.replace(b"new").expect_err("the directory is not durable");
        storage.cut_power(PowerCut { kept_names, ..PowerCut::default() });
        let content = content(&file).expect("one of them");
        assert!([b"old", b"new"].map(|text| text.to_vec()).contains(&content), "{content:?}");
    }
}

#[test]
fn what_was_written_before_a_kill_and_not_renamed_is_no_text_of_the_file() {
    let storage = MemoryStorage::new();
    let file = file(&storage);
    file.replace(b"old").expect("replaced");
    let mut left_over = storage.open(Path::new("/shadows/pi.json.new"), true).expect("a new file");
    left_over.write_at(b"much longer than what comes", 0).expect("written");
    assert_eq!(content(&file).as_deref(), Some(b"old" as &[u8]));
    file.replace(b"new").expect("replaced");
    assert_eq!(content(&file).as_deref(), Some(b"new" as &[u8]));
}
