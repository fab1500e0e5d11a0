//! Every page and every look-up runs on the index that is meant for it: no scan, no sort.
#![allow(clippy::unwrap_used)] // to clippy, helpers are no tests

#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod questions;
#[cfg(feature = "sqlite")]
mod sqlite;
