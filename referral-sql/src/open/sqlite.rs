//! Opens SQLite with one connection that writes, several that read, and a write-ahead log on a local disk.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use referral_core::store::StoreError;
use sqlx::ConnectOptions;
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::error::{DbError, in_memory, opening};
use crate::store::SqlStore;

/// How long SQLite itself waits for another process's transaction before the store tries again.
const BUSY: Duration = Duration::from_secs(2);
/// How long a write waits for the one connection of this process that writes.
const WRITER_WAIT: Duration = Duration::from_secs(15);
const READERS: u32 = 4;
const CACHE_KIB: u32 = 64 * 1024;
const READER_CACHE_KIB: u32 = 16 * 1024;
/// The log is cut to this size after a checkpoint. A long read can make it grow beyond.
const LOG_BYTES: u32 = 64 * 1024 * 1024;
/// Many, because each size of a batch is another prepared statement.
const STATEMENTS: usize = 512;

impl SqlStore<Sqlite> {
    /// Opens a database file by its path or a `sqlite:` URL. It makes the file if it does not exist.
    ///
    /// It uses a write-ahead log, `synchronous=FULL`, one connection that writes and four that read.
    /// [`SqlStore::migrate`] makes the tables. Several processes of one machine may open the same file, but not
    /// over a network mount.
    ///
    /// # Errors
    /// `Invalid` for text that is not a URL and for an in-memory database; `Unavailable` if the file cannot be
    /// opened; `Corrupt` if the file is not a database.
    pub async fn open(address: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(address, |writer| writer).await
    }

    /// As [`SqliteStore::open`](Self::open), with another pool for the connection that writes.
    pub(crate) async fn open_with(
        address: impl AsRef<Path>,
        writer: impl FnOnce(PoolOptions<Sqlite>) -> PoolOptions<Sqlite>,
    ) -> Result<Self, StoreError> {
        let invalid = |error| DbError::from(error).into_error::<Sqlite>("open");
        let address = address.as_ref();
        let options = match address.to_str() {
            Some(text) if text.contains(":memory:") || text.contains("mode=memory") => {
                return Err(in_memory::<Sqlite>());
            }
            Some(url) if url.starts_with("sqlite:") => {
                SqliteConnectOptions::from_str(url).map_err(invalid)?
            }
            _ => SqliteConnectOptions::new().filename(address),
        };
        let refused = |error| {
            let file = options.get_filename();
            // A URL of another database, taken for a path, may contain a password.
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
        let pool = || PoolOptions::new().acquire_timeout(WRITER_WAIT).test_before_acquire(false);
        // The writer comes first, because it makes the file and its log. Readers cannot make them.
        let write = options.clone().pragma("cache_size", format!("-{CACHE_KIB}"));
        let write = writer(pool().max_connections(1)).connect_with(write).await.map_err(refused)?;
        let read = options.pragma("cache_size", format!("-{READER_CACHE_KIB}")).pragma("query_only", "ON");
        let read = pool().max_connections(READERS).connect_lazy_with(read);
        Self::with_pools(write, read).await
    }
}
