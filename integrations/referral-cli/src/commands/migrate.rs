//! `referral migrate`

use referral_sql::SqliteStore;
use referral_sql::sqlx::{self, Row};

use crate::args::MigrateArgs;
use crate::database::Address;
use crate::failure::Failure;
use crate::output::Output;

/// Brings the tables to this release, and prints what that took.
pub(crate) async fn run(args: &MigrateArgs, out: &mut Output) -> Result<(), Failure> {
    let Address::Sqlite { url, .. } = args.database.address()? else {
        return out.line("nothing to migrate: memory has no tables");
    };
    let store = SqliteStore::open(&url).await?;
    let before = applied(&store).await?;
    store.migrate().await?;
    let after = applied(&store).await?;
    store.close().await;
    let new = after.iter().filter(|migration| !before.contains(migration));
    let mut up_to_date = true;
    for (version, name) in new {
        up_to_date = false;
        out.line(&format!("applied {version:04} {name}"))?;
    }
    if up_to_date { out.line("up to date") } else { Ok(()) }
}

/// Which migrations the database has, by its own books; none where there are no books yet.
async fn applied(store: &SqliteStore) -> Result<Vec<(i64, String)>, Failure> {
    const BOOKS: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_referral_migrations'";
    const ROWS: &str = "SELECT version, description FROM _referral_migrations WHERE success ORDER BY version";
    if sqlx::query(BOOKS).fetch_optional(store.pool()).await?.is_none() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(ROWS).fetch_all(store.pool()).await?;
    let read = |row: &sqlx::sqlite::SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?));
    rows.iter().map(read).collect::<Result<_, sqlx::Error>>().map_err(Failure::Books)
}
