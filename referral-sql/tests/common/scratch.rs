//! A schema or database of a test's own, beside the given one, removed afterwards.

use std::future::Future;

use referral_sql::SqlStore;
use referral_sql::backend::Backend;
use sqlx::{AssertSqlSafe, Pool};

/// A store in a place of its own.
pub(crate) struct Scratch<B: Backend> {
    pub(crate) store: SqlStore<B>,
    pub(crate) name: String,
    admin: Pool<B>,
    remove: String,
}

impl<B: Backend> Scratch<B>
where
    for<'c> &'c mut B::Connection: sqlx::Executor<'c, Database = B>,
{
    /// Runs a test on it, then removes it, also if the test failed.
    pub(crate) async fn run<F>(self, test: impl FnOnce(SqlStore<B>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let outcome = tokio::spawn(test(self.store.clone())).await;
        self.store.close().await;
        let mut connection = self.admin.acquire().await.unwrap();
        sqlx::Executor::execute(&mut *connection, AssertSqlSafe(self.remove)).await.unwrap();
        if let Err(failed) = outcome {
            std::panic::resume_unwind(failed.into_panic());
        }
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

fn name() -> String {
    format!("referral_test_{:016x}", rand::random::<u64>())
}

#[cfg(feature = "postgres")]
pub(crate) async fn postgres() -> Option<Scratch<sqlx::Postgres>> {
    use std::str::FromStr;

    let url = url("REFERRAL_TEST_POSTGRES_URL")?;
    let name = name();
    let admin = Pool::connect(&url).await.expect("the server of REFERRAL_TEST_POSTGRES_URL answers");
    let make = format!("CREATE SCHEMA {name}");
    sqlx::Executor::execute(&admin, AssertSqlSafe(make)).await.unwrap();
    let options = sqlx::postgres::PgConnectOptions::from_str(&url).unwrap().options([("search_path", &name)]);
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(8).connect_with(options).await.unwrap();
    let store = SqlStore::from_pool(pool).await.unwrap();
    Some(Scratch { store, remove: format!("DROP SCHEMA {name} CASCADE"), name, admin })
}

#[cfg(feature = "mysql")]
pub(crate) async fn mysql() -> Option<Scratch<sqlx::MySql>> {
    use std::str::FromStr;

    let url = url("REFERRAL_TEST_MYSQL_URL")?;
    let name = name();
    let admin = Pool::connect(&url).await.expect("the server of REFERRAL_TEST_MYSQL_URL answers");
    let make = format!("CREATE DATABASE {name}");
    sqlx::Executor::execute(&admin, AssertSqlSafe(make)).await.unwrap();
    let options = sqlx::mysql::MySqlConnectOptions::from_str(&url).unwrap().database(&name);
    let pool = sqlx::mysql::MySqlPoolOptions::new().max_connections(8).connect_with(options).await.unwrap();
    let store = SqlStore::from_pool(pool).await.unwrap();
    Some(Scratch { store, remove: format!("DROP DATABASE {name}"), name, admin })
}
