//! Asking for the document until an answer comes, a bounded number of times.

use std::time::Duration;

use crate::json::{Json, Object};
use crate::name::ShadowName;
use crate::topic::{Kind, Operation, Publication};

/// How often, and after what time, a request without a useful answer is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all, at least one.
    pub attempts: u32,
    /// The time to wait after the first attempt; doubled with each further one, up to `longest`.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Retry { attempts: 5, first: Duration::from_secs(3), longest: Duration::from_secs(60) }
    }
}

impl Retry {
    /// The wait after `attempt`, counted from 1.
    pub(super) fn wait(&self, attempt: u32) -> Duration {
        fieldline_backoff::step(self.first, self.longest, attempt)
    }
}

/// With a hyphen and a number of 20 digits this makes 61 bytes.
const MAX_PREFIX: usize = 40;

/// Makes the client tokens of one client.
#[derive(Debug)]
pub(super) struct Tokens {
    prefix: String,
    count: u64,
}

impl Tokens {
    /// Takes so much of the prefix that the tokens stay below the 64 bytes a service accepts.
    pub(super) fn new(prefix: &str) -> Self {
        Tokens { prefix: prefix.chars().filter(char::is_ascii).take(MAX_PREFIX).collect(), count: 0 }
    }

    pub(super) fn next(&mut self) -> String {
        self.count += 1;
        format!("{}-{}", self.prefix, self.count)
    }
}

/// A get request under way.
#[derive(Debug)]
pub(super) struct Fetch {
    token: String,
    attempt: u32,
    due: Duration,
}

impl Fetch {
    /// The first attempt, and its request.
    pub(super) fn start(
        name: &ShadowName,
        tokens: &mut Tokens,
        retry: &Retry,
        now: Duration,
    ) -> (Self, Publication) {
        Fetch::attempt(1, name, tokens, retry, now)
    }

    /// The next attempt; `None` if there were enough.
    pub(super) fn again(
        &self,
        name: &ShadowName,
        tokens: &mut Tokens,
        retry: &Retry,
        now: Duration,
    ) -> Option<(Self, Publication)> {
        (self.attempt < retry.attempts).then(|| Fetch::attempt(self.attempt + 1, name, tokens, retry, now))
    }

    /// Whether an answer with this token is the one waited for: others' answers come on the same topic.
    pub(super) fn is_answered_by(&self, token: Option<&str>) -> bool {
        token == Some(self.token.as_str())
    }

    /// When the attempt counts as failed.
    pub(super) fn due(&self) -> Duration {
        self.due
    }

    fn attempt(
        attempt: u32,
        name: &ShadowName,
        tokens: &mut Tokens,
        retry: &Retry,
        now: Duration,
    ) -> (Self, Publication) {
        let token = tokens.next();
        let body = Json::Object(Object::from_iter([("clientToken".to_owned(), token.as_str().into())]));
        let request = Publication::new(name, Kind::Request(Operation::Get), body.to_string());
        (Fetch { token, attempt, due: now + retry.wait(attempt) }, request)
    }
}
