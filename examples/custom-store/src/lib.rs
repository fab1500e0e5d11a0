//! A store for Referral on [redb](https://docs.rs/redb/4), written by following `docs/store-author.md`.
//!
//! Teaching material, and complete: it passes the whole suite. One file, one process, no server. To make a store of
//! your own, copy the folder and replace redb.
//!
//! # Guarantees
//! A batch is one write transaction of redb, which syncs the file before it returns. redb runs one write transaction
//! at a time, so uniqueness, versions and bounds are decided inside it and there is nothing to race with. Reads see
//! one moment each.
//!
//! # Not promised
//! A file belongs to one process at a time. Each call of `commit` costs a sync of its own; the facade's group commit
//! merges concurrent ones before they come here.
//!
//! # Map
//! | Room | What is in it |
//! | --- | --- |
//! | `store` | opening a file, and again after its disk failed; the facts, `impl Store` |
//! | `commit` | the one write |
//! | `read` | the four reads |
//! | `schema` | tables, and records as bytes |
//! | `error` | what redb's errors mean to the caller |

mod commit;
mod error;
mod read;
mod schema;
mod store;

pub use store::RedbStore;
