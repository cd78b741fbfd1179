//! Several listeners of one broker: who may come in by which, and that they share everything else.

use std::sync::Arc;

use fieldline_broker::{Action, Broker, BrokerError, BrokerOptions, Identity, Listener};
use tokio::net::TcpListener;

use crate::support::device::{Connect, Device, Message, Version, tls};
use crate::support::{Running, free, pki, plain, secured, server_tls, with_policy};

#[tokio::test]
async fn clients_of_two_listeners_share_topics_and_one_policy() {
    let ours = pki(&["pi-01"]);
    // Whoever proves nothing may listen, and hears nothing of `closed`.
    let policy = |identity: &Identity, action: Action<'_>| match action {
        Action::Publish("closed") | Action::Receive("closed") => identity.certificate.is_some(),
        _ => true,
    };
    let listeners = vec![Listener::plain(free()), Listener::secured(free(), server_tls(ours.path()))];
    let broker = Running::start(BrokerOptions { listeners, ..with_policy(policy) }).await;
    let &[plain, secured] = broker.addresses.as_slice() else { panic!("two, not {:?}", broker.addresses) };

    let transport = tls(ours.path(), Some((ours.path(), "pi-01")));
    let mut proven = Connect { transport, ..Connect::new(secured, "proven", Version::Five) }.open().await;
    let mut anonymous = Connect::new(plain, "anonymous", Version::Five).open().await;
    assert!(proven.subscribe("#").await);
    assert!(anonymous.subscribe("#").await);
    assert_eq!(anonymous.publish("closed", "no").await, Ok(false));
    assert_eq!(proven.publish("closed", "yes").await, Ok(true));
    assert_eq!(anonymous.publish("open", "yes").await, Ok(true));
    assert_eq!(proven.next().await, Message::new("closed", "yes"));
    assert_eq!(proven.next().await, Message::new("open", "yes"));
    assert_eq!(anonymous.next().await, Message::new("open", "yes"));
    broker.stop().await;
}

#[tokio::test]
async fn a_secured_listener_stays_closed_to_whom_the_plain_one_serves() {
    let ours = pki(&[]);
    let listeners = vec![Listener::secured(free(), server_tls(ours.path())), Listener::plain(free())];
    let broker = Running::start(BrokerOptions { listeners, ..plain() }).await;
    let attempt = |address| Connect::new(address, "device", Version::Three).attempt();
    assert!(attempt(broker.addresses[0]).await.is_err());
    assert!(attempt(broker.addresses[1]).await.is_ok());
    broker.stop().await;
}

#[tokio::test]
async fn the_limit_on_connections_counts_over_all_listeners() {
    let listeners = vec![Listener::plain(free()), Listener::plain(free())];
    let broker = Running::start(BrokerOptions { listeners, max_connections: 1, ..plain() }).await;
    let first = Device::three(broker.addresses[0], "first").await;
    let second = Connect::new(broker.addresses[1], "second", Version::Three).attempt().await;
    assert!(second.is_err());
    drop(first);
    broker.stop().await;
}

#[tokio::test]
async fn the_listener_that_cannot_have_its_port_is_named() {
    let socket = TcpListener::bind(free()).await.expect("a free port");
    let taken = socket.local_addr().expect("it has an address");
    let listeners = vec![Listener::plain(free()), Listener::plain(taken)];
    let error = Broker::start(BrokerOptions { listeners, ..plain() }).await.err();
    assert!(matches!(error, Some(BrokerError::PortInUse { address }) if address == taken), "{error:?}");
}

#[tokio::test]
async fn unusable_certificates_are_found_before_a_port_is_taken() {
    let ours = pki(&[]);
    let taken = TcpListener::bind(free()).await.expect("a free port");
    let mut options = secured(ours.path());
    options.listeners.insert(0, Listener::plain(taken.local_addr().expect("it has an address")));
    let nowhere = ours.path().join("nowhere.pem");
    options.listeners[1].tls.as_mut().expect("it has TLS").certificate = nowhere.clone();
    let error = Broker::start(options).await.err();
    assert!(matches!(error, Some(BrokerError::Unreadable { path, .. }) if path == nowhere));
}

#[tokio::test]
async fn a_broker_without_a_listener_serves_the_process_alone() {
    let policy = Arc::new(|_: &Identity, _: Action<'_>| false);
    let broker = Broker::start(BrokerOptions::new(Vec::new(), policy)).await.expect("nothing can fail");
    assert_eq!(broker.addresses(), []);
    let link = broker.link();
    let stop = async {
        let message = fieldline_broker::Message::new("a", "");
        link.publish(message).await.expect("the broker runs");
    };
    broker.run(stop).await;
}
