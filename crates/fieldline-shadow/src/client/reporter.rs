//! Writing a section of a shadow: only what changes, only the newest, and never blindly over a conflict.

use std::time::Duration;

use super::SectionName;
use super::fetch::{Fetch, Tokens};
use super::known::Known;
use super::message;
use super::report::{ReportAction, ReportError, ReporterSettings, check};
use super::wanted::Wanted;
use crate::document::patch_between;
use crate::json::{Json, Object};
use crate::name::ShadowName;
use crate::topic::{Kind, Operation, Publication};

/// Writes one section of one shadow. See the [module](super) for how it is driven.
#[derive(Debug)]
pub struct Reporter {
    name: ShadowName,
    settings: ReporterSettings,
    tokens: Tokens,
    link: Link,
    tickets: u64,
    pending: Option<Wanted>,
    sent: Option<Sent>,
    /// Attempts at the update that came to nothing.
    failures: u32,
    not_before: Duration,
}

#[derive(Debug)]
enum Link {
    Offline,
    Fetching(Fetch),
    Ready(Known),
}

#[derive(Debug)]
struct Sent {
    token: String,
    wanted: Wanted,
    due: Duration,
}

impl Reporter {
    /// A reporter that is not connected. `token_prefix` begins all its client tokens (ASCII, of which 40 characters
    /// are used); it must differ between clients and should between runs.
    pub fn new(name: ShadowName, settings: ReporterSettings, token_prefix: &str) -> Self {
        Reporter {
            name,
            settings,
            tokens: Tokens::new(token_prefix),
            link: Link::Offline,
            tickets: 0,
            pending: None,
            sent: None,
            failures: 0,
            not_before: Duration::ZERO,
        }
    }

    /// Sets members of the section: each to exactly the given value, null to delete it. The ticket comes back when
    /// this is confirmed or refused; call [`tick`](Reporter::tick) to send.
    pub fn report(&mut self, members: Object) -> Result<u64, ReportError> {
        self.add(members, false)
    }

    /// Like [`report`](Reporter::report), and deletes all other members.
    pub fn report_whole(&mut self, members: Object) -> Result<u64, ReportError> {
        self.add(members, true)
    }

    /// The connection is up and subscribed: asks for the document, which tells what has to be written.
    pub fn connected(&mut self, now: Duration) -> Vec<ReportAction> {
        self.restore_sent();
        self.failures = 0;
        vec![self.fetch(now)]
    }

    /// The connection is down; what was on its way will be sent again, unless overtaken by then.
    pub fn disconnected(&mut self) {
        self.restore_sent();
        self.link = Link::Offline;
    }

    /// A message arrived.
    pub fn received(&mut self, topic: &str, payload: &[u8], now: Duration) -> Vec<ReportAction> {
        let Some((kind, body)) = message::read(&self.name, topic, payload) else { return Vec::new() };
        let mut actions = match kind {
            Kind::Accepted(Operation::Get) | Kind::Rejected(Operation::Get) => {
                self.got(kind, &body);
                Vec::new()
            }
            Kind::Accepted(Operation::Update) => self.updated(&body, now),
            Kind::Rejected(Operation::Update) => self.rejected(&body, now),
            Kind::Accepted(Operation::Delete) => {
                if let Link::Ready(known) = &mut self.link {
                    *known = Known::default();
                }
                Vec::new()
            }
            Kind::Delta | Kind::Documents | Kind::Request(_) | Kind::Rejected(Operation::Delete) => {
                Vec::new()
            }
        };
        actions.extend(self.send_if_due(now));
        actions
    }

    /// Time has passed, or there is something new to send.
    pub fn tick(&mut self, now: Duration) -> Vec<ReportAction> {
        if let Link::Fetching(fetch) = &self.link
            && now >= fetch.due()
        {
            let again = fetch.again(&self.name, &mut self.tokens, &self.settings.retry, now);
            return vec![match again {
                Some((fetch, request)) => {
                    self.link = Link::Fetching(fetch);
                    ReportAction::Publish(request)
                }
                None => self.give_up_connection(),
            }];
        }
        if self.sent.as_ref().is_some_and(|sent| now >= sent.due) {
            // Whether it was applied is unknown, so the document is asked for.
            self.failures += 1;
            let is_last = self.failures >= self.settings.retry.attempts;
            self.restore_sent();
            return vec![if is_last { self.give_up_connection() } else { self.fetch(now) }];
        }
        self.send_if_due(now).into_iter().collect()
    }

    /// When [`tick`](Reporter::tick) has something to do; `None` if only a message or a report can change that.
    pub fn wake_at(&self) -> Option<Duration> {
        match (&self.link, &self.sent) {
            (Link::Fetching(fetch), _) => Some(fetch.due()),
            (_, Some(sent)) => Some(sent.due),
            (Link::Ready(_), None) if self.pending.is_some() => Some(self.not_before),
            _ => None,
        }
    }

