//! What the tower integration promises, over a real router. One program, because linking is what takes time.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says so when it breaks"
)]
#![allow(unreachable_pub, reason = "the modules of a test program have no outside")]

mod common;

mod cookies;
mod failures;
mod hostile;
mod identify;
mod landing;
mod layer;
mod links;
mod pages;
mod parameters;
mod problems;
mod requests;
mod sites;
mod sites_build;
