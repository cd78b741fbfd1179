//! What the log was told and what it answered; every step checks it against what was promised.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fieldline_store::testing::{MemoryStorage, PowerCut};
use fieldline_store::{Appended, Log, Options, Record, Stats, Storage, StoreError, Tally};

use super::Operation;
use crate::support::{
    DIRECTORY, assert_balanced, by_clock, ends_of_records, open, read_all, segment_files, try_open,
};

pub(crate) struct History {
    storage: MemoryStorage,
    options: Options,
    log: Option<Log>,
    now: u64,
    /// Every record there ever was.
    appended: BTreeMap<u64, Record>,
    /// Those that wait.
    waiting: BTreeMap<u64, Record>,
    /// The last sequence that was reported durable.
    durable: u64,
    /// Sequences before this one were settled when a checkpoint succeeded.
    checkpointed: u64,
    /// Sequences before this one were acknowledged while the disk took what was written.
    noted: u64,
    /// The last sequence that was ever acknowledged. Up to there nothing is owed: what a power cut brings back, because
    /// it tore the position, the next one may take again.
    acknowledged: u64,
    /// What waited when the log last wrote down what it holds.
    noted_records: BTreeSet<u64>,
    takes_nothing: bool,
    /// A sync failed and none succeeded since.
    is_suspect: bool,
    /// Counters of the log before this session, and what crashes did.
    past: Stats,
    lost: u64,
    returned: u64,
    /// What appends reported as evicted, and what stats said was.
    reported: Tally,
}

impl History {
    pub(crate) fn start(options: Options) -> Self {
        let storage = MemoryStorage::new();
        let log = open(&storage, options.clone());
        Self {
            storage,
            options,
            log: Some(log),
            now: 1_000,
            appended: BTreeMap::new(),
            waiting: BTreeMap::new(),
            durable: 0,
            checkpointed: 0,
            noted: 0,
            acknowledged: 0,
            noted_records: BTreeSet::new(),
            takes_nothing: false,
            is_suspect: false,
            past: Stats::default(),
            lost: 0,
            returned: 0,
            reported: Tally::default(),
        }
    }

