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
//! the store sets write concern `majority` with journal, whatever the server's defaults are. A batch is one
//! transaction on a snapshot. If another transaction changes the same documents meanwhile, it starts over, and
//! after forty attempts or eight seconds it fails with `Contended`. Only `_id`s are unique keys, those of
//! [`schema::KEYS`], so uniqueness holds for a whole cluster if that collection is sharded by `_id`. If the answer
//! to a commit is lost, the store sends the commit again, and if no answer comes, the error is `UnknownOutcome`.
//! Reads ask the primary for what a majority has, and one read call shows one moment: read concern `snapshot`, and a
//! transaction where a call needs several commands. Every transaction runs in its own task, so a caller that is
//! dropped leaves none open. No call waits for ever: see [`MongoStore::with_timeout`].
//!
//! # What it does not do
//!
//! A mongod that runs alone has no transactions and is refused; one node with `--replSet` is enough. It never
//! migrates by itself: call [`MongoStore::migrate`]. It does not shard collections: the host decides by which keys
//! to shard. After a fail-over, the new primary may not yet know for a moment what a majority has. A read can then
//! miss an acknowledged write. A write never misses one.
//!
//! The tests run on one node of a program that stands in for mongod. So they prove nothing about fail-over,
//! sharding, a server that is killed, and the query plans of a real mongod. On the stand-in they run the
//! conformance suite, in which the writing process is killed. They also test what the store does when commands
//! fail: connections that are cut, a server that is not the primary, write conflicts, and lost answers to commits.
//!
//! # The files
//!
//! `store` opens a store, `commit` is the one write, `read` holds the four reads, [`schema`] the names and
//! documents, and `migrate` makes the indexes. `connection` is the state that clones share. `transaction` begins
//! and ends a transaction, `snapshot` reads in one, `points` looks documents up by `_id`, `write` holds the statements of a plan, `cut`
//! divides a read into pieces of an index, and `gate` decides which transactions may run at the same time. `error`
//! turns the driver's errors into the contract's, `retry` tries again, and `harness` is for tests. The names of
//! collections, indexes and fields come from core's description of each kind of record.
//!
//! # Features
//!
//! `srv`: addresses of the form `mongodb+srv://`, which are looked up in DNS. Enable it only if your address has
//! that form.
//!
//! `harness`: opens these stores for the conformance suite of `referral-testkit`, each case in its own database. It
//! is for tests; do not enable it in an application.
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
mod snapshot;
mod store;
mod transaction;
mod write;

pub use mongodb;
pub use store::MongoStore;

/// Compiles the example of the README, so that it cannot name what does not exist.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
