//! SUBSCRIBE and UNSUBSCRIBE: which are still to be sent and which one is under way. One at a time, so that
//! answers need no table and packet ids can be foreseen. Pure.

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::error::FilterRefusal;
use crate::message::QoS;

/// AWS IoT Core refuses a SUBSCRIBE with more filters than this.
const FILTERS_PER_PACKET: usize = 8;

/// A request to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// The filters, and whether they were subscribed to before.
    Subscribe {
        filters: Vec<(String, QoS)>,
        again: bool,
    },
    Unsubscribe(String),
}

/// The number under which a filter is subscribed to with MQTT 5: its FNV-1a hash
/// (<http://www.isthe.com/chongo/tech/comp/fnv/>), so that it is the same after a restart, within
/// 1..=268,435,455.
pub(crate) fn subscription_number(filter: &str) -> usize {
    let hash =
        filter.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash % 268_435_455) as usize + 1
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    waiting: VecDeque<Request>,
    under_way: Option<(u16, Request, Instant)>,
}

impl Subscriptions {
    /// Forgets what was under way; asks for all `filters` on the new connection. A number belongs to a packet,
    /// so `numbered` subscriptions are asked for one by one.
    pub(crate) fn connected(&mut self, filters: &[(String, QoS)], again: bool, numbered: bool) {
        self.under_way = None;
        self.waiting = filters
            .chunks(if numbered { 1 } else { FILTERS_PER_PACKET })
            .map(|filters| Request::Subscribe { filters: filters.to_vec(), again })
            .collect();
    }

    pub(crate) fn ask(&mut self, request: Request) {
        self.waiting.push_back(request);
    }

    /// Takes out what `refuses` gives a reason for, and gives it back with that.
    pub(crate) fn take_refused(
        &mut self,
        refuses: impl Fn(&str) -> Option<FilterRefusal>,
    ) -> Vec<(String, FilterRefusal)> {
        let mut refused = Vec::new();
        self.waiting.retain_mut(|request| {
            let Request::Subscribe { filters, .. } = request else { return true };
            filters.retain(|(filter, _)| {
                let refusal = refuses(filter);
                let is_fine = refusal.is_none();
                refused.extend(refusal.map(|refusal| (filter.clone(), refusal)));
                is_fine
            });
            !filters.is_empty()
        });
        refused
    }

    /// What to send next, unless an answer is awaited.
    pub(crate) fn next(&self) -> Option<&Request> {
        if self.under_way.is_some() { None } else { self.waiting.front() }
    }

    /// Whether nothing is to be sent and no answer awaited.
    pub(crate) fn are_answered(&self) -> bool {
        self.under_way.is_none() && self.waiting.is_empty()
    }

    /// Takes note that the request from `next` was sent under `packet_id`.
    pub(crate) fn sent(&mut self, packet_id: u16, now: Instant) {
        if let Some(request) = self.waiting.pop_front() {
            self.under_way = Some((packet_id, request, now));
        }
    }

    /// The request that `packet_id` answers.
    pub(crate) fn answered(&mut self, packet_id: u16) -> Option<Request> {
        self.under_way.take_if(|(awaited, _, _)| *awaited == packet_id).map(|(_, request, _)| request)
    }

    /// The filters of the SUBSCRIBE that is under way, each in backticks.
    pub(crate) fn filters_under_way(&self) -> Option<String> {
        let Some((_, Request::Subscribe { filters, .. }, _)) = &self.under_way else { return None };
        let quoted: Vec<String> = filters.iter().map(|(filter, _)| format!("`{filter}`")).collect();
        Some(quoted.join(", "))
    }

    /// The packet id and time of the request that is under way.
    pub(crate) fn under_way(&self) -> Option<(u16, Instant)> {
        self.under_way.as_ref().map(|(packet_id, _, since)| (*packet_id, *since))
    }
}
