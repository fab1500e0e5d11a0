//! The backend for SQLite.

use sea_query::Expr;
use sqlx::error::DatabaseError;
use sqlx::sqlite::{Sqlite, SqliteConnection, SqliteRow};

use super::dialect::{Backend, Durability, ErrorClass};
use super::driver::{Cells, Driver, Statement, driver};
use crate::schema::{self, Script};

driver!(SqliteConnection, SqliteRow);

impl Backend for Sqlite {
    const STORE: &'static str = "sqlite";
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    // Its first statement takes the snapshot, and none of its statements waits for a writer.
    const BEGIN_SNAPSHOT: &'static str = "BEGIN DEFERRED";
    const MIGRATIONS: &'static [Script] = schema::SQLITE;
    const MIGRATION_LOCK: Option<&'static str> = None;
    // SQLite's busy timeout limits its waits for locks, and the pool's timeout limits the wait for the connection
    // that writes.
    const REMOTE: bool = false;
    const LEAVES_ANSWERS: bool = false;
    const MIGRATION_SESSION: Option<&'static str> = None;
    const ON_CONFLICT: bool = true;
    const CONCURRENT_WRITERS: bool = false;
    const FAILURE_ABORTS: bool = false;
    const FULL_ROLLS_BACK: bool = true;
    const ROW_RANGES: bool = true;
    const ORDERS_BY_NULLS: bool = false;
    const EXPLAIN: (&'static str, usize) = ("EXPLAIN QUERY PLAN ", 3);

    type Dialect = sea_query::SqliteQueryBuilder;

    fn incoming(column: &'static str) -> Expr {
        Expr::col(("excluded", column))
    }

    fn classify(error: &dyn DatabaseError) -> ErrorClass {
        // This is the extended code. Its low byte is the primary code.
        let code = error.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default();
        match (code, code & 0xff) {
            // CONSTRAINT_PRIMARYKEY, _UNIQUE, _ROWID
            (1555 | 2067 | 2579, _) => ErrorClass::Unique,
            // BUSY in all its forms (such as 517, a reader that wants to write), LOCKED
            (_, 5 | 6) => ErrorClass::Transient,
            // READONLY, IOERR, CANTOPEN, PROTOCOL
            (_, 8 | 10 | 14 | 15) => ErrorClass::Unavailable,
            (_, 13) => ErrorClass::Full,
            // CORRUPT, NOTADB
            (_, 11 | 26) => ErrorClass::Corrupt,
            (1, _) if error.message().starts_with("no such table") => ErrorClass::Unmigrated,
            (1, _) if error.message().contains("no column named") => ErrorClass::Unmigrated,
            (1, _) if error.message().starts_with("no such column") => ErrorClass::Unmigrated,
            _ => ErrorClass::Other,
        }
    }

    async fn inspect(connection: &mut SqliteConnection) -> Result<Durability, sqlx::Error> {
        let file = Statement::fixed("SELECT 1 FROM pragma_database_list WHERE name = 'main' AND file <> ''");
        if connection.rows(file).await?.is_empty() {
            return Ok(Durability::InMemory);
        }
        // 2 is FULL and 3 is EXTRA. With less, a loss of power may undo acknowledged commits.
        let synchronous = connection.rows(Statement::fixed("PRAGMA synchronous")).await?;
        let level = synchronous.first().map(|row| row.int(0)).transpose()?.flatten();
        Ok(if level >= Some(2) { Durability::Durable } else { Durability::Relaxed })
    }
}
