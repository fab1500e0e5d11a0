//! The backend for MySQL, MariaDB and other servers with their protocol.

use sea_query::extension::mysql::{IndexHintScope, MySqlSelectStatementExt};
use sea_query::{Alias, Expr, SelectStatement};
use sqlx::error::DatabaseError;
use sqlx::mysql::{MySql, MySqlConnection, MySqlDatabaseError, MySqlRow};

use super::dialect::{Backend, Durability, ErrorClass};
use super::driver::{Cells, Driver, Statement, driver};
use crate::schema::{self, Script};

driver!(MySqlConnection, MySqlRow);

impl Backend for MySql {
    const STORE: &'static str = "mysql";
    const BEGIN: &'static str = "START TRANSACTION";
    // The isolation level is set for this transaction only. Both statements are one round trip.
    const BEGIN_SNAPSHOT: &'static str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    const MIGRATIONS: &'static [Script] = schema::MYSQL;
    const MIGRATION_LOCK: Option<&'static str> =
        Some("SELECT CAST(GET_LOCK(CONCAT('referral ', SHA1(DATABASE())), 0) AS SIGNED)");
    const REMOTE: bool = true;
    // sqlx keeps count of the unread answers to queries, but not of those to PREPARE.
    const LEAVES_ANSWERS: bool = true;
    const MIGRATION_SESSION: Option<&'static str> =
        Some("SET SESSION wait_timeout = 5 /*M!100300 , max_statement_time = 0 */");
    const ON_CONFLICT: bool = false;
    const CONCURRENT_WRITERS: bool = true;
    const FAILURE_ABORTS: bool = false;
    const FULL_ROLLS_BACK: bool = false;
    const ROW_RANGES: bool = false;
    const ORDERS_BY_NULLS: bool = false;
    const EXPLAIN: (&'static str, usize) = ("EXPLAIN FORMAT=JSON ", 0);

    type Dialect = sea_query::MysqlQueryBuilder;

    fn read_from(query: &mut SelectStatement, index: &str) {
        // Without a hint MySQL may read another index backwards if it thinks that the prefix is frequent. A page of
        // a rare prefix then reads the whole index.
        query.force_index(Alias::new(index), IndexHintScope::All);
    }

    fn incoming(column: &'static str) -> Expr {
        Expr::cust(format!("VALUES(`{column}`)"))
    }

    fn classify(error: &dyn DatabaseError) -> ErrorClass {
        let number = error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number);
        numbered(number.unwrap_or_default())
    }

    async fn inspect(connection: &mut MySqlConnection) -> Result<Durability, sqlx::Error> {
        let setting = Statement::fixed("SELECT CAST(@@innodb_flush_log_at_trx_commit AS SIGNED)");
        let setting = connection.rows(setting).await?;
        let level = setting.first().map(|row| row.int(0)).transpose()?.flatten();
        Ok(if level == Some(1) { Durability::Durable } else { Durability::Relaxed })
    }
}

const fn numbered(number: u16) -> ErrorClass {
    match number {
        1062 => ErrorClass::Unique,
        // Record has changed, lock wait timeout, deadlock, rolled back by group replication
        1020 | 1205 | 1213 | 3101 => ErrorClass::Transient,
        // Disk full, table full
        1021 | 1114 => ErrorClass::Full,
        // Crashed tables
        1194 | 1195 => ErrorClass::Corrupt,
        // Unknown column, unknown table
        1054 | 1146 => ErrorClass::Unmigrated,
        // Too many connections, node not ready, shutdown, read-only (twice), session killed, session idle for too
        // long
        1040 | 1047 | 1053 | 1290 | 1836 | 1927 | 4031 => ErrorClass::Unavailable,
        _ => ErrorClass::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_that_lost_is_run_again_and_nothing_else_is() {
        for number in [1020, 1205, 1213, 3101] {
            assert_eq!(numbered(number), ErrorClass::Transient, "{number}");
        }
        // Error on write (to the binary log), binary log cannot be written, semi-synchronous wait, interrupted, unknown
        for number in [1026, 1598, 3157, 1317, 1105] {
            assert_eq!(numbered(number), ErrorClass::Other, "{number}");
        }
        assert_eq!([numbered(1021), numbered(1053)], [ErrorClass::Full, ErrorClass::Unavailable]);
    }
}
