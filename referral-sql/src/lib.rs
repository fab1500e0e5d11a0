//! Referral on SQLite, PostgreSQL and MySQL/MariaDB: real tables with typed columns, in the host's own database.
//!
//! ```
//! # #[cfg(feature = "sqlite")]
//! # async fn example() -> Result<(), referral_core::store::StoreError> {
//! use referral_sql::SqliteStore;
//!
//! let store = SqliteStore::open("referral.db").await?;
//! store.migrate().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! A changeset is stored as a whole or not at all, and is on disk when `commit` returns, as far as the database's own
//! settings go; [`facts`](referral_core::store::Store::facts) says what they are. Uniqueness is decided by unique
//! indexes, counters by guarded updates, never by a look followed by a write. Every transaction runs in a task of
//! its own, so that a caller who goes away leaves no connection behind half-way. Inside a transaction of the host's,
//! [`SqlStore::join`] gives a store with every read and write.
//!
//! # What it does not
//!
//! It never migrates by itself: call [`SqlStore::migrate`]. An in-memory SQLite is refused, because each connection
//! would see a database of its own; take core's `MemoryStore`. SQLite's log needs a local disk, not a network mount.
//!
//! # The files
//!
//! Every backend crate of Referral has `store` (open, facts), `commit` (the one write), `read` (the four reads), `schema`
//! (names and migrations), `error` and `retry`. Here they stand on each other in this order, and none looks up: `backend`
//! (what differs between the databases), `error`, `statement` (the SQL, written once), `migrate`, `lease` (connections and
//! their deadlines), `pools`, then `read`, `count`, `hold` and `apply` (what happens inside a transaction), `commit`, `join`,
//! `store` and `open`. Tables, columns and indexes derive from core's description of each kind of record; the tables
//! themselves are in `migrations/`.
//!
//! # Features
//!
//! `sqlite`: compiled in, nothing to install. `postgres`: version 13 or newer. `mysql`: MySQL 8 and MariaDB 10.6 or
//! newer. Leave off what you do not run; without any of them the crate does not compile.
//!
//! `harness`: what the conformance suite of `referral-testkit` opens these stores with, each case in a folder, schema or
//! database of its own. For tests; leave it off in an application.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
compile_error!(
    "referral-sql needs a database: ask for one or more of its features `sqlite`, `postgres` and `mysql`, as in `referral-sql = { version = \"0.1\", features = [\"sqlite\"] }`"
);

mod apply;
pub mod backend;
mod commit;
mod count;
mod error;
#[cfg(feature = "harness")]
mod explain;
#[cfg(feature = "harness")]
#[cfg_attr(docsrs, doc(cfg(feature = "harness")))]
pub mod harness;
mod hold;
mod join;
mod lease;
mod migrate;
mod open;
mod pools;
mod read;
mod retry;
mod schema;
mod statement;
mod store;

pub use join::JoinedStore;
#[cfg(feature = "mysql")]
#[cfg_attr(docsrs, doc(cfg(feature = "mysql")))]
pub use store::MySqlStore;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use store::PostgresStore;
pub use store::SqlStore;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use store::SqliteStore;

pub use sqlx;

/// Holds the example of the README.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct ReadmeExample;
