//! Referral on MongoDB 5 or newer: readable documents in the host's own database, on a replica set or a sharded
//! cluster.
//!
//! ```no_run
//! # async fn example() -> Result<(), referral_core::store::StoreError> {
//! use referral_mongo::MongoStore;
//!
//! let store = MongoStore::open("mongodb://localhost/shop?replicaSet=rs0").await?;
//! store.migrate().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! A changeset is stored as a whole or not at all. When `commit` returns, a majority of the servers has it on disk:
//! write concern `majority` with journal, set here whatever the server's defaults are. A batch is one transaction
//! on a snapshot; what another transaction changes meanwhile makes it start over, and after forty attempts or eight
//! seconds say `Contended`. Uniqueness is by `_id` alone, in [`schema::KEYS`], so it holds for the whole cluster
//! where that collection is sharded by `_id`. A commit whose answer is lost is asked for again, and where no answer
//! comes, the error is `UnknownOutcome`. Reads ask the primary, with read concern `majority`. Every transaction runs
//! in a task of its own, so that a caller who goes away leaves none open. No call waits for ever: see
//! [`MongoStore::with_timeout`].
//!
//! # What it does not
//!
//! A mongod that runs alone has no transactions and is refused; one node with `--replSet` is enough. It never
//! migrates by itself: call [`MongoStore::migrate`]. It does not shard: which keys to shard by is the host's
//! decision. After a fail-over the new primary may for a moment not know yet what a majority has, so that a read
//! misses an acknowledged write. A write never misses one.
//!
//! The tests run on one node of a program that stands in for mongod. So they prove nothing about fail-over, sharding, a
//! server that is killed, and the plans of a real mongod. What they do prove there is the conformance suite, in which
//! the writing process is killed, and what the store does when commands fail: connections that are cut, a server that
//! is not the primary, write conflicts, lost answers to commits.
//!
//! # The rooms
//!
//! Every backend crate of Referral has the same: `store` (open, facts), `commit` (the one write), `read` (the four
//! reads), [`schema`] (names and documents; made in `migrate`), `error`, `retry`, and behind a feature `harness`. Here
//! also `connection` (what clones share), `transaction` (how one begins and ends), `points` (look-ups by `_id`), `write`
//! (the statements of a plan), `cut` (which piece of an index is read) and `gate` (which transactions may run at a time).
//! Collections, indexes and documents derive from core's description of each kind of record.
//!
//! # Features
//!
//! `srv`: addresses of the form `mongodb+srv://`, which are looked up in DNS. Leave it off where yours is not.
//!
//! `harness`: what the conformance suite of `referral-testkit` opens these stores with, each case in a database of its
//! own. For tests; leave it off in an application.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod commit;
mod connection;
mod cut;
mod error;
#[cfg(test)]
mod error_tests;
mod gate;
#[cfg(feature = "harness")]
#[cfg_attr(docsrs, doc(cfg(feature = "harness")))]
pub mod harness;
mod migrate;
mod points;
mod read;
mod retry;
pub mod schema;
mod store;
mod transaction;
mod write;

pub use mongodb;
pub use store::MongoStore;

/// Compiles the example of the README, so that it cannot name what does not exist.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
