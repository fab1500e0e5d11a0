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
//! A changeset is stored as a whole or not at all. When `commit` returns, it is on disk if the database's settings
//! provide for that; [`facts`](referral_core::store::Store::facts) says whether they do. Unique indexes decide who
//! holds a key, and guarded updates decide what a counter becomes. Nothing is decided by a read that does not hold
//! a lock. Every transaction runs in its own task, so a caller that is dropped leaves no unfinished transaction on
//! a connection. Inside a transaction of the host's, [`SqlStore::join`] gives a store with every read and write.
//!
//! # What it does not do
//!
//! It never migrates by itself: call [`SqlStore::migrate`]. An in-memory SQLite is refused, because each connection
//! would see a database of its own; use core's `MemoryStore`. SQLite's log needs a local disk, not a network mount.
//!
//! # The files
//!
//! Each file imports only from files before it in this list: `schema` (names and migrations), `backend` (what
//! differs between the databases), `error`, `statement` (the SQL, written once), `retry`, `lease` (connections and
//! their deadlines), `migrate`, `pools`, then `read`, `snapshot` (reads of several statements), `count`, `hold` and `apply` (what happens inside a
//! transaction), `commit`, `join`, `store`, `open`, and for tests `explain` and `harness`. The names of columns and
//! indexes come from core's description of each kind of record. The tables themselves are in `migrations/`.
//!
//! # Features
//!
//! `sqlite`: compiled in, nothing to install. `postgres`: version 13 or newer. `mysql`: MySQL 8 and MariaDB 10.6 or
//! newer. Enable only the databases that you use. Without any of them the crate does not compile.
//!
//! `harness`: opens these stores for the conformance suite of `referral-testkit`, each case in its own folder,
//! schema or database. It is for tests; do not enable it in an application.
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
mod snapshot;
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
