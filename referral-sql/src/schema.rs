//! Names of tables, columns and indexes, and the migrations that make them.

use std::borrow::Cow;
use std::time::Duration;

use referral_core::store::Kind;
use referral_core::store::{Index, StoreError, StoreErrorKind, Unique};
use sea_query::Alias;
use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};
use sqlx::{Connection, Pool, SqlSafeStr};

use crate::backend::{Backend, Cells, Driver};
use crate::error::{self, Fault, Trouble, UNMIGRATED};
use crate::lease::{Deadline, in_time};
use crate::statement::{self, Statement};

/// The table of all numbers.
pub const COUNTER: &str = "referral_counter";
/// Which migrations ran: a table of our own, because the host likely has sqlx migrations in the same database.
pub const BOOKKEEPING: &str = "_referral_migrations";

/// The name of a kind's table. Its columns have core's names.
#[must_use]
pub fn table_name(kind: Kind) -> String {
    format!("referral_{}", kind.name())
}

pub(crate) fn table(kind: Kind) -> Alias {
    Alias::new(table_name(kind))
}

/// The name of an index in the database.
#[must_use]
pub fn index_name(index: Index) -> String {
    format!("referral_{}", index.shape().name)
}

/// The name of a unique index in the database.
#[must_use]
pub fn unique_name(unique: Unique) -> String {
    format!("referral_{}", unique.name())
}

/// How long until another process is asked for again that migrates.
const AGAIN: Duration = Duration::from_millis(50);

fn migrator<B: Backend>() -> Migrator {
    let migration = |&(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(B::MIGRATIONS.iter().map(migration).collect());
    migrator.dangerous_set_table_name(BOOKKEEPING);
    migrator.set_locking(false);
    migrator
}

/// Applies the migrations that are missing. Of two processes at once one does, and the other finds it done.
pub(crate) async fn migrate<B: Backend>(
    pool: Pool<B>,
    connect: Deadline,
    through: Deadline,
) -> Result<(), StoreError> {
    let error = |fault: Fault| fault.into_error::<B>("migrate");
    let mut connection = in_time(connect, async { Ok(pool.acquire().await?) }).await.map_err(error)?;
    // Whatever happens: the lock of a session ends with the session.
    connection.close_on_drop();
    let work = async {
        let migrated = migrate_on::<B>(&mut connection).await;
        // Waited for, so that the lock is free when this returns. A connection that cannot be closed is gone as well.
        connection.close().await.ok();
        Ok(migrated?)
    };
    in_time(through, work).await.map_err(error)
}

async fn migrate_on<B: Backend>(connection: &mut B::Connection) -> Result<(), StoreError> {
    let failed = error::migration::<B>;
    let Some(lock) = B::MIGRATION_LOCK else {
        let mut transaction = connection.begin_with(B::BEGIN).await.map_err(fault::<B>)?;
        migrator::<B>().run_direct(None, &mut *transaction, false).await.map_err(failed)?;
        return transaction.commit().await.map_err(fault::<B>);
    };
    if let Some(session) = B::MIGRATION_SESSION {
        connection.control(session).await.map_err(fault::<B>)?;
    }
    // Until the time is up that all of migrating has.
    while !holds::<B>(connection, lock).await.map_err(fault::<B>)? {
        tokio::time::sleep(AGAIN).await;
    }
    connection.ensure_migrations_table(BOOKKEEPING).await.map_err(failed)?;
    // Under the lock, so whoever began it is gone; its statements may be run again.
    connection.run(statement::forget_interrupted::<B>()).await.map_err(fault::<B>)?;
    migrator::<B>().run_direct(None, connection, false).await.map_err(failed)
}

async fn holds<B: Backend>(connection: &mut B::Connection, lock: &'static str) -> Result<bool, sqlx::Error> {
    let held = connection.rows(Statement::fixed(lock)).await?;
    Ok(held.first().map(|row| row.int(0)).transpose()?.flatten() == Some(1))
}

/// Version and name of each migration that the database has; none where there is not even a book of them.
pub(crate) async fn migrations<B: Backend>(pool: &Pool<B>) -> Result<Vec<(i64, String)>, StoreError> {
    let read = async {
        let rows = match pool.acquire().await?.rows(statement::applied::<B>()).await {
            Err(error) if error::trouble::<B>(&error) == Some(Trouble::Unmigrated) => Vec::new(),
            rows => rows?,
        };
        let row = |row: &<B::Connection as Driver>::Cells| {
            Ok((row.int(0)?.unwrap_or_default(), row.text(1)?.unwrap_or_default()))
        };
        rows.iter().map(row).collect::<Result<_, sqlx::Error>>()
    };
    read.await.map_err(fault::<B>)
}

fn fault<B: Backend>(error: sqlx::Error) -> StoreError {
    Fault::from(error).into_error::<B>("migrate")
}

/// Whether the tables are those that this version of the library works on.
pub(crate) async fn check<B: Backend>(connection: &mut B::Connection) -> Result<(), Fault> {
    let applied = connection.rows(statement::applied::<B>()).await?;
    let applied = applied.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
    let known = |version: &Option<i64>| B::MIGRATIONS.iter().any(|(known, ..)| Some(*known) == *version);
    let message = if !applied.iter().all(known) {
        "the schema is newer than this library: update the library"
    } else if applied.len() < B::MIGRATIONS.len() {
        UNMIGRATED
    } else {
        return Ok(());
    };
    Err(Fault::Store(StoreError::new(StoreErrorKind::Corrupt, B::STORE, "open", message)))
}
