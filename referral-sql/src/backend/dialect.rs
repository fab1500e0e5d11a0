//! The trait in which each database describes what is special about it.

use std::future::Future;

use sea_query::{Expr, QueryBuilder, SelectStatement};
use sqlx::Database;
use sqlx::error::DatabaseError;

use super::driver::{Cells, Driver};
use crate::schema::Script;

/// A database that [`SqlStore`](crate::SqlStore) runs on: `sqlx::Sqlite`, `sqlx::Postgres` or `sqlx::MySql`.
///
/// The trait is sealed: its bounds name traits that only this crate can name.
// The compiler implies bounds on the associated types of a supertrait wherever a function says `B: Backend`. For
// example, `B: Backend` alone implies `B::Connection: Driver`. So every statement can be written once.
pub trait Backend: Database<Connection: Driver<Cells = <Self as Database>::Row>, Row: Cells> {
    /// The store's name: `sqlite`, `postgres` or `mysql`.
    const STORE: &'static str;

    /// Begins a transaction that may write. On SQLite it takes the write lock at once, because a transaction that
    /// first reads and then writes can fail however long it waits.
    #[doc(hidden)]
    const BEGIN: &'static str;

    /// Begins a transaction that only reads, and sees one moment in all of its statements.
    #[doc(hidden)]
    const BEGIN_SNAPSHOT: &'static str;

    /// The migrations, oldest first.
    #[doc(hidden)]
    const MIGRATIONS: &'static [Script];

    /// Takes the lock that keeps others from migrating until the session ends. The statement answers 1 if it got
    /// the lock. It does not wait, because a client that dies while waiting would still be given the lock. It is
    /// `None` if a migration is one transaction, from which [`Self::BEGIN`] keeps others out.
    #[doc(hidden)]
    const MIGRATION_LOCK: Option<&'static str>;

    /// Whether the database is reached over a network connection, which may fall silent.
    #[doc(hidden)]
    const REMOTE: bool;

    /// Whether a statement that is dropped before it is done leaves its answer on the connection, where the next
    /// statement would read it as its own.
    #[doc(hidden)]
    const LEAVES_ANSWERS: bool;

    /// Settings of a session that migrates: statements may take any time, but the server soon ends the session if
    /// the client is gone.
    #[doc(hidden)]
    const MIGRATION_SESSION: Option<&'static str>;

    /// Whether `ON CONFLICT` exists. With it, an insert that meets a held key does nothing, and an upsert can have
    /// a condition. Without it, the unique violation is caught, and a counter is made before it is counted.
    #[doc(hidden)]
    const ON_CONFLICT: bool;

    /// Whether several transactions may write at once. Then locks must be taken, always in the same order.
    #[doc(hidden)]
    const CONCURRENT_WRITERS: bool;

    /// Whether a failed statement aborts the transaction up to the last savepoint.
    #[doc(hidden)]
    const FAILURE_ABORTS: bool;

    /// Whether a COMMIT that fails for lack of room is always rolled back.
    #[doc(hidden)]
    const FULL_ROLLS_BACK: bool;

    /// Whether the database reads `(a, b) > (x, y)` as one range of an index over `(a, b)`.
    #[doc(hidden)]
    const ROW_RANGES: bool;

    /// Whether ORDER BY must name a column that is null. Without it the database does not use the index for the
    /// order.
    #[doc(hidden)]
    const ORDERS_BY_NULLS: bool;

    /// The words that ask for a query plan, and the column of the answer that holds it.
    #[doc(hidden)]
    const EXPLAIN: (&'static str, usize);

    #[doc(hidden)]
    type Dialect: QueryBuilder + Default;

    /// Tells the database which index a select must read. By default it does nothing, because the other databases
    /// choose the right index. The tests check their query plans.
    #[doc(hidden)]
    fn read_from(_: &mut SelectStatement, _: &str) {}

    /// In an upsert, the value that the insert would have written.
    #[doc(hidden)]
    fn incoming(column: &'static str) -> Expr;

    /// Sorts an error of the database by its code.
    #[doc(hidden)]
    fn classify(error: &dyn DatabaseError) -> ErrorClass;

    /// Reads the settings of the database that decide what survives a loss of power.
    #[doc(hidden)]
    fn inspect(
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<Durability, sqlx::Error>> + Send;
}

/// What happens to an acknowledged transaction when the power fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// It survives a loss of power.
    Durable,
    /// A loss of power may take it back.
    Relaxed,
    /// It is kept in memory, and each connection has its own memory. No store can use that.
    InMemory,
}

/// What kind of error a database reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorClass {
    /// A unique key is held.
    Unique,
    /// Another transaction was in the way; the same one may work when it is run again.
    Transient,
    /// The database takes no work.
    Unavailable,
    /// There is no room.
    Full,
    /// The database says that it is damaged.
    Corrupt,
    /// A table or column is not there.
    Unmigrated,
    /// Something else.
    Other,
}
