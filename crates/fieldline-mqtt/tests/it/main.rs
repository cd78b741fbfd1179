//! The connection against a broker that follows a script, and against a real one.

mod basics;
mod broker;
mod inbound;
mod reconnect;
mod replay;
