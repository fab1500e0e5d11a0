//! What the tests of this crate share: the stores, the loads, and the lines in which they say what they saw.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // all of it is for tests

pub mod catalogue;
pub mod figures;
pub mod polls;
pub mod proxy;
pub mod samples;
pub mod scratch;
