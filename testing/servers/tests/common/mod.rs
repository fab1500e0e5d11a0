//! Writing to servers, and looking for what they leave.

#![allow(dead_code, reason = "each test file takes what it needs")]

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mongodb::Collection;
use mongodb::bson::{Document, doc};
use mongodb::options::{Acknowledgment, ClientOptions, WriteConcern};
use referral_servers::{Folder, Missing};
use sqlx::{Connection as _, Executor as _, MySqlConnection, PgConnection};

/// A server, or a printed skip, which in strict mode is a failure.
pub(crate) fn have<T>(server: Result<T, Missing>) -> Option<T> {
    match server {
        Ok(server) => Some(server),
        Err(missing) => {
            let strict = std::env::var("REFERRAL_TESTKIT_STRICT").is_ok_and(|strict| strict == "1");
            assert!(!strict, "REFERRAL_TESTKIT_STRICT=1, and {missing}");
            eprintln!("skipped: {missing}");
            None
        }
    }
}

fn wait<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Writes one row more, and gives how many there are.
pub(crate) fn rows_of_postgres(url: &str) -> Result<i64, Error> {
    wait(async {
        let mut connection = PgConnection::connect(url).await?;
        connection.execute("CREATE TABLE IF NOT EXISTS t (n INT); INSERT INTO t VALUES (1)").await?;
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM t").fetch_one(&mut connection).await?)
    })
}

/// Writes one row more, and gives how many there are.
pub(crate) fn rows_of_mysql(url: &str) -> Result<i64, Error> {
    wait(async {
        let mut connection = MySqlConnection::connect(url).await?;
        connection.execute("CREATE TABLE IF NOT EXISTS t (n INT)").await?;
        connection.execute("INSERT INTO t VALUES (1)").await?;
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM t").fetch_one(&mut connection).await?)
    })
}

/// Writes documents one by one as fast as it can until that fails, and counts those that were acknowledged.
pub(crate) fn write_to_mongodb(url: &str, acknowledged: &AtomicU64) -> Result<(), Error> {
    wait(async {
        let collection = collection(url).await?;
        loop {
            collection.insert_one(doc! { "n": 1 }).await?;
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    })
}

/// How many documents there are.
pub(crate) fn documents_of_mongodb(url: &str) -> Result<u64, Error> {
    wait(async { Ok(collection(url).await?.count_documents(doc! {}).await?) })
}

async fn collection(url: &str) -> Result<Collection<Document>, Error> {
    let mut options = ClientOptions::parse(url).await?;
    options.server_selection_timeout = Some(Duration::from_secs(2));
    options.write_concern = Some(WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build());
    Ok(mongodb::Client::with_options(options)?.database("d").collection("c"))
}

/// Has a PostgreSQL do something that takes longer than any test, until its end.
pub(crate) fn keep_busy(url: &str) -> Result<(), Error> {
    wait(async {
        let mut connection = PgConnection::connect(url).await?;
        connection.execute("SELECT COUNT(*) FROM generate_series(1, 1000000000000)").await?;
        Ok(())
    })
}

/// How many other connections of a PostgreSQL are at work.
pub(crate) fn busy(url: &str) -> Result<i64, Error> {
    wait(async {
        let mut connection = PgConnection::connect(url).await?;
        let active = "SELECT COUNT(*) FROM pg_stat_activity \
            WHERE state = 'active' AND query LIKE '%generate_series%' AND pid <> pg_backend_pid()";
        Ok(sqlx::query_scalar(active).fetch_one(&mut connection).await?)
    })
}

/// The ids of the processes that know a folder by their environment or their arguments, or are in it.
pub(crate) fn processes_of(folder: &Folder) -> Vec<u32> {
    processes_with(&folder.path().display().to_string())
}

/// The ids of the processes that have a text in their environment, their arguments or their current folder. (Of
/// PostgreSQL's children only the last is left.)
pub(crate) fn processes_with(text: &str) -> Vec<u32> {
    let ids =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    ids.filter(|id| {
        let has = |file: &str| {
            let bytes = fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
            String::from_utf8_lossy(&bytes).contains(text)
        };
        let inside = fs::read_link(format!("/proc/{id}/cwd"))
            .is_ok_and(|cwd| cwd.display().to_string().contains(text));
        inside || has("environ") || has("cmdline")
    })
    .collect()
}
