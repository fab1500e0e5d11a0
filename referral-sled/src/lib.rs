//! Referral on [sled](https://docs.rs/sled/0.34): embedded, in one folder, for one process.
//!
//! ```no_run
//! # async fn open() -> Result<(), Box<dyn std::error::Error>> {
//! use referral_core::{KeyRing, Referrals};
//! use referral_sled::SledStore;
//!
//! let store = SledStore::open("/var/lib/shop/referral").await?;
//! let referrals = Referrals::builder(store, KeyRing::generate()?, "https://shop.example").build()?;
//! # Ok(()) }
//! ```
//!
//! # Guarantees
//! What is acknowledged is on the disk: after sled's own `flush()`, which on Linux leaves the device's cache alone, the
//! log file is synced once more. All that one batch writes, records, unique keys, index entries and numbers, is one
//! transaction. Uniqueness and bounds are decided by one writer thread, so there is nothing to race with. One read call
//! shows one moment: the writer applies a batch while nobody reads, and flushes it while others do. After a write that
//! failed, the folder is closed and opened again, so that nothing is answered by what is in memory only.
//!
//! # Not promised
//! sled calls itself beta, and its format will change before its 1.0; prefer SQLite (`referral-sql`) in production. A
//! folder belongs to one process at a time; a second one is told so. A read may see what is written and not yet synced.
//!
//! # Features
//! `harness`: what the conformance suite of `referral-testkit` opens these stores with, each case in a folder of its
//! own. For tests; leave it off in an application.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod commit;
mod error;
mod folder;
#[cfg(feature = "harness")]
#[cfg_attr(docsrs, doc(cfg(feature = "harness")))]
pub mod harness;
mod read;
mod retry;
mod schema;
mod store;

pub use store::SledStore;

/// Compiles the example of the README, so that it cannot name what does not exist.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
