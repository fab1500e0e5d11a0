//! A database of a test's own on a server that the environment names, dropped with its guard. The harnesses of the
//! stores make schemas beside each other; these tests want a URL of their own, to lead it over a proxy.

use referral_mongo::mongodb;
use referral_sql::sqlx::{self, AssertSqlSafe, Connection, Executor};
use referral_testkit::{Scratch, server_from_env, skip};
use url::Url;

/// A kind of server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServerKind {
    /// The server of `REFERRAL_TEST_POSTGRES_URL`.
    Postgres,
    /// The server of `REFERRAL_TEST_MYSQL_URL`.
    MySql,
    /// The server of `REFERRAL_TEST_MONGODB_URL`.
    Mongo,
}

impl ServerKind {
    const fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "REFERRAL_TEST_POSTGRES_URL",
            Self::MySql => "REFERRAL_TEST_MYSQL_URL",
            Self::Mongo => "REFERRAL_TEST_MONGODB_URL",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MySql => "mysql",
            Self::Mongo => "mongodb",
        }
    }

    async fn run(self, url: &str, sql: String) -> Result<(), sqlx::Error> {
        match self {
            Self::Postgres => {
                let mut connection = sqlx::PgConnection::connect(url).await?;
                connection.execute(AssertSqlSafe(sql)).await.map(drop)
            }
            Self::MySql => {
                let mut connection = sqlx::MySqlConnection::connect(url).await?;
                connection.execute(AssertSqlSafe(sql)).await.map(drop)
            }
            // Made by whoever writes first.
            Self::Mongo => Ok(()),
        }
    }

    async fn remove(
        self,
        server: String,
        name: String,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        match self {
            Self::Postgres => self.run(&server, format!("DROP DATABASE {name} WITH (FORCE)")).await?,
            Self::MySql => self.run(&server, format!("DROP DATABASE {name}")).await?,
            Self::Mongo => mongodb::Client::with_uri_str(&server).await?.database(&name).drop().await?,
        }
        Ok(())
    }

    /// A new, empty database; without a server, says so, and in strict mode fails.
    ///
    /// # Panics
    /// Where none can be made.
    pub async fn database(self) -> Option<Database> {
        let Some(server) = server_from_env(self.variable()) else {
            skip(self.name(), "run scripts/test, which starts a throw-away server");
            return None;
        };
        let name = Scratch::fresh_name();
        self.run(&server, format!("CREATE DATABASE {name}")).await.expect("databases may be made");
        let mut url: Url = server.parse().expect("the URL of the server");
        url.set_path(&name);
        if self == Self::Mongo {
            // Else the driver goes where the server says it is, and not where a proxy is.
            url.set_query(Some("directConnection=true"));
        }
        let scratch =
            Scratch::on_server(self.name(), &server, name.clone(), move |url, name| self.remove(url, name));
        // Dropping one takes its time there; a throw-away server goes as a whole.
        let kept = self == Self::Mongo && std::env::var_os("REFERRAL_TEST_MONGODB_KEEP").is_some();
        let scratch = if kept { scratch.kept() } else { scratch };
        Some(Database { url: url.into(), name, _scratch: scratch })
    }
}

/// A database.
#[derive(Debug)]
pub struct Database {
    /// The URL of the database.
    pub url: String,
    /// Its name.
    pub name: String,
    _scratch: Scratch,
}
