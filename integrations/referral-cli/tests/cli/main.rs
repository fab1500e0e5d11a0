//! What the program promises to whoever calls it, held against the program itself.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, what is not there has to end it"
)]

mod commands;
mod conformance;
mod databases;
mod pipes;
mod program;
mod readme;
