//! The conformance suite that every [Referral](referral_core) store passes.
//!
//! This is the whole test file of a store, `tests/conformance.rs`:
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
//!
//!     fn outlives_process(&self) -> bool {
//!         // It lives in this process only. Leave this out where another process finds the data.
//!         false
//!     }
//! }
//!
//! conformance!(MyHarness);
//! # fn main() {}
//! ```
//!
//! Each case becomes a test of its own, named `group::promise`. It gets a fresh store from the harness and runs on a runtime
//! that the kit starts, so the author's crate needs no `tokio`.
//!
//! # What a pass means
//!
//! At least one case holds the store to each of the numbered [`rules`](mod@referral_core::store::rules) of the contract:
//! records come back byte for byte, keys are unique under races, changesets are all or nothing when they conflict, when
//! their caller goes away and when their process is killed, counters are exact, and pages are whole. Core's `Referrals`
//! runs over the store, and its verbs are raced and dropped at each await. Where the harness can break the backend, what
//! the store then says is true, and it works again when the backend does. Random histories are compared with a model,
//! and after each case an audit reads back everything that the store can be asked for. The suite is tested too:
//! [`broken`] has stores that each get one thing wrong, at least one for each rule, with the cases that must notice it,
//! and [`rates`] says how often they do.
//!
//! What a store was asked depends on what it declares. The [`Summary`] of a run has the facts, the rules that were exercised
//! and those that were not, and why. A pass proves nothing about a loss of power, about a server that fails over, or about speed. No case sleeps, except for at
//! most two seconds to wait for what a dropped caller left unfinished. A case that is not done after five minutes is stuck.
//!
//! # Map
//!
//! | Name | What it is for |
//! | --- | --- |
//! | [`Harness`], [`FolderHarness`], [`Scratch`] | what the author of a store writes, and what removes its data |
//! | [`Breakage`], [`Line`] | how a harness breaks the backend of its store |
//! | [`conformance!`], [`registry`], [`runner`] | the suite as tests, as a list, and from a program |
//! | [`rules`], [`Report`], [`Summary`] | the rules of the contract, what became of a case, and what a run comes to |
//! | [`cases`], [`Cx`] | the cases, and what each of them gets |
//! | [`broken`], [`rates`] | stores that are wrong on purpose, and how often the suite notices |
//! | [`failing`], [`samples`], [`race`](mod@race), [`child`] | for the tests of applications and of stores beside the suite |
//! | [`replay`](mod@replay) | random histories that failed, as tests to be pasted |
//! | [`guide`] | how to write a store |
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

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[macro_use]
mod macros;

mod audit;
mod breakage;
pub mod broken;
pub mod cases;
pub mod child;
mod compare;
mod cx;
mod drops;
pub mod failing;
mod fill;
mod folder;
mod harness;
mod history;
mod line;
mod make;
mod model;
mod notes;
mod panics;
mod partner;
mod plan;
pub mod race;
pub mod rates;
mod registry;
pub mod replay;
mod rules;
pub mod runner;
pub mod samples;
mod scratch;
mod script;
mod serial;
mod settings;
mod shop;
mod subject;
mod summary;
mod texts;
mod words;

pub use async_trait::async_trait;
pub use breakage::Breakage;
pub use cx::Cx;
pub use folder::{FolderHarness, FolderStore};
pub use harness::{Guard, Harness, MemoryHarness, Opened};
pub use line::Line;
pub use registry::{Case, case, markdown_table, registry};
pub use rules::{Rule, rule, rules};
pub use runner::{Outcome, Report, run, run_all};
pub use scratch::{Scratch, server_from_env, skip};
pub use settings::Settings;
pub use summary::{NotExercised, Summary};

#[allow(rustdoc::invalid_rust_codeblocks, reason = "its excerpts begin and end within items")]
#[doc = include_str!("../docs/store-author.md")]
pub mod guide {}
