//! A database of a test's own on a server that the environment names, dropped with its guard.

use referral_mongo::mongodb;
use referral_sql::sqlx::{self, AssertSqlSafe, Connection, Executor};
use url::Url;
use uuid::Uuid;

/// A kind of server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Server {
    /// The server of `REFERRAL_TEST_POSTGRES_URL`.
    Postgres,
    /// The server of `REFERRAL_TEST_MYSQL_URL`.
    MySql,
    /// The server of `REFERRAL_TEST_MONGODB_URL`.
    Mongo,
}

impl Server {
    const fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "REFERRAL_TEST_POSTGRES_URL",
            Self::MySql => "REFERRAL_TEST_MYSQL_URL",
            Self::Mongo => "REFERRAL_TEST_MONGODB_URL",
        }
    }

    async fn run(self, url: &str, sql: String) {
        match self {
            Self::Postgres => {
                let mut connection = sqlx::PgConnection::connect(url).await.expect("the server answers");
                connection.execute(AssertSqlSafe(sql)).await.expect("databases may be made");
            }
            Self::MySql => {
                let mut connection = sqlx::MySqlConnection::connect(url).await.expect("the server answers");
                connection.execute(AssertSqlSafe(sql)).await.expect("databases may be made");
            }
            // Made by whoever writes first.
            Self::Mongo => {}
        }
    }

    /// A new, empty database; without a server, says so, and in strict mode fails.
    #[allow(clippy::print_stderr)] // a skip has to be seen
    pub async fn database(self) -> Option<Database> {
        let Some(server) = std::env::var(self.variable()).ok().filter(|url| !url.is_empty()) else {
            let strict = std::env::var("REFERRAL_TESTKIT_STRICT").is_ok_and(|strict| strict == "1");
            assert!(!strict, "{} is not set, and REFERRAL_TESTKIT_STRICT=1", self.variable());
            eprintln!("skipped: {} is not set; scripts/test starts a throw-away server", self.variable());
            return None;
        };
        let name = format!("referral_test_{}", Uuid::new_v4().simple());
        self.run(&server, format!("CREATE DATABASE {name}")).await;
        let mut url: Url = server.parse().expect("the URL of the server");
        url.set_path(&name);
        if self == Self::Mongo {
            // Else the driver goes where the server says it is, and not where a proxy is.
            url.set_query(Some("directConnection=true"));
        }
        Some(Database { kind: self, server, url: url.into(), name })
    }
}

/// A database.
#[derive(Debug)]
pub struct Database {
    kind: Server,
    server: String,
    /// The URL of the database.
    pub url: String,
    /// Its name.
    pub name: String,
}

impl Drop for Database {
    fn drop(&mut self) {
        let (kind, server, url, name) = (self.kind, self.server.clone(), self.url.clone(), self.name.clone());
        let remove = async move {
            match kind {
                Server::Postgres => kind.run(&server, format!("DROP DATABASE {name} WITH (FORCE)")).await,
                Server::MySql => kind.run(&server, format!("DROP DATABASE {name}")).await,
                // Takes its time; a throw-away server goes as a whole.
                Server::Mongo if std::env::var_os("REFERRAL_TEST_MONGODB_KEEP").is_some() => {}
                Server::Mongo => {
                    let client = mongodb::Client::with_uri_str(&url).await.expect("the server answers");
                    client.database(&name).drop().await.expect("databases may be dropped");
                }
            }
        };
        // On a thread of its own: this may be dropped inside a runtime, or after it.
        let removed = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(remove);
        });
        assert!(removed.join().is_ok() || std::thread::panicking(), "{} was not removed", self.name);
    }
}
