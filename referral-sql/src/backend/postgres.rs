//! The backend for PostgreSQL and other servers with its protocol.

use sea_query::Expr;
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnection, PgRow, Postgres};

use super::dialect::{Backend, Durability, ErrorClass};
use super::driver::{Cells, Driver, Statement, driver};
use crate::schema::{self, Script};

driver!(PgConnection, PgRow);

impl Backend for Postgres {
    const STORE: &'static str = "postgres";
    const BEGIN: &'static str = "BEGIN ISOLATION LEVEL READ COMMITTED";
    const BEGIN_SNAPSHOT: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    const MIGRATIONS: &'static [Script] = schema::POSTGRES;
    const MIGRATION_LOCK: Option<&'static str> = Some(
        "SELECT pg_try_advisory_lock(hashtextextended(concat_ws(' ', 'referral', current_database(), current_schema()), 0))::int::bigint",
    );
    const REMOTE: bool = true;
    const LEAVES_ANSWERS: bool = false;
    const MIGRATION_SESSION: Option<&'static str> = Some(
        "SELECT set_config(name, value, false) FROM (VALUES
         ('idle_session_timeout', '5s'), ('statement_timeout', '0')) AS wanted (name, value)
         WHERE name IN (SELECT name FROM pg_settings)",
    );
    const ON_CONFLICT: bool = true;
    const CONCURRENT_WRITERS: bool = true;
    const FAILURE_ABORTS: bool = true;
    const FULL_ROLLS_BACK: bool = false;
    const ROW_RANGES: bool = true;
    const ORDERS_BY_NULLS: bool = true;
    const EXPLAIN: (&'static str, usize) = ("EXPLAIN ", 0);

    type Dialect = sea_query::PostgresQueryBuilder;

    fn incoming(column: &'static str) -> Expr {
        Expr::col(("excluded", column))
    }

    fn classify(error: &dyn DatabaseError) -> ErrorClass {
        let code = error.code().unwrap_or_default();
        match code.as_ref() {
            "23505" => ErrorClass::Unique,
            // serialization_failure, deadlock_detected, lock_not_available
            "40001" | "40P01" | "55P03" => ErrorClass::Transient,
            "53100" => ErrorClass::Full,
            // data_corrupted, index_corrupted
            "XX001" | "XX002" => ErrorClass::Corrupt,
            // undefined_table, undefined_column
            "42P01" | "42703" => ErrorClass::Unmigrated,
            // too_many_connections, read_only_sql_transaction (a standby), idle_in_transaction_session_timeout
            "53300" | "25006" | "25P03" => ErrorClass::Unavailable,
            // Operator intervention (except a cancelled query) and connection exceptions
            other if other != "57014" && (other.starts_with("57P") || other.starts_with("08")) => {
                ErrorClass::Unavailable
            }
            _ => ErrorClass::Other,
        }
    }

    async fn inspect(connection: &mut PgConnection) -> Result<Durability, sqlx::Error> {
        // If either setting is off, a loss of power may undo acknowledged commits. A server that does not know a
        // setting answers null.
        let settings = Statement::fixed(
            "SELECT setting FROM (VALUES (current_setting('synchronous_commit', true)),
             (current_setting('fsync', true))) AS settings (setting)",
        );
        let mut durability = Durability::Durable;
        for row in connection.rows(settings).await? {
            if row.text(0)?.as_deref() == Some("off") {
                durability = Durability::Relaxed;
            }
        }
        Ok(durability)
    }
}
