//! The connection against a broker that follows a script, and against a real one.

mod basics;
mod broker;
mod certificates;
mod inbound;
mod mosquitto;
mod rate;
mod real_broker;
mod reconnect;
mod replay;
mod tls_check;
mod tls_connect;
mod topics;
mod v5;
