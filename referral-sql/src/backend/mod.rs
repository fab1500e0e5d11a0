//! What differs between the databases; everything else is written once over [`Backend`].

#[cfg(feature = "mysql")]
pub(crate) mod mysql;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::future::Future;
#[cfg(any(feature = "postgres", feature = "mysql"))]
use std::time::Duration;

use referral_core::store::StoreError;
use sea_query::{Expr, QueryBuilder, SelectStatement};
use sqlx::error::DatabaseError;
use sqlx::migrate::Migrate;
use sqlx::{Connection, Database};
use uuid::Uuid;

use crate::error::Trouble;
use crate::statement::Statement;

/// How many connections to a server a pool of ours has.
#[cfg(any(feature = "postgres", feature = "mysql"))]
const CONNECTIONS: u32 = 10;

/// A database that [`SqlStore`](crate::SqlStore) runs on: `sqlx::Sqlite`, `sqlx::Postgres` or `sqlx::MySql`.
///
/// Sealed: its bounds name traits of this crate's own. Bounds on the associated types of a supertrait are implied
/// wherever `B: Backend` stands, which is why every statement can be written once.
pub trait Backend: Database<Connection: Driver<Cells = <Self as Database>::Row>, Row: Cells> {
    /// The store's name: `sqlite`, `postgres`, `mysql`.
    const STORE: &'static str;

    /// Begins a transaction that may write; on SQLite at once, because a reader that turns writer may fail however
    /// long it waits.
    #[doc(hidden)]
    const BEGIN: &'static str;

    /// Version, name and text of each migration.
    #[doc(hidden)]
    const MIGRATIONS: &'static [(i64, &'static str, &'static str)];

    /// What keeps others from migrating as long as the session lives, answering 1 if it does. Does not wait: who waits
    /// in the server, and goes silent meanwhile, gets the lock all the same. `None` where migrating is one transaction,
    /// and [`Self::BEGIN`] keeps them out.
    #[doc(hidden)]
    const MIGRATION_LOCK: Option<&'static str>;

    /// Whether the database is at the other end of a line, which may fall silent.
    #[doc(hidden)]
    const REMOTE: bool;

    /// Whether a statement that is dropped half-way leaves its answer on the line, for the next statement to take for
    /// its own.
    #[doc(hidden)]
    const OUT_OF_STEP: bool;

    /// Lets a session migrate as long as it takes, and end soon if its line falls silent meanwhile.
    #[doc(hidden)]
    const MIGRATION_SESSION: Option<&'static str>;

    /// Whether `ON CONFLICT` exists: an insert that meets a held key does nothing, an upsert may be guarded.
    /// Else the unique violation is caught, and a counter is made before it is counted.
    #[doc(hidden)]
    const ON_CONFLICT: bool;

    /// Whether several transactions may write at once, so that locks have to be taken in one order.
    #[doc(hidden)]
    const WRITERS: bool;

    /// Whether a failed statement spoils the transaction up to the last savepoint.
    #[doc(hidden)]
    const FAILURE_SPOILS: bool;

    /// Whether a COMMIT that finds no room is known to be undone.
    #[doc(hidden)]
    const FULL_ROLLS_BACK: bool;

    /// Whether `(a, b) > (x, y)` is a range of an index over `(a, b)`.
    #[doc(hidden)]
    const ROW_RANGES: bool;

    /// Whether a column that is asked to be null has to stand in the order, or else the index that holds it is not
    /// taken for one that gives the order.
    #[doc(hidden)]
    const NULLS_DIFFER: bool;

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

    /// What the database complains about, by its code.
    #[doc(hidden)]
    fn trouble(error: &dyn DatabaseError) -> Trouble;

