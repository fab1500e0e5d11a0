//! `referral migrate`

use referral_mongo::MongoStore;
use referral_mongo::mongodb::bson::{Bson, Document, doc};
use referral_mongo::schema::SCHEMA;
use referral_sql::SqlStore;
use referral_sql::backend::Backend;

use crate::args::MigrateArgs;
use crate::database::Database;
use crate::failure::Failure;
use crate::output::Output;

/// Brings the tables to this release, and prints what that took.
pub(crate) async fn run(args: &MigrateArgs, out: &mut Output) -> Result<(), Failure> {
    let new = match args.database.address()?.open_or_make().await? {
        Database::Memory(_) => return out.line("nothing to migrate: memory has no tables"),
        Database::Sled(_) => return out.line("nothing to migrate: sled has no tables"),
        Database::Sqlite(store) => migrate(&store).await?,
        Database::Postgres(store) => migrate(&store).await?,
        Database::MySql(store) => migrate(&store).await?,
        Database::Mongo(store) => migrate_mongo(&store).await?,
    };
    for line in &new {
        out.line(line)?;
    }
    if new.is_empty() { out.line("up to date") } else { Ok(()) }
}

async fn migrate<B: Backend>(store: &SqlStore<B>) -> Result<Vec<String>, Failure> {
    let before = store.migrations().await?;
    store.migrate().await?;
    let after = store.migrations().await?;
    store.close().await;
    let new = after.iter().filter(|migration| !before.contains(migration));
    Ok(new.map(|(version, name)| format!("applied {version:04} {name}")).collect())
}

async fn migrate_mongo(store: &MongoStore) -> Result<Vec<String>, Failure> {
    let before = made(store).await?;
    store.migrate().await?;
    let after = made(store).await?;
    Ok(after.into_iter().filter(|name| !before.contains(name)).map(|name| format!("made {name}")).collect())
}

/// The collections and indexes that the database has, by its own list.
async fn made(store: &MongoStore) -> Result<Vec<String>, Failure> {
    let list = store.database().collection::<Document>(SCHEMA).find_one(doc! {}).await.map_err(Box::new)?;
    let made = list.as_ref().and_then(|list| list.get_array("made").ok()).into_iter().flatten();
    Ok(made.filter_map(Bson::as_str).map(str::to_owned).collect())
}
