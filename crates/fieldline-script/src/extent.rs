//! How large a value of a script is. The interpreter checks sizes at most operations, but not at
//! `map[key] = value`, through which forty assignments of a map to itself would fill any memory; so
//! [`Guard`] measures all variables again before they can have grown past the limit.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use rhai::{Dynamic, EvalAltResult, Position, Scope};

use crate::limits::Limits;

/// Bytes of text that count as one value.
const BYTES_PER_VALUE: usize = 64;

/// Watches the size of all variables while a script runs.
#[derive(Debug)]
pub(crate) struct Guard {
    size: usize,
    map: usize,
    depth: usize,
    /// What all variables of the script's body had when they were last measured.
    measured: AtomicUsize,
    /// Accesses by the body until the next look. One access can at most double what there is.
    accesses_left: AtomicU32,
}

impl Guard {
    pub(crate) fn new(limits: &Limits) -> Self {
        Guard {
            size: limits.size,
            map: limits.map,
            depth: limits.depth,
            measured: AtomicUsize::new(0),
            accesses_left: AtomicU32::new(0),
        }
    }

    /// The next event begins: nothing is known.
    pub(crate) fn reset(&self) {
        self.accesses_left.store(0, Ordering::Relaxed);
    }

    /// Called at every access to a variable; `level` is 0 in the body and more in functions. A function
    /// sees other variables than the body does, so it is measured at every access, and when it holds
    /// more than the body did, perhaps through a closure, the body is measured anew. Gives what was measured.
    pub(crate) fn accessed(&self, scope: &Scope, level: usize) -> Result<Option<usize>, Box<EvalAltResult>> {
        if level == 0 {
            let left = self.accesses_left.load(Ordering::Relaxed);
            if left > 0 {
                self.accesses_left.store(left - 1, Ordering::Relaxed);
                return Ok(None);
            }
        }
        let mut size = 1;
        for (_, _, value) in scope.iter_raw().filter(|(_, _, value)| !value.is_locked()) {
            size += self.measure(value)?;
        }
        if self.exceeds(size) {
            return Err(too_large("the variables of the script"));
        }
        if level == 0 {
            self.measured.store(size, Ordering::Relaxed);
            self.accesses_left.store((self.size / size).ilog2(), Ordering::Relaxed);
        } else if size > self.measured.load(Ordering::Relaxed) {
            self.accesses_left.store(0, Ordering::Relaxed);
        }
        Ok(Some(size))
    }

    /// The size of `value`, or the error that it is too large or too deep.
    pub(crate) fn measure(&self, value: &Dynamic) -> Result<usize, Box<EvalAltResult>> {
        let mut extent = Extent::default();
        if !extent.add(value, self.depth) {
            return Err(too_large("lists and maps inside each other"));
        }
        if extent.members > self.map {
            return Err(too_large("a map"));
        }
        if self.exceeds(extent.size) {
            return Err(too_large("the variables of the script"));
        }
        Ok(extent.size)
    }

    /// Whether `size` is more than all variables together may have.
    pub(crate) fn exceeds(&self, size: usize) -> bool {
        size > self.size
    }
}

fn too_large(what: &str) -> Box<EvalAltResult> {
    EvalAltResult::ErrorDataTooLarge(what.to_owned(), Position::NONE).into()
}

/// What has been counted so far.
#[derive(Default)]
struct Extent {
    size: usize,
    members: usize,
}

impl Extent {
    /// Counts `value`; says whether no more than `depth` lists and maps are inside each other.
    fn add(&mut self, value: &Dynamic, depth: usize) -> bool {
        self.size += 1;
        // Most values are numbers; the accessors below make up a message for each of them.
        if value.is_float() || value.is_int() {
            return true;
        }
        if let Ok(text) = value.as_immutable_string_ref() {
            self.size += text.len() / BYTES_PER_VALUE;
        } else if let Ok(map) = value.as_map_ref() {
            self.members += map.len();
            self.size += map.len();
            return depth > 0 && map.values().all(|member| self.add(member, depth - 1));
        } else if let Ok(list) = value.as_array_ref() {
            return depth > 0 && list.iter().all(|element| self.add(element, depth - 1));
        } else if let Ok(blob) = value.as_blob_ref() {
            self.size += blob.len() / BYTES_PER_VALUE;
        }
        true
    }
}
