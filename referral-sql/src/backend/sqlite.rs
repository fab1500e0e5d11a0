//! SQLite: one writer, a pool of readers, a write-ahead log on a local disk.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use referral_core::store::{StoreError, StoreErrorKind};
use sea_query::Expr;
use sqlx::ConnectOptions;
use sqlx::error::DatabaseError;
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous,
};

use super::{Backend, Cells, Driver, driver};
use crate::error::{Fault, Trouble, opening};
use crate::statement::Statement;
use crate::store::SqlStore;

/// How long SQLite itself waits for another process's transaction before the store's own retries begin.
const BUSY: Duration = Duration::from_secs(2);
/// How long a write waits for the one writer connection of this process.
const QUEUE: Duration = Duration::from_secs(15);
const READERS: u32 = 4;
const CACHE_KIB: u32 = 64 * 1024;
const READER_CACHE_KIB: u32 = 16 * 1024;
/// What the log is cut back to after a checkpoint; a long reader may make it grow beyond.
const LOG_BYTES: u32 = 64 * 1024 * 1024;
/// Batches have several sizes, and each of them is a statement of its own.
const STATEMENTS: usize = 512;

driver!(SqliteConnection, SqliteRow);

impl Backend for Sqlite {
    const STORE: &'static str = "sqlite";
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const MIGRATIONS: &'static [(i64, &'static str, &'static str)] =
        &[(1, "links", include_str!("../../migrations/sqlite/0001_links.sql"))];
    const MIGRATION_LOCK: Option<&'static str> = None;
    // SQLite's own waiting is bounded by its busy timeout, and the wait for the writer by the pool's.
    const REMOTE: bool = false;
    const OUT_OF_STEP: bool = false;
    const MIGRATION_SESSION: Option<&'static str> = None;
    const ON_CONFLICT: bool = true;
    const WRITERS: bool = false;
    const FAILURE_SPOILS: bool = false;
    const FULL_ROLLS_BACK: bool = true;
    const ROW_RANGES: bool = true;
    const NULLS_DIFFER: bool = false;
    const EXPLAIN: (&'static str, usize) = ("EXPLAIN QUERY PLAN ", 3);

    type Dialect = sea_query::SqliteQueryBuilder;

    fn incoming(column: &'static str) -> Expr {
        Expr::col(("excluded", column))
    }

    fn trouble(error: &dyn DatabaseError) -> Trouble {
        // The extended code; its low byte is the plain one.
        let code = error.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default();
        match (code, code & 0xff) {
            // CONSTRAINT_PRIMARYKEY, _UNIQUE, _ROWID
            (1555 | 2067 | 2579, _) => Trouble::Unique,
            // BUSY with all its kinds (also 517, a reader that would write), LOCKED
            (_, 5 | 6) => Trouble::Transient,
            // READONLY, IOERR, CANTOPEN, PROTOCOL
            (_, 8 | 10 | 14 | 15) => Trouble::Unavailable,
            (_, 13) => Trouble::Full,
            // CORRUPT, NOTADB
            (_, 11 | 26) => Trouble::Corrupt,
            (1, _) if error.message().starts_with("no such table") => Trouble::Unmigrated,
            (1, _) if error.message().contains("no column named") => Trouble::Unmigrated,
            (1, _) if error.message().starts_with("no such column") => Trouble::Unmigrated,
            _ => Trouble::Other,
        }
    }

    async fn inspect(connection: &mut SqliteConnection) -> Result<Result<bool, StoreError>, sqlx::Error> {
        let file = Statement::fixed("SELECT 1 FROM pragma_database_list WHERE name = 'main' AND file <> ''");
        if connection.rows(file).await?.is_empty() {
            return Ok(Err(in_memory()));
        }
        // 2 is FULL, 3 is EXTRA; with less, a loss of power may take back what was acknowledged.
        let synchronous = connection.rows(Statement::fixed("PRAGMA synchronous")).await?;
        let level = synchronous.first().map(|row| row.int(0)).transpose()?.flatten();
        Ok(Ok(level >= Some(2)))
    }
}

impl SqlStore<Sqlite> {
    /// Opens a database file, and makes it if it is not there: a path, or a `sqlite:` URL.
    ///
    /// Write-ahead log, `synchronous=FULL`, one connection that writes and four that read. The tables are made by
    /// [`SqlStore::migrate`]. Several processes of one machine may open the same file; not over a network mount.
    ///
    /// # Errors
    /// `Invalid` for a URL that is none and for an in-memory database; `Unavailable` where the file cannot be
    /// opened; `Corrupt` where it is no database.
    pub async fn open(address: impl AsRef<Path>) -> Result<Self, StoreError> {
        let invalid = |error| Fault::from(error).into_error::<Sqlite>("open");
        let address = address.as_ref();
        let options = match address.to_str() {
            Some(text) if text.contains(":memory:") || text.contains("mode=memory") => {
                return Err(in_memory());
            }
            Some(url) if url.starts_with("sqlite:") => {
                SqliteConnectOptions::from_str(url).map_err(invalid)?
            }
            _ => SqliteConnectOptions::new().filename(address),
        };
        let fault = |error| {
            let file = options.get_filename();
            // Another database's URL, taken for a path: there may be a password in it.
            let is_url = file.to_string_lossy().contains("://");
            let place =
                if is_url { "a file that is named like a URL".into() } else { file.to_string_lossy() };
            opening::<Sqlite>(error, place)
        };
        let options = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .statement_cache_capacity(STATEMENTS)
            .pragma("journal_size_limit", LOG_BYTES.to_string())
            .disable_statement_logging();
        let pool = || PoolOptions::new().acquire_timeout(QUEUE).test_before_acquire(false);
        // The writer first: it makes the file and its log, which readers can then only find.
        let write = options.clone().pragma("cache_size", format!("-{CACHE_KIB}"));
        let write = pool().max_connections(1).connect_with(write).await.map_err(fault)?;
        let read = options.pragma("cache_size", format!("-{READER_CACHE_KIB}")).pragma("query_only", "ON");
        let read = pool().max_connections(READERS).connect_lazy_with(read);
        Self::with_pools(write, read).await
    }
}

fn in_memory() -> StoreError {
    StoreError::new(
        StoreErrorKind::Invalid,
        Sqlite::STORE,
        "open",
        "each connection would see an in-memory database of its own; take a file, or core's MemoryStore",
    )
}
