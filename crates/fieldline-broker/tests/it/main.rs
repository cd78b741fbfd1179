//! The broker over real sockets, with `rumqttc` as its clients.

mod support;

mod certs;
mod delivery;
mod durability;
mod lifecycle;
mod link;
mod listeners;
mod policy;
mod tls;