    pub(crate) fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Append { size, after } => {
                self.now += after;
                self.append(*size);
            }
            Operation::Burst { size, count } => (0..*count).for_each(|_| self.append(*size)),
            Operation::Sync => self.sync(),
            Operation::Ack(share) => self.ack(*share),
            Operation::Read { skip, records, bytes } => self.read(*skip, *records, *bytes),
            Operation::Expire { after } => self.expire(*after),
            Operation::EvictOldest => drop(self.watch_evictions(Log::evict_oldest)),
            Operation::Checkpoint => self.checkpoint(),
            Operation::CutPower(power_cut) => self.restart(Some(*power_cut)),
            Operation::Kill => self.restart(None),
            Operation::Damage { file, place } => self.damage(*file, *place),
            Operation::FillDisk { room } => {
                self.takes_nothing = true;
                self.storage.set_capacity(Some(self.storage.occupied() + room));
            }
            Operation::ReadOnly => {
                self.takes_nothing = true;
                self.storage.set_read_only(true);
            }
            Operation::FailSyncs(count) => self.storage.fail_syncs(*count),
            Operation::FailDirectorySyncs(count) => self.storage.fail_directory_syncs(*count),
            Operation::Repair => self.repair(),
        }
        self.note();
        assert!(self.storage.peak() <= self.options.max_size, "{} bytes on disk", self.storage.peak());
        assert_eq!(self.log().len(), self.waiting.len() as u64);
        assert_balanced(self.log());
    }

    /// Loses the power once more, checks what is left, and balances the books of all sessions together.
    pub(crate) fn finish(mut self) {
        self.repair();
        self.restart(Some(PowerCut::default()));
        let total = self.past;
        let settled = total.acked + total.evicted.records + total.expired;
        assert_eq!(total.appended + self.returned, settled + self.lost + self.waiting.len() as u64);
    }

    fn log(&mut self) -> &mut Log {
        self.log.as_mut().expect("the log is only closed to be opened again")
    }

    fn repair(&mut self) {
        self.takes_nothing = false;
        self.storage.set_capacity(None);
        self.storage.set_read_only(false);
        self.storage.fail_syncs(0);
        self.storage.fail_directory_syncs(0);
    }

    fn append(&mut self, size: usize) {
        let mut payload = vec![b'.'; size];
        payload.iter_mut().zip(self.appended.len().to_le_bytes()).for_each(|(byte, mark)| *byte = mark);
        let now = self.now;
        match self.watch_evictions(|log| log.append(&payload, now)) {
            Ok(Appended::Stored { sequence, evicted }) => {
                self.is_suspect = false;
                self.reported.records += evicted.records;
                self.reported.bytes += evicted.bytes;
                let record = Record { sequence, appended_at: now, payload };
                assert!(self.appended.last_key_value().is_none_or(|(last, _)| *last < sequence));
                self.appended.insert(sequence, record.clone());
                self.waiting.insert(sequence, record);
            }
            Ok(Appended::Dropped) => {}
            Err(error) => self.notice(&error),
        }
    }

    fn sync(&mut self) {
        match self.log().sync() {
            Ok(durable) => {
                // A sync of nothing doesn't make good what failed.
                self.is_suspect &= self.waiting.is_empty();
                self.durable = durable;
            }
            Err(error) => self.notice(&error),
        }
    }

    fn ack(&mut self, share: u64) {
        let count = self.waiting.len() * share as usize / 100;
        let Some(upto) = self.waiting.keys().take(count).next_back().copied() else { return };
        assert_eq!(self.log().ack(upto), count as u64);
        self.waiting = self.waiting.split_off(&(upto + 1));
        self.acknowledged = self.acknowledged.max(upto);
    }

    fn note(&mut self) {
        if self.log().note().is_ok() {
            self.noted = self.first_waiting();
            self.noted_records = self.waiting.keys().copied().collect();
        }
    }

    /// The process dies, and somebody cuts a file of its log at the end of a record, or deletes it.
    fn damage(&mut self, file: u64, place: u64) {
        self.close_books();
        self.repair();
        let segments = segment_files(&self.storage);
        if let Some(path) = segments.get(file as usize % segments.len().max(1)) {
            let ends = ends_of_records(&self.storage, path);
            let mut file = self.storage.open(path, false).expect("it is there");
            match ends.get(place as usize % (ends.len() + 1)) {
                Some(end) => file.set_length(*end).and_then(|()| file.sync()).expect("it can be cut"),
                None => self.storage.remove(path).expect("it can be deleted"),
            }
            self.storage.sync_directory(Path::new(DIRECTORY)).expect("synced");
        }
        self.reopen(None, true);
    }

    fn read(&mut self, skip: u64, count: usize, bytes: usize) {
        let after = self.waiting.keys().nth(skip as usize).copied().unwrap_or(0);
        let records = self.log().read_after(after, count, bytes).expect("nothing is unreadable");
        let mut total = 0;
        let mut expected = Vec::new();
        for record in self.waiting.range(after + 1..).map(|(_, record)| record).take(count) {
            if !expected.is_empty() && total + record.payload.len() > bytes {
                break;
            }
            total += record.payload.len();
            expected.push(record.clone());
        }
        if self.is_suspect {
            expected.truncate(records.len());
        }
        assert_eq!(records, expected);
    }

    fn expire(&mut self, after: u64) {
        self.now += after;
        let now = self.now;
        let expired = self.log().expire(by_clock(now)).expect("nothing is unreadable");
        let max_age = self.options.max_age.map_or(u64::MAX, |age| age.as_millis() as u64);
        let too_old =
            self.waiting.values().take_while(|record| now - record.appended_at > max_age).count() as u64;
        assert!(expired == too_old || (self.is_suspect && expired < too_old), "{expired} of {too_old}");
        (0..expired).for_each(|_| drop(self.waiting.pop_first()));
    }

    fn checkpoint(&mut self) {
        if self.log().checkpoint().is_ok() {
            self.checkpointed = self.first_waiting();
        }
    }

    /// The first sequence that isn't settled.
    fn first_waiting(&self) -> u64 {
        let last = self.appended.last_key_value().map_or(0, |(last, _)| last + 1);
        self.waiting.first_key_value().map_or(last, |(first, _)| *first)
    }

    /// Runs something that may evict, and takes the victims out of the model.
    fn watch_evictions<T>(&mut self, run: impl FnOnce(&mut Log) -> T) -> T {
        let before = self.log().stats().evicted;
        let result = run(self.log());
        let after = self.log().stats().evicted;
        let victims: Vec<Record> = (before.records..after.records)
            .filter_map(|_| self.waiting.pop_first())
            .map(|(_, r)| r)
            .collect();
        let bytes: usize = victims.iter().map(|record| record.payload.len()).sum();
        assert_eq!(after.bytes - before.bytes, bytes as u64);
        result
    }

    fn notice(&mut self, error: &StoreError) {
        self.is_suspect |= matches!(error, StoreError::SyncFailed { .. });
    }

    /// The end of the process or of the power, and what the next session finds.
    fn restart(&mut self, power_cut: Option<PowerCut>) {
        self.close_books();
        self.repair();
        if let Some(power_cut) = power_cut {
            self.storage.cut_power(power_cut);
        }
        self.reopen(power_cut, false);
    }

    fn reopen(&mut self, power_cut: Option<PowerCut>, has_damage: bool) {
        let settled = if power_cut.is_some() { self.checkpointed } else { self.checkpointed.max(self.noted) };
        let (mut log, recovered) = try_open(&self.storage, self.options.clone()).expect("the log opens");
        let found: BTreeMap<u64, Record> = read_all(&mut log).into_iter().map(|r| (r.sequence, r)).collect();
        assert_eq!(found.len() as u64, log.len());
        let missed = recovered.missing_records + log.stats().damaged;
        match power_cut {
            None => {
                let gone = self.noted_records.iter().filter(|sequence| !found.contains_key(sequence));
                assert_eq!(missed, gone.count() as u64, "what was noted and is gone");
            }
            Some(PowerCut { flipped_bit: None, .. }) => assert_eq!(missed, 0, "a false alarm"),
            Some(_) => {}
        }
        self.log = Some(log);

        for (sequence, record) in &found {
            assert_eq!(self.appended.get(sequence), Some(record), "what is found was appended");
            let is_settled = !self.waiting.contains_key(sequence);
            assert!(!is_settled || *sequence >= settled, "{sequence} was settled before");
            self.returned += u64::from(is_settled);
        }
        for sequence in self.waiting.keys().filter(|sequence| !found.contains_key(sequence)) {
            let is_owed = *sequence > self.acknowledged && *sequence <= self.durable;
            assert!(has_damage || power_cut.is_some(), "{sequence} was there, and the power was too");
            assert!(has_damage || !is_owed, "{sequence} was durable, as everything up to {}", self.durable);
            self.lost += 1;
        }
        self.durable = found.keys().last().copied().unwrap_or(self.durable).max(self.durable);
        self.waiting = found;
        self.noted = settled;
        self.is_suspect = false;
    }

    /// Ends a session of the log and adds its counters to those before.
    fn close_books(&mut self) {
        let Some(log) = self.log.take() else { return };
        let stats = log.stats();
        self.past.appended += stats.appended;
        self.past.acked += stats.acked;
        self.past.evicted.records += stats.evicted.records;
        self.past.expired += stats.expired;
        self.past.damaged += stats.damaged;
    }
}
