//! The crate from outside: what a script sees and decides, how it fails, and what it cannot do.

mod answers;

mod bench;

mod bullies;

mod errors;

mod functions;

mod order;

mod sandbox;

mod soup;

mod state;
