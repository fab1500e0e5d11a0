//! Every SQL statement, written once. It is built from core's description of each kind of record, in the dialect of
//! the database.

mod build;
mod migrations;
mod numbers;
mod records;

pub(crate) use build::{chunks, id_chunks};
pub(crate) use migrations::{applied, forget_interrupted};
pub(crate) use numbers::{count, count_existing, counter, counters, hold_counters, tally};
pub(crate) use records::{delete, find, get, insert, page, patch, update, version, versions};