    fn add(&mut self, members: Object, whole: bool) -> Result<u64, ReportError> {
        check(&members, self.settings.limits)?;
        self.tickets += 1;
        let newer = Wanted::new(members, whole, self.tickets);
        match &mut self.pending {
            Some(pending) => pending.overtake(newer),
            None => self.pending = Some(newer),
        }
        Ok(self.tickets)
    }

    fn fetch(&mut self, now: Duration) -> ReportAction {
        let (fetch, request) = Fetch::start(&self.name, &mut self.tokens, &self.settings.retry, now);
        self.link = Link::Fetching(fetch);
        ReportAction::Publish(request)
    }

    fn give_up_connection(&mut self) -> ReportAction {
        self.link = Link::Offline;
        ReportAction::NoAnswer
    }

    /// Puts what was sent under what has been reported since.
    fn restore_sent(&mut self) {
        let Some(Sent { mut wanted, .. }) = self.sent.take() else { return };
        if let Some(newer) = self.pending.take() {
            wanted.overtake(newer);
        }
        self.pending = Some(wanted);
    }

    fn got(&mut self, kind: Kind, body: &Json) {
        let Link::Fetching(fetch) = &self.link else { return };
        if !fetch.is_answered_by(message::token(body)) {
            return;
        }
        if matches!(kind, Kind::Accepted(_)) {
            self.link = Link::Ready(Known::of_get(body));
        } else if message::code(body) == 404 {
            self.link = Link::Ready(Known::default());
        }
        // After any other rejection the get is repeated when it is due.
    }

    fn updated(&mut self, body: &Json, now: Duration) -> Vec<ReportAction> {
        let mut actions = Vec::new();
        if let Some(sent) = self.sent.take_if(|sent| message::token(body) == Some(sent.token.as_str())) {
            self.failures = 0;
            let version = message::version(body);
            actions.push(ReportAction::Confirmed { ticket: sent.wanted.ticket, version });
        }
        if let Link::Ready(known) = &mut self.link
            && known.apply(body).is_err()
        {
            self.restore_sent();
            actions.push(self.fetch(now));
        }
        actions
    }

    fn rejected(&mut self, body: &Json, now: Duration) -> Vec<ReportAction> {
        let is_ours = |sent: &mut Sent| message::token(body) == Some(sent.token.as_str());
        let Some(sent) = self.sent.take_if(is_ours) else { return Vec::new() };
        let code = message::code(body);
        self.failures += 1;
        let may_try_again = self.failures < self.settings.retry.attempts;
        if !matches!(code, 409 | 429 | 500..) || !may_try_again {
            self.failures = 0;
            return vec![refused(sent.wanted, code, message::text(body))];
        }
        self.sent = Some(sent);
        self.restore_sent();
        if code == 409 {
            return vec![self.fetch(now)];
        }
        self.not_before = now + self.settings.retry.wait(self.failures);
        Vec::new()
    }

    fn send_if_due(&mut self, now: Duration) -> Option<ReportAction> {
        let Link::Ready(known) = &self.link else { return None };
        if self.sent.is_some() || now < self.not_before {
            return None;
        }
        let wanted = self.pending.take()?;
        let actual = known.section(self.settings.section);
        let target = wanted.applied_to(actual);
        let patch = patch_between(actual, &target);
        if patch.is_empty() {
            return Some(ReportAction::Confirmed { ticket: wanted.ticket, version: known.version });
        }
        let size = known.size_with(self.settings.section, &target);
        let limit = self.settings.limits.document_bytes();
        if size > limit {
            return Some(refused(
                wanted,
                413,
                format!("the shadow would have {size} bytes; it takes {limit}"),
            ));
        }
        let version = known.version.filter(|_| self.settings.check_version);
        let token = self.tokens.next();
        let request = update_request(self.settings.section, patch, version, &token);
        self.not_before = now + self.settings.interval;
        let due = now + self.settings.retry.wait(self.failures + 1);
        self.sent = Some(Sent { token, wanted, due });
        Some(ReportAction::Publish(Publication::new(&self.name, Kind::Request(Operation::Update), request)))
    }
}

fn refused(wanted: Wanted, code: u16, message: String) -> ReportAction {
    ReportAction::Refused { ticket: wanted.ticket, code, message, members: wanted.into_members() }
}

fn update_request(section: SectionName, patch: Object, version: Option<u64>, token: &str) -> String {
    let state = Object::from_iter([(section.as_str().to_owned(), Json::Object(patch))]);
    let mut request = Object::from_iter([("state".to_owned(), Json::Object(state))]);
    if let Some(version) = version {
        request.insert("version".to_owned(), version.into());
    }
    request.insert("clientToken".to_owned(), token.into());
    Json::Object(request).to_string()
}
