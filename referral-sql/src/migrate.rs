//! Migrations: make the tables, or bring them to this version of the library.

use std::borrow::Cow;
use std::time::Duration;

use referral_core::store::{StoreError, StoreErrorKind};
use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};
use sqlx::{Connection, Pool, SqlSafeStr};

use crate::backend::{Backend, Cells, Driver, ErrorClass, Statement};
use crate::error::{self, DbError, NEWER, UNMIGRATED};
use crate::lease::{Deadline, in_time};
use crate::schema::{MIGRATIONS, Script};
use crate::statement;

/// How long to wait before asking again for a lock that another process holds.
const RETRY: Duration = Duration::from_millis(50);

fn migrator<B: Backend>() -> Migrator {
    let migration = |&Script { version, name, sql }: &Script| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(B::MIGRATIONS.iter().map(migration).collect());
    migrator.dangerous_set_table_name(MIGRATIONS);
    migrator.set_locking(false);
    migrator
}

/// Applies the migrations that are missing. If two processes do this at once, one does the work and the other finds
/// it done.
pub(crate) async fn migrate<B: Backend>(
    pool: Pool<B>,
    connect: Deadline,
    through: Deadline,
) -> Result<(), StoreError> {
    let error = |error: DbError| error.into_error::<B>("migrate");
    let mut connection = in_time(connect, async { Ok(pool.acquire().await?) }).await.map_err(error)?;
    // In every case, because the lock belongs to the session and ends with it.
    connection.close_on_drop();
    let work = async {
        let migrated = migrate_on::<B>(&mut connection).await;
        // We wait for this, so that the lock is free when the function returns. If closing fails, the connection is
        // gone anyway.
        connection.close().await.ok();
        Ok(migrated?)
    };
    in_time(through, work).await.map_err(error)
}

async fn migrate_on<B: Backend>(connection: &mut B::Connection) -> Result<(), StoreError> {
    let script = error::migration::<B>;
    let Some(lock) = B::MIGRATION_LOCK else {
        let mut transaction = connection.begin_with(B::BEGIN).await.map_err(failed::<B>)?;
        migrator::<B>().run_direct(None, &mut *transaction, false).await.map_err(script)?;
        return transaction.commit().await.map_err(failed::<B>);
    };
    if let Some(session) = B::MIGRATION_SESSION {
        connection.control(session).await.map_err(failed::<B>)?;
    }
    // The caller's deadline ends this loop.
    while !holds::<B>(connection, lock).await.map_err(failed::<B>)? {
        tokio::time::sleep(RETRY).await;
    }
    connection.ensure_migrations_table(MIGRATIONS).await.map_err(script)?;
    // We hold the lock, so the process that began the migration is gone. Its statements may be run again.
    connection.run(statement::forget_interrupted::<B>()).await.map_err(failed::<B>)?;
    migrator::<B>().run_direct(None, connection, false).await.map_err(script)
}

async fn holds<B: Backend>(connection: &mut B::Connection, lock: &'static str) -> Result<bool, sqlx::Error> {
    let held = connection.rows(Statement::fixed(lock)).await?;
    Ok(held.first().map(|row| row.int(0)).transpose()?.flatten() == Some(1))
}

/// Version and name of each migration that the database has. There are none if the table of migrations is missing.
pub(crate) async fn migrations<B: Backend>(pool: &Pool<B>) -> Result<Vec<(i64, String)>, StoreError> {
    let read = async {
        let rows = match pool.acquire().await?.rows(statement::applied::<B>()).await {
            Err(error) if error::class::<B>(&error) == Some(ErrorClass::Unmigrated) => Vec::new(),
            rows => rows?,
        };
        let row = |row: &<B::Connection as Driver>::Cells| {
            Ok((row.int(0)?.unwrap_or_default(), row.text(1)?.unwrap_or_default()))
        };
        rows.iter().map(row).collect::<Result<_, sqlx::Error>>()
    };
    read.await.map_err(failed::<B>)
}

fn failed<B: Backend>(error: sqlx::Error) -> StoreError {
    DbError::from(error).into_error::<B>("migrate")
}

/// Fails unless the tables are those of this version of the library.
pub(crate) async fn check<B: Backend>(connection: &mut B::Connection) -> Result<(), DbError> {
    let applied = connection.rows(statement::applied::<B>()).await?;
    let applied = applied.iter().map(|row| row.int(0)).collect::<Result<Vec<_>, _>>()?;
    let known = |version: &Option<i64>| B::MIGRATIONS.iter().any(|script| Some(script.version) == *version);
    let message = if !applied.iter().all(known) {
        NEWER
    } else if applied.len() < B::MIGRATIONS.len() {
        UNMIGRATED
    } else {
        return Ok(());
    };
    Err(DbError::Store(StoreError::new(StoreErrorKind::Corrupt, B::STORE, "open", message)))
}