    /// Looks at the settings of a database: whether what it acknowledges survives a loss of power. Refuses one that
    /// cannot carry a store.
    #[doc(hidden)]
    fn inspect(
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<Result<bool, StoreError>, sqlx::Error>> + Send;
}

/// How long a call waits for a connection of a pool of our own, one that has to be made included.
#[cfg(any(feature = "postgres", feature = "mysql"))]
const ACQUIRE: Duration = Duration::from_secs(1);
/// How long a connection that was idle may take to say that it is well.
#[cfg(any(feature = "postgres", feature = "mysql"))]
const KNOCK: Duration = Duration::from_millis(300);

/// Ten connections. One that died while it was idle, also without a word, is replaced before a call gets it.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn pool_options<B: Backend>() -> sqlx::pool::PoolOptions<B> {
    let options = sqlx::pool::PoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE);
    // sqlx's own test of a connection waits for a silent one until the call's time is up.
    options.test_before_acquire(false).before_acquire(|connection: &mut B::Connection, _| {
        Box::pin(async {
            let silent = |_| std::io::Error::new(std::io::ErrorKind::TimedOut, "the line is silent");
            tokio::time::timeout(KNOCK, connection.ping()).await.map_err(silent)??;
            Ok(true)
        })
    })
}

/// How long opening waits for a server that may be starting. It is no call of a visitor's, so it has more time.
#[cfg(any(feature = "postgres", feature = "mysql"))]
const OPENING: Duration = Duration::from_secs(10);

/// A pool with one connection made, from a server that may be starting.
#[cfg(any(feature = "postgres", feature = "mysql"))]
async fn connect<B: Backend>(
    pool: sqlx::pool::PoolOptions<B>,
    options: <B::Connection as Connection>::Options,
) -> Result<sqlx::Pool<B>, sqlx::Error> {
    let begun = std::time::Instant::now();
    loop {
        match pool.clone().connect_with(options.clone()).await {
            Err(sqlx::Error::PoolTimedOut) if begun.elapsed() < OPENING => {}
            other => return other,
        }
    }
}

/// How statements reach a connection.
pub trait Driver: Connection<Options: Sync> + Migrate + Send {
    #[doc(hidden)]
    type Cells: Cells;

    /// Runs a statement; the number of rows it changed, on MySQL the number it found.
    #[doc(hidden)]
    fn run(&mut self, statement: Statement) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Runs a statement that answers rows.
    #[doc(hidden)]
    fn rows(
        &mut self,
        statement: Statement,
    ) -> impl Future<Output = Result<Vec<Self::Cells>, sqlx::Error>> + Send;

    /// Runs a statement without values, unprepared where the protocol tells the difference.
    #[doc(hidden)]
    fn control(&mut self, sql: &'static str) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// The cells of a row, by their place.
pub trait Cells: Send {
    #[doc(hidden)]
    fn int(&self, at: usize) -> Result<Option<i64>, sqlx::Error>;

    #[doc(hidden)]
    fn uuid(&self, at: usize) -> Result<Option<Uuid>, sqlx::Error>;

    #[doc(hidden)]
    fn text(&self, at: usize) -> Result<Option<String>, sqlx::Error>;
}

/// The same few lines for every driver: bounds on `&mut Connection` are not implied, so they cannot be generic.
macro_rules! driver {
    ($connection:ty, $row:ty) => {
        impl crate::backend::Driver for $connection {
            type Cells = $row;

            async fn run(&mut self, statement: crate::statement::Statement) -> Result<u64, sqlx::Error> {
                let (sql, values) = statement.into_parts();
                Ok(sqlx::query_with(sql, values).execute(self).await?.rows_affected())
            }

            async fn rows(
                &mut self,
                statement: crate::statement::Statement,
            ) -> Result<Vec<$row>, sqlx::Error> {
                let (sql, values) = statement.into_parts();
                sqlx::query_with(sql, values).fetch_all(self).await
            }

            async fn control(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
                sqlx::Executor::execute(self, sql).await.map(drop)
            }
        }

        impl crate::backend::Cells for $row {
            fn int(&self, at: usize) -> Result<Option<i64>, sqlx::Error> {
                sqlx::Row::try_get(self, at)
            }

            fn uuid(&self, at: usize) -> Result<Option<uuid::Uuid>, sqlx::Error> {
                sqlx::Row::try_get(self, at)
            }

            fn text(&self, at: usize) -> Result<Option<String>, sqlx::Error> {
                // Unchecked, because MySQL's VARBINARY holds our text and calls itself bytes.
                sqlx::Row::try_get_unchecked(self, at)
            }
        }
    };
}
pub(crate) use driver;
