//! The engine as a front end meets it: without a command line, signals or HTTP, on files in memory, in virtual time.

mod cloud;
mod forecast;
mod front_end;
mod life;
mod rollback;
