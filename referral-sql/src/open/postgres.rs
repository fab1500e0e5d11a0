//! Opens PostgreSQL.

use referral_core::store::StoreError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, Postgres};

use super::server::{connect, location, pool_options};
use crate::backend::Driver;
use crate::error::{DbError, opening};
use crate::store::SqlStore;

/// When the server ends statements, transactions and sessions. A setting that the address sets is kept, and one
/// that the server does not know is left out.
const SESSION: &str = "SELECT set_config(name, value, false) FROM (VALUES
    ('idle_in_transaction_session_timeout', '10s'), ('statement_timeout', '30s'),
    ('tcp_keepalives_idle', '15'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3')
    ) AS wanted (name, value) WHERE name IN (SELECT name FROM pg_settings WHERE source <> 'client')";

impl SqlStore<Postgres> {
    /// Returns the options of the pool that [`PostgresStore::open`](Self::open) makes, for a host that wants to
    /// change its size.
    ///
    /// The pool has ten connections. A call waits one second for a connection. A connection that was idle is pinged
    /// before it is used again, and replaced if it does not answer within 0.3 seconds. A client that is gone must
    /// not hold locks for long. So the server ends a statement after 30 seconds and an idle transaction after ten
    /// seconds, and checks an idle client after 15 seconds. The URL can change these limits
    /// (`?options[statement_timeout]=…`).
    #[must_use]
    pub fn pool_options() -> PgPoolOptions {
        pool_options::<Postgres>().after_connect(|connection, _| Box::pin(connection.control(SESSION)))
    }

    /// Opens a database by its `postgres://` URL, with a pool as [`PostgresStore::pool_options`](Self::pool_options)
    /// describes it.
    ///
    /// # Errors
    /// `Invalid` for text that is not a URL; `Unavailable` if the server does not answer for ten seconds.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let invalid = |error| DbError::from(error).into_error::<Postgres>("open");
        Self::connect(Self::pool_options(), url.parse().map_err(invalid)?).await
    }

    pub(crate) async fn connect(pool: PgPoolOptions, options: PgConnectOptions) -> Result<Self, StoreError> {
        let place = place(&options);
        let pool = connect(pool, options).await.map_err(|error| opening::<Postgres>(error, place))?;
        Self::from_pool(pool).await
    }
}

/// The server and the database of these options, without the password.
pub(crate) fn place(options: &PgConnectOptions) -> String {
    location(options.get_host(), options.get_port(), options.get_socket(), options.get_database())
}
