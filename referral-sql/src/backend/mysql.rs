//! MySQL and MariaDB, and what speaks their protocol.

use referral_core::store::StoreError;
use sea_query::extension::mysql::{IndexHintScope, MySqlSelectStatementExt};
use sea_query::{Alias, Expr, SelectStatement};
use sqlx::error::DatabaseError;
use sqlx::mysql::{
    MySql, MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlPoolOptions, MySqlRow,
};

use super::{Backend, CONNECTIONS, Cells, Driver, driver};
use crate::error::{Fault, Trouble, opening, server};
use crate::statement::Statement;
use crate::store::SqlStore;

driver!(MySqlConnection, MySqlRow);

impl Backend for MySql {
    const STORE: &'static str = "mysql";
    const BEGIN: &'static str = "START TRANSACTION";
    const MIGRATIONS: &'static [(i64, &'static str, &'static str)] =
        &[(1, "links", include_str!("../../migrations/mysql/0001_links.sql"))];
    // Not the driver's own lock, which waits -1 seconds: MariaDB gives up at once then.
    const MIGRATION_LOCK: Option<&'static str> =
        Some("SELECT CAST(GET_LOCK(CONCAT('referral ', SHA1(DATABASE())), 600) AS SIGNED)");
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
        // Too many connections, node not ready, shutdown, read-only
        1040 | 1047 | 1053 | 1290 | 1836 => Trouble::Unavailable,
        _ => Trouble::Other,
    }
}

impl SqlStore<MySql> {
    /// Opens a database by its `mysql://` URL, with a pool of ten connections at READ COMMITTED.
    ///
    /// # Errors
    /// `Invalid` for a URL that is none, `Unavailable` where the server does not answer.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let invalid = |error| Fault::from(error).into_error::<MySql>("open");
        Self::connect(url.parse().map_err(invalid)?, CONNECTIONS).await
    }

    /// With so many connections.
    pub(crate) async fn connect(options: MySqlConnectOptions, connections: u32) -> Result<Self, StoreError> {
        let place = place(&options);
        let pool = MySqlPoolOptions::new()
            .max_connections(connections)
            .after_connect(|connection, _| {
                // The default shows a transaction the past, so that a lost race could not be explained.
                Box::pin(connection.control("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"))
            })
            .connect_with(options)
            .await
            .map_err(|error| opening::<MySql>(error, place))?;
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
