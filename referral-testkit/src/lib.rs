//! The conformance suite that every [Referral](referral_core) store passes.
//!
//! A store author's whole test file, `tests/conformance.rs`:
//!
//! ```
//! use referral_testkit::{Guard, Harness, Opened, async_trait, conformance};
//! # use referral_core::memory::MemoryStore as MyStore;
//!
//! struct MyHarness;
//!
//! #[async_trait]
//! impl Harness for MyHarness {
//!     fn name(&self) -> &str {
//!         "my-store"
//!     }
//!
//!     fn setup(&self) -> &str {
//!         "set MY_STORE_URL to a server on which databases may be made"
//!     }
//!
//!     async fn open(&self) -> Option<Opened> {
//!         // A fresh, empty store, and what keeps its data alive; `None` where there is no server.
//!         Some(Opened::new(MyStore::new(), ()))
//!     }
//!
//!     async fn reopen(&self, _guard: Guard) -> Option<Opened> {
//!         // The same data again. This store keeps nothing and says so in its facts.
//!         self.open().await
//!     }
//!
//!     fn address(&self, _guard: &Guard) -> Option<String> {
//!         None
//!     }
//!
//!     async fn attach(&self, _address: &str) -> Option<Opened> {
//!         None
//!     }
//! }
//!
//! conformance!(MyHarness);
//! # fn main() {}
//! ```
//!
//! Each case becomes a test of its own, `group::the_promise_that_it_holds_the_store_to`. It gets a store of its
//! own from the harness and runs on a runtime of the kit's; the author's crate needs no `tokio`.
//!
//! # What a pass means
//!
//! Every rule of the contract in [`referral_core::store`] is held by at least one case: records come back byte
//! for byte, keys are unique under races, changesets are all or nothing when they conflict, when their caller goes
//! away and when their process is killed, counters are exact, pages are whole. Core's `Referrals` runs over the
//! store: its verbs are raced, dropped at each await, and made while the store [fails](failing) at each call in turn.
//! Random histories are compared with a model, and after each case an audit walks everything that the store can be
//! asked. The suite is held to account itself: [`broken`] has a store for each way of getting it wrong, with the case
//! that must notice.
//!
//! It proves nothing about a loss of power, about a server that fails over, or about speed. There are no sleeps but
//! the waits, two seconds at most, for what a dropped caller left on its way, and one limit of time: a case that is
//! not done after five minutes is stuck.
//!
//! # Map
//!
//! [`Harness`] is what an author writes, with [`Scratch`] as the guard of what has to be removed, [`conformance!`]
//! makes it tests. [`registry`] lists the cases and
//! [`runner`] runs them, for programs that choose the store when they run. [`cases`] are the cases themselves and
//! [`Cx`] what they get. [`markdown_table`] is the list for people. [`failing`] is of use to hosts as well.
//!
//! # Environment
//!
//! `REFERRAL_TESTKIT_STRICT=1` makes a case that cannot be run here fail. `REFERRAL_TESTKIT_SOAK=n` makes `n`
//! times as many rounds and histories. A random history that failed is kept under `proptest-regressions/` of the
//! crate under test, and tried first next time.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is test code by nature: what does not hold has to end the case"
)]

mod audit;
pub mod broken;
pub mod cases;
pub mod child;
mod cx;
mod drops;
pub mod failing;
mod fill;
mod folder;
mod harness;
mod history;
mod make;
mod model;
mod plan;
pub mod race;
mod registry;
pub mod runner;
pub mod samples;
mod scratch;
mod settings;
mod shop;
mod texts;

pub use async_trait::async_trait;
pub use cx::Cx;
pub use folder::{FolderHarness, FolderStore};
pub use harness::{Guard, Harness, MemoryHarness, Opened};
pub use registry::{Case, case, markdown_table, registry};
pub use runner::{Outcome, Report, Summary, run, run_all};
pub use samples::NOW;
pub use scratch::{Scratch, server_from_env, skip};
pub use settings::Settings;

#[allow(rustdoc::invalid_rust_codeblocks, reason = "its excerpts begin and end within items")]
#[doc = include_str!("../docs/store-author.md")]
pub mod guide {}

/// One test of [`conformance!`].
#[doc(hidden)]
pub fn __test(harness: std::sync::Arc<dyn Harness>, group: &str, name: &str, path: &str) {
    runner::test(harness, group, name, path);
}
