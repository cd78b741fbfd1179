//! Tests of the program as its users meet it: the built binary, real files, real brokers.

mod publish;
