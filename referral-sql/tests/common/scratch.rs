//! A schema or database of a test's own on a given server, removed when its guard is dropped.

use referral_sql::{SqlStore, backend::Backend};
use sqlx::{AssertSqlSafe, Pool};

/// Where a test works.
pub(crate) struct Place {
    /// The server that the environment names.
    pub(crate) url: String,
    /// The schema or database.
    pub(crate) name: String,
    remove: fn(String, String),
}

impl Drop for Place {
    fn drop(&mut self) {
        // On a thread and a runtime of its own, because this may be dropped from within one or after it.
        let (url, name, remove) = (self.url.clone(), self.name.clone(), self.remove);
        let removed = std::thread::spawn(move || remove(url, name)).join();
        assert!(removed.is_ok() || std::thread::panicking(), "{} was not removed", self.name);
    }
}

/// The URL of a server to test on; without one, says so, and in strict mode fails.
fn url(variable: &str) -> Option<String> {
    match std::env::var(variable) {
        Ok(url) if !url.is_empty() => Some(url),
        _ => {
            let strict = std::env::var("REFERRAL_TESTKIT_STRICT").is_ok_and(|strict| strict == "1");
            assert!(!strict, "{variable} is not set, and REFERRAL_TESTKIT_STRICT=1");
            skip(variable);
            None
        }
    }
}

#[allow(clippy::print_stderr)] // a skip has to be seen
fn skip(variable: &str) {
    eprintln!("skipped: {variable} is not set");
}

fn place(url: String, remove: fn(String, String)) -> Place {
    Place { url, name: format!("referral_test_{:016x}", rand::random::<u64>()), remove }
}

async fn run<B: Backend>(url: &str, sql: String)
where
    for<'c> &'c mut B::Connection: sqlx::Executor<'c, Database = B>,
{
    let mut connection = <B::Connection as sqlx::Connection>::connect(url).await.expect("the server answers");
    sqlx::Executor::execute(&mut connection, AssertSqlSafe(sql)).await.expect("it may make and remove");
    sqlx::Connection::close(connection).await.ok();
}

fn wait(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

/// A schema of its own on the server of `REFERRAL_TEST_POSTGRES_URL`.
#[cfg(feature = "postgres")]
pub(crate) async fn postgres() -> Option<Place> {
    let remove = |url: String, name: String| {
        wait(async move { run::<sqlx::Postgres>(&url, format!("DROP SCHEMA {name} CASCADE")).await });
    };
    let place = place(url("REFERRAL_TEST_POSTGRES_URL")?, remove);
    run::<sqlx::Postgres>(&place.url, format!("CREATE SCHEMA {}", place.name)).await;
    Some(place)
}

/// A handle on a schema.
#[cfg(feature = "postgres")]
pub(crate) async fn on_postgres(url: &str, name: &str) -> SqlStore<sqlx::Postgres> {
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    let options = options.options([("search_path", name)]);
    let pool: Pool<_> =
        sqlx::pool::PoolOptions::new().max_connections(8).connect_with(options).await.unwrap();
    SqlStore::from_pool(pool).await.unwrap()
}

/// A database of its own on the server of `REFERRAL_TEST_MYSQL_URL`.
#[cfg(feature = "mysql")]
pub(crate) async fn mysql() -> Option<Place> {
    let remove = |url: String, name: String| {
        wait(async move { run::<sqlx::MySql>(&url, format!("DROP DATABASE {name}")).await });
    };
    let place = place(url("REFERRAL_TEST_MYSQL_URL")?, remove);
    run::<sqlx::MySql>(&place.url, format!("CREATE DATABASE {}", place.name)).await;
    Some(place)
}

/// A handle on a database.
#[cfg(feature = "mysql")]
pub(crate) async fn on_mysql(url: &str, name: &str) -> SqlStore<sqlx::MySql> {
    let options: sqlx::mysql::MySqlConnectOptions = url.parse().unwrap();
    let options = options.database(name);
    let pool: Pool<_> =
        sqlx::pool::PoolOptions::new().max_connections(8).connect_with(options).await.unwrap();
    SqlStore::from_pool(pool).await.unwrap()
}
