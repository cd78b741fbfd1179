//! The hook that limits requests, and the limit AWS documents: 20 per second and thing.
//!
//! The service answers at once, so nothing is ever in flight here; a broker that queues requests counts them per
//! connection and refuses the eleventh with [`refusal`](super::refusal).

use std::collections::HashMap;

use crate::name::ShadowName;
use crate::rejection::Rejection;
use crate::topic::Operation;

/// Decides whether a request is looked at; usually the answer is yes or [`Rejection::TooManyRequests`].
pub trait Admission {
    /// Called once per request at `now` (epoch seconds), before anything of it is checked.
    fn admit(&mut self, name: &ShadowName, operation: Operation, now: u64) -> Result<(), Rejection>;
}

/// Admits everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

impl Admission for Unlimited {
    fn admit(&mut self, _name: &ShadowName, _operation: Operation, _now: u64) -> Result<(), Rejection> {
        Ok(())
    }
}

/// Admits a number of requests per thing in each second of the clock.
#[derive(Debug)]
pub struct RequestRate {
    per_second: u32,
    second: u64,
    counts: HashMap<String, u32>,
}

impl RequestRate {
    /// A limit of `per_second` for each thing.
    pub fn new(per_second: u32) -> Self {
        RequestRate { per_second, second: 0, counts: HashMap::new() }
    }
}

/// 20 per second.
impl Default for RequestRate {
    fn default() -> Self {
        RequestRate::new(20)
    }
}

impl Admission for RequestRate {
    fn admit(&mut self, name: &ShadowName, _operation: Operation, now: u64) -> Result<(), Rejection> {
        if now != self.second {
            self.second = now;
            self.counts.clear();
        }
        let count = self.counts.entry(name.thing().to_owned()).or_default();
        if *count >= self.per_second {
            return Err(Rejection::TooManyRequests);
        }
        *count += 1;
        Ok(())
    }
}
