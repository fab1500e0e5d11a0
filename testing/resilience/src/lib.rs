//! What the tests of this crate share: the stores, the loads, and the lines in which they say what they saw.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "this is test code by nature: what does not hold has to end the test"
)]

pub mod catalogue;
pub mod everything;
pub mod figures;
pub mod journal;
pub mod load;
pub mod polls;
pub mod proxy;
pub mod run;
pub mod samples;
pub mod scratch;
pub mod servers;
pub mod stores;
pub mod told;
pub mod yielding;
