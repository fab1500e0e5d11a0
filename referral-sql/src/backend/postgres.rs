//! PostgreSQL, and what speaks its protocol.

use referral_core::store::StoreError;
use sea_query::Expr;
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions, PgRow, Postgres};

use super::{Backend, Cells, Driver, connect, driver, pool_options};
use crate::error::{Fault, Trouble, opening, server};
use crate::statement::Statement;
use crate::store::SqlStore;

driver!(PgConnection, PgRow);

/// When the server gives up on a session: what an address sets is kept, what a server does not know is left out.
const SESSION: &str = "SELECT set_config(name, value, false) FROM (VALUES
    ('idle_in_transaction_session_timeout', '10s'), ('statement_timeout', '30s'),
    ('tcp_keepalives_idle', '15'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3')
    ) AS wanted (name, value) WHERE name IN (SELECT name FROM pg_settings WHERE source <> 'client')";

impl Backend for Postgres {
    const STORE: &'static str = "postgres";
    const BEGIN: &'static str = "BEGIN ISOLATION LEVEL READ COMMITTED";
    const MIGRATIONS: &'static [(i64, &'static str, &'static str)] =
        &[(1, "links", include_str!("../../migrations/postgres/0001_links.sql"))];
    const MIGRATION_LOCK: Option<&'static str> = Some(
        "SELECT pg_try_advisory_lock(hashtextextended(concat_ws(' ', 'referral', current_database(), current_schema()), 0))::int::bigint",
    );
    const REMOTE: bool = true;
    const OUT_OF_STEP: bool = false;
    const MIGRATION_SESSION: Option<&'static str> = Some(
        "SELECT set_config(name, value, false) FROM (VALUES
         ('idle_session_timeout', '5s'), ('statement_timeout', '0')) AS wanted (name, value)
         WHERE name IN (SELECT name FROM pg_settings)",
    );
    const ON_CONFLICT: bool = true;
    const WRITERS: bool = true;
    const FAILURE_SPOILS: bool = true;
    const FULL_ROLLS_BACK: bool = false;
    const ROW_RANGES: bool = true;
    const NULLS_DIFFER: bool = true;
    const EXPLAIN: (&'static str, usize) = ("EXPLAIN ", 0);

    type Dialect = sea_query::PostgresQueryBuilder;

    fn incoming(column: &'static str) -> Expr {
        Expr::col(("excluded", column))
    }

    fn trouble(error: &dyn DatabaseError) -> Trouble {
        let code = error.code().unwrap_or_default();
        match code.as_ref() {
            "23505" => Trouble::Unique,
            // serialization_failure, deadlock_detected, lock_not_available
            "40001" | "40P01" | "55P03" => Trouble::Transient,
            "53100" => Trouble::Full,
            // data_corrupted, index_corrupted
            "XX001" | "XX002" => Trouble::Corrupt,
            // undefined_table, undefined_column
            "42P01" | "42703" => Trouble::Unmigrated,
            // too_many_connections, read_only_sql_transaction (a standby), idle_in_transaction_session_timeout
            "53300" | "25006" | "25P03" => Trouble::Unavailable,
            // Operator intervention but for a cancelled query, and connection exceptions
            other if other != "57014" && (other.starts_with("57P") || other.starts_with("08")) => {
                Trouble::Unavailable
            }
            _ => Trouble::Other,
        }
    }

    async fn inspect(connection: &mut PgConnection) -> Result<Result<bool, StoreError>, sqlx::Error> {
        // With either one off, a loss of power takes back what was acknowledged. What speaks the protocol and does not
        // have them answers null.
        let settings = Statement::fixed(
            "SELECT setting FROM (VALUES (current_setting('synchronous_commit', true)),
             (current_setting('fsync', true))) AS settings (setting)",
        );
        let mut durable = true;
        for row in connection.rows(settings).await? {
            durable &= row.text(0)?.as_deref() != Some("off");
        }
        Ok(Ok(durable))
    }
}

impl SqlStore<Postgres> {
    /// What [`PostgresStore::open`](Self::open) makes its pool with, for a host that wants another size of it.
    ///
    /// Ten connections. A call waits one second for one. One that was idle is asked before it is used again, and
    /// replaced if it does not answer within 0.3 seconds. Unless the URL says otherwise
    /// (`?options[statement_timeout]=…`), the server ends a statement after 30 seconds and a transaction in which
    /// nothing happens after ten, so that a line that fell silent holds no locks for long, and looks after 15 seconds
    /// whether an idle peer is still there.
    #[must_use]
    pub fn pool_options() -> PgPoolOptions {
        pool_options::<Postgres>().after_connect(|connection, _| Box::pin(connection.control(SESSION)))
    }

    /// Opens a database by its `postgres://` URL, with a pool as [`PostgresStore::pool_options`](Self::pool_options)
    /// describes it.
    ///
    /// # Errors
    /// `Invalid` for a URL that is none, `Unavailable` where the server does not answer for ten seconds.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let invalid = |error| Fault::from(error).into_error::<Postgres>("open");
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
    server(options.get_host(), options.get_port(), options.get_socket(), options.get_database())
}
