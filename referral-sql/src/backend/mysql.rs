//! MySQL and MariaDB, and what speaks their protocol.

use referral_core::store::StoreError;
use sea_query::extension::mysql::{IndexHintScope, MySqlSelectStatementExt};
use sea_query::{Alias, Expr, SelectStatement};
use sqlx::error::DatabaseError;
use sqlx::mysql::{
    MySql, MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlPoolOptions, MySqlRow,
};
use std::time::Duration;

use super::{Backend, Cells, Driver, connect, driver, pool_options};
use crate::error::{Fault, Trouble, opening, server};
use crate::statement::Statement;
use crate::store::SqlStore;

driver!(MySqlConnection, MySqlRow);

/// READ COMMITTED, because the default shows a transaction the past, so that a lost race could not be explained.
const ISOLATION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
/// When the server gives up on a session. MySQL cannot tell a transaction in which nothing happens from a session in
/// which nothing happens.
const SESSION: &str = "SET SESSION innodb_lock_wait_timeout = 4
    /*M!100300 , idle_transaction_timeout = 10, max_statement_time = 30 */
    /*!80000 , wait_timeout = 60 */";
/// A pool lets go of an idle connection before the server does.
const IDLE: Duration = Duration::from_secs(45);

impl Backend for MySql {
    const STORE: &'static str = "mysql";
    const BEGIN: &'static str = "START TRANSACTION";
    const MIGRATIONS: &'static [(i64, &'static str, &'static str)] =
        &[(1, "links", include_str!("../../migrations/mysql/0001_links.sql"))];
    const MIGRATION_LOCK: Option<&'static str> =
        Some("SELECT CAST(GET_LOCK(CONCAT('referral ', SHA1(DATABASE())), 0) AS SIGNED)");
    const REMOTE: bool = true;
    // sqlx counts what is left to answer of a query, and not of a PREPARE.
    const OUT_OF_STEP: bool = true;
    const MIGRATION_SESSION: Option<&'static str> =
        Some("SET SESSION wait_timeout = 5 /*M!100300 , max_statement_time = 0 */");
    const ON_CONFLICT: bool = false;
    const WRITERS: bool = true;
    const FAILURE_SPOILS: bool = false;
    const FULL_ROLLS_BACK: bool = false;
    const ROW_RANGES: bool = false;
    const NULLS_DIFFER: bool = false;
    const EXPLAIN: (&'static str, usize) = ("EXPLAIN FORMAT=JSON ", 0);

    type Dialect = sea_query::MysqlQueryBuilder;

    fn read_from(query: &mut SelectStatement, index: &str) {
        // Left to its statistics, it reads the index over all tenants backwards where it takes a prefix for common,
        // and a page of a rare one becomes a walk over everything.
        query.force_index(Alias::new(index), IndexHintScope::All);
    }

    fn incoming(column: &'static str) -> Expr {
        Expr::cust(format!("VALUES(`{column}`)"))
    }

    fn trouble(error: &dyn DatabaseError) -> Trouble {
        let number = error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number);
        numbered(number.unwrap_or_default())
    }

    async fn inspect(connection: &mut MySqlConnection) -> Result<Result<bool, StoreError>, sqlx::Error> {
        let setting = Statement::fixed("SELECT CAST(@@innodb_flush_log_at_trx_commit AS SIGNED)");
        let setting = connection.rows(setting).await?;
        let level = setting.first().map(|row| row.int(0)).transpose()?.flatten();
        Ok(Ok(level == Some(1)))
    }
}

const fn numbered(number: u16) -> Trouble {
    match number {
        1062 => Trouble::Unique,
        // Record has changed, lock wait timeout, deadlock, rolled back by group replication
        1020 | 1205 | 1213 | 3101 => Trouble::Transient,
        // Disk full, table full
        1021 | 1114 => Trouble::Full,
        // Crashed tables
        1194 | 1195 => Trouble::Corrupt,
        // Unknown column, unknown table
        1054 | 1146 => Trouble::Unmigrated,
        // Too many connections, node not ready, shutdown, read-only; a session that was ended, or left idle
        1040 | 1047 | 1053 | 1290 | 1836 | 1927 | 4031 => Trouble::Unavailable,
        _ => Trouble::Other,
    }
}

impl SqlStore<MySql> {
    /// What [`MySqlStore::open`](Self::open) makes its pool with, for a host that wants another size of it.
    ///
    /// Ten connections at READ COMMITTED. A call waits one second for one. One that was idle is asked before it is
    /// used again, and replaced if it does not answer within 0.3 seconds. A statement waits four seconds for
    /// others' locks. So that a line that fell silent holds no locks for long, MariaDB ends a transaction in which
    /// nothing happens after ten seconds and a statement after 30, MySQL a session in which nothing happens after 60.
    #[must_use]
    pub fn pool_options() -> MySqlPoolOptions {
        pool_options::<MySql>().idle_timeout(IDLE).after_connect(|connection, _| {
            Box::pin(async {
                connection.control(ISOLATION).await?;
                connection.control(SESSION).await
            })
        })
    }

    /// Opens a database by its `mysql://` URL, with a pool as [`MySqlStore::pool_options`](Self::pool_options)
    /// describes it.
    ///
    /// # Errors
    /// `Invalid` for a URL that is none, `Unavailable` where the server does not answer for ten seconds.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let invalid = |error| Fault::from(error).into_error::<MySql>("open");
        Self::connect(Self::pool_options(), url.parse().map_err(invalid)?).await
    }

    pub(crate) async fn connect(
        pool: MySqlPoolOptions,
        options: MySqlConnectOptions,
    ) -> Result<Self, StoreError> {
        let place = place(&options);
        let pool = connect(pool, options).await.map_err(|error| opening::<MySql>(error, place))?;
        Self::from_pool(pool).await
    }
}

/// The server and the database of these options, without the password.
pub(crate) fn place(options: &MySqlConnectOptions) -> String {
    server(options.get_host(), options.get_port(), options.get_socket(), options.get_database())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_that_lost_is_run_again_and_nothing_else_is() {
        for number in [1020, 1205, 1213, 3101] {
            assert_eq!(numbered(number), Trouble::Transient, "{number}");
        }
        // Error on write (to the binary log), binary log cannot be written, semi-synchronous wait, interrupted, unknown
        for number in [1026, 1598, 3157, 1317, 1105] {
            assert_eq!(numbered(number), Trouble::Other, "{number}");
        }
        assert_eq!([numbered(1021), numbered(1053)], [Trouble::Full, Trouble::Unavailable]);
    }
}
