//! Opening the databases that the program knows.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use referral_core::memory::MemoryStore;
use referral_core::store::Store;
use referral_core::{KeyRing, Referrals, Tenant};
use referral_mongo::MongoStore;
use referral_sled::SledStore;
use referral_sql::sqlx::{Connection, MySqlConnection, PgConnection};
use referral_sql::{MySqlStore, PostgresStore, SqliteStore};

use crate::address::Address;
use crate::args::{DatabaseArgs, SiteArgs};
use crate::failure::Failure;

/// How long a server has for answering at all.
const ANSWER: Duration = Duration::from_secs(10);

/// An open database.
pub(crate) enum Database {
    Memory(MemoryStore),
    Sqlite(SqliteStore),
    Sled(SledStore),
    Postgres(PostgresStore),
    MySql(MySqlStore),
    Mongo(MongoStore),
}

impl Database {
    fn into_store(self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => Arc::new(store),
            Self::Sqlite(store) => Arc::new(store),
            Self::Sled(store) => Arc::new(store),
            Self::Postgres(store) => Arc::new(store),
            Self::MySql(store) => Arc::new(store),
            Self::Mongo(store) => Arc::new(store),
        }
    }
}

impl Address {
    /// Opens the database, which has to exist.
    async fn open(&self) -> Result<Database, Failure> {
        let (path, is_there) = match self {
            Self::Sqlite { path, .. } => (path, path.exists()),
            // The folder may exist for another reason. This is the file that sled makes in it.
            Self::Sled { path } => (path, path.join("db").exists()),
            _ => return self.open_or_make().await,
        };
        if is_there { self.open_or_make().await } else { Err(Failure::NoDatabase { path: path.clone() }) }
    }

    /// Opens the database. If there is no such file or folder, it is made.
    pub(crate) async fn open_or_make(&self) -> Result<Database, Failure> {
        Ok(match self {
            Self::Memory => Database::Memory(MemoryStore::new()),
            Self::Sqlite { url, .. } => Database::Sqlite(SqliteStore::open(Path::new(url)).await?),
            Self::Sled { path } => Database::Sled(SledStore::open(path).await?),
            Self::Postgres { url, options } => {
                let (host, port) = (options.get_host(), options.get_port());
                check_server::<PgConnection>(options, format!("{host}:{port}")).await?;
                Database::Postgres(PostgresStore::open(url).await?)
            }
            Self::MySql { url, options } => {
                let (host, port) = (options.get_host(), options.get_port());
                check_server::<MySqlConnection>(options, format!("{host}:{port}")).await?;
                Database::MySql(MySqlStore::open(url).await?)
            }
            Self::Mongo { url } => Database::Mongo(MongoStore::open(url).await?),
        })
    }
}

/// Connects once. A pool would ask a server that is not there again and again for half a minute.
async fn check_server<C: Connection>(options: &C::Options, server: String) -> Result<(), Failure> {
    let work = async { C::connect_with(options).await?.close().await };
    match tokio::time::timeout(ANSWER, work).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(source)) => Err(Failure::NoConnection { server, source }),
        Err(_) => Err(Failure::NoAnswer { server, seconds: ANSWER.as_secs() }),
    }
}

/// A facade over the database of these arguments.
pub(crate) async fn referrals(
    database: &DatabaseArgs,
    tenant: &Tenant,
    site: &SiteArgs,
) -> Result<Referrals, Failure> {
    let store = database.address()?.open().await?.into_store();
    // No command of this program signs anything, so it does not need the keys of the site.
    let keys = KeyRing::generate()?;
    // There is one caller, whose writes have nothing to be merged with, and nothing is read twice.
    let builder = Referrals::builder(store, keys, site.url_or_none())
        .with_tenant(tenant.clone())
        .with_group_commit(None)
        .with_cache(None);
    let builder = site.landing_hosts.iter().fold(builder, |builder, host| builder.with_landing_host(host));
    Ok(builder.build()?)
}
