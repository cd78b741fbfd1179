//! Checks the accounts of nodes: what a case expects of them, and what every case must keep to, that nothing is
//! lost and everything balances.

use fieldline_compiler::cases::{Account, TestCase};
use fieldline_core::{Balance, Value, amount, json};
use fieldline_runtime::{NodeState, NodeStatus};

use crate::play::Played;
use crate::report::Failure;

/// What is wrong with the account of one node, without a place.
pub(crate) fn compare(account: &Account, played: &Played) -> Vec<Failure> {
    let node = &account.node;
    let Some(balance) = played.balance(node) else {
        return vec![Failure::new(format!("`{node}` has no account: the case feeds what comes from it"))];
    };
    let wrong = account.counts.iter().filter(|(name, wanted)| counter(balance, name) != *wanted);
    wrong
        .map(|(name, wanted)| {
            let actual = counter(balance, name);
            Failure::new(format!("ledger of `{node}`: {name} is {actual}, {wanted} was expected"))
        })
        .collect()
}

/// What no case may do, whatever it expects: lose an event or put it aside without saying so, or
/// leave one behind.
pub(crate) fn conservation(case: &TestCase, played: &Played) -> Vec<Failure> {
    let expects = |node: &NodeStatus, counter: &str| {
        let mut accounts = case.ledger.iter().filter(|account| account.node == node.id.node());
        accounts.any(|account| account.counts.iter().any(|(name, _)| *name == counter))
    };
    let mut failures = Vec::new();
    for node in &played.nodes {
        let (name, balance) = (node.id.node(), &node.balance);
        if balance.lost > 0 && !expects(node, "lost") {
            failures.push(Failure::new(format!("`{name}` lost {} of {}", balance.lost, taken_in(balance))));
        }
        if balance.dead_lettered > 0 && !expects(node, "dead_lettered") {
            let (count, all) = (balance.dead_lettered, taken_in(balance));
            failures.push(Failure::new(format!(
                "`{name}` put {count} of {all} into the dead letter, which no `ledger:` of the case expects"
            )));
        }
        if balance.in_flight() != 0 {
            let open = balance.in_flight();
            failures.push(Failure::new(format!(
                "ledger of `{name}`: {open} of {} never left",
                taken_in(balance)
            )));
        }
        if node.restarts > 0 {
            failures
                .push(Failure::new(format!("`{name}` panicked {}", amount(node.restarts, "time", "times"))));
        }
        if let NodeState::Failed(reason) = &node.state {
            failures.push(Failure::new(format!("`{name}` failed for good: {reason}")));
        }
    }
    failures
}

/// What a person should know who looks for the cause of a failure: which nodes put events aside, and why.
pub(crate) fn notes(played: &Played) -> Vec<String> {
    let letters: Vec<Value> =
        played.dead_letters.split(|byte| *byte == b'\n').filter_map(|line| json::decode(line).ok()).collect();
    let mut notes = Vec::new();
    for node in played.nodes.iter().filter(|node| node.balance.dead_lettered > 0) {
        let field = |letter: &Value, name: &str| {
            let value = letter.as_map().and_then(|letter| letter.get(name)).and_then(Value::as_text);
            value.unwrap_or_default().to_owned()
        };
        let first = letters.iter().find(|letter| field(letter, "node") == node.id.as_str());
        let why = first.map(|letter| format!(": {}", field(letter, "message"))).unwrap_or_default();
        let count = node.balance.dead_lettered;
        notes.push(format!("`{}` put {count} into the dead letter{why}", node.id.node()));
    }
    notes
}

fn taken_in(balance: &Balance) -> u64 {
    balance.received + balance.created
}

/// A counter by the name it has in a `ledger:`.
fn counter(balance: &Balance, name: &str) -> u64 {
    match name {
        "received" => balance.received,
        "created" => balance.created,
        "delivered" => balance.delivered,
        "filtered" => balance.filtered,
        "absorbed" => balance.absorbed,
        "dead_lettered" => balance.dead_lettered,
        "dropped" => balance.dropped,
        "expired" => balance.expired,
        _ => balance.lost,
    }
}
