//! What a database has to say about itself before a store runs on it.

use std::future::Future;

use sea_query::{Expr, QueryBuilder, SelectStatement};
use sqlx::Database;
use sqlx::error::DatabaseError;

use super::driver::{Cells, Driver};
use crate::schema::Script;

/// A database that [`SqlStore`](crate::SqlStore) runs on: `sqlx::Sqlite`, `sqlx::Postgres` or `sqlx::MySql`.
///
/// The trait is sealed: its bounds name traits that only this crate can name.
// Bounds on the associated types of a supertrait are implied wherever `B: Backend` stands, which is why every
// statement can be written once.
pub trait Backend: Database<Connection: Driver<Cells = <Self as Database>::Row>, Row: Cells> {
    /// The store's name: `sqlite`, `postgres` or `mysql`.
    const STORE: &'static str;

    /// Begins a transaction that may write; on SQLite at once, because a reader that turns writer may fail however
    /// long it waits.
    #[doc(hidden)]
    const BEGIN: &'static str;

    /// The migrations, oldest first.
    #[doc(hidden)]
    const MIGRATIONS: &'static [Script];

    /// What keeps others from migrating as long as the session lives; it answers 1 if it does. It does not wait: who
    /// waits in the server, and goes silent meanwhile, gets the lock all the same. `None` where migrating is one
    /// transaction, and [`Self::BEGIN`] keeps others out.
    #[doc(hidden)]
    const MIGRATION_LOCK: Option<&'static str>;

    /// Whether the database is reached over a network connection, which may fall silent.
    #[doc(hidden)]
    const REMOTE: bool;

    /// Whether a statement that is dropped half-way leaves its answer on the connection, where the next statement
    /// takes it for its own.
    #[doc(hidden)]
    const LEAVES_ANSWERS: bool;

    /// Lets a session migrate as long as it takes, and end soon if its connection falls silent meanwhile.
    #[doc(hidden)]
    const MIGRATION_SESSION: Option<&'static str>;

    /// Whether `ON CONFLICT` exists: an insert that meets a held key does nothing, an upsert may be guarded.
    /// Else the unique violation is caught, and a counter is made before it is counted.
    #[doc(hidden)]
    const ON_CONFLICT: bool;

    /// Whether several transactions may write at once, so that locks have to be taken, and in one order.
    #[doc(hidden)]
    const CONCURRENT_WRITERS: bool;

    /// Whether a failed statement aborts the transaction up to the last savepoint.
    #[doc(hidden)]
    const FAILURE_ABORTS: bool;

    /// Whether a COMMIT that finds no room is known to be undone.
    #[doc(hidden)]
    const FULL_ROLLS_BACK: bool;

    /// Whether `(a, b) > (x, y)` is a range of an index over `(a, b)`.
    #[doc(hidden)]
    const ROW_RANGES: bool;

    /// Whether a column that is asked to be null has to stand in the order, or else the index that holds it is not
    /// taken for one that gives the order.
    #[doc(hidden)]
    const ORDERS_BY_NULLS: bool;

    /// What asks for a plan, and in which column of the answer it stands.
    #[doc(hidden)]
    const EXPLAIN: (&'static str, usize);

    #[doc(hidden)]
    type Dialect: QueryBuilder + Default;

    /// Says which index a select is to read, where the database can be told. The others find it: see the plans that
    /// the tests hold them to.
    #[doc(hidden)]
    fn read_from(_: &mut SelectStatement, _: &str) {}

    /// The value that an insert brought and an upsert met.
    #[doc(hidden)]
    fn incoming(column: &'static str) -> Expr;

    /// What the database reports, by its code.
    #[doc(hidden)]
    fn classify(error: &dyn DatabaseError) -> ErrorClass;

    /// Looks at the settings of a database.
    #[doc(hidden)]
    fn inspect(
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<Durability, sqlx::Error>> + Send;
}

/// What becomes of an acknowledged transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// It survives a loss of power.
    Durable,
    /// A loss of power may take it back.
    Relaxed,
    /// It is kept in memory, and each connection has a memory of its own; no store can run on that.
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
