//! PostgreSQL and MySQL: each case has its own schema or database on a given server.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use referral_core::store::{StoreError, StoreErrorKind};
use referral_testkit::{Breakage, Guard, Harness, Line, Opened, Scratch, async_trait, server_from_env, skip};
#[cfg(feature = "mysql")]
use sqlx::mysql::MySqlSslMode;
#[cfg(feature = "postgres")]
use sqlx::postgres::PgSslMode;
use sqlx::{AssertSqlSafe, Connection, Executor};

use super::breakage::Script;
use crate::SqlStore;
use crate::backend::Backend;
use crate::error::{DbError, opening};

/// How long to wait for an answer of the server when a schema or database is made or removed.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The connections of each store. They are few because the suite has many stores open at once.
const CONNECTIONS: u32 = 8;
/// How long a call may wait for a connection and for its answer. It is long because the suite makes a thousand
/// calls at once, perhaps on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What differs between the servers. Sealed, as [`Backend`] is.
pub trait Server: Backend {
    /// The environment variable that holds the URL for [`ServerHarness::from_env`].
    const VARIABLE: &'static str;

    #[doc(hidden)]
    const SETUP: &'static str;

    /// What each case gets: a schema or a database.
    #[doc(hidden)]
    const PLACE: &'static str;

    /// The SQL before the name in the statement that makes it, and around the name in the one that removes it.
    #[doc(hidden)]
    const MAKE: &'static str;
    #[doc(hidden)]
    const REMOVE: (&'static str, &'static str);

    /// Runs a statement on its own connection, outside the schema or database of any case. `refused` is the message
    /// of the error if the server refuses the statement.
    #[doc(hidden)]
    fn run(url: &str, sql: String, refused: String) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Opens the store in the schema or database of this name, as users open one. Where there is a line to the server, it
    /// is opened over that.
    #[doc(hidden)]
    fn connect(
        url: &str,
        name: &str,
        line: Option<&Line>,
    ) -> impl Future<Output = Result<SqlStore<Self>, StoreError>> + Send;

    /// Host and port of the server, for a [`Line`]. It is `None` for a socket, and for a server that insists on TLS.
    #[doc(hidden)]
    fn reached_at(url: &str) -> Option<String>;

    /// The statement that makes a schema or database the current one, without its name.
    #[doc(hidden)]
    const USE: &'static str;

    /// COMMIT as it goes over the line, and nothing else does.
    #[doc(hidden)]
    const COMMIT: &'static str;

    /// What breaks the tables, and mends them.
    #[doc(hidden)]
    fn script(breakage: Breakage) -> Option<Script>;
}

/// [`ServerHarness`] on PostgreSQL. Each store has its own schema in the database of the URL.
#[cfg(feature = "postgres")]
pub type PostgresHarness = ServerHarness<sqlx::Postgres>;
/// [`ServerHarness`] on MySQL or MariaDB. Each store has its own database.
#[cfg(feature = "mysql")]
pub type MySqlHarness = ServerHarness<sqlx::MySql>;

/// Opens each store in its own schema or database on one server. It is removed when the guard is dropped.
///
/// The user of the URL must be allowed to make them. That is `CREATE` on the database in PostgreSQL, and all
/// privileges on `` `referral\_test\_%`.* `` in MySQL.
pub struct ServerHarness<B> {
    url: Option<String>,
    backend: PhantomData<fn() -> B>,
}

impl<B: Server> ServerHarness<B> {
    /// Uses the server of a URL.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), backend: PhantomData }
    }

    /// Uses the server that the variable [`Server::VARIABLE`] names. Without it, every case is skipped.
    #[must_use]
    pub fn from_env() -> Self {
        Self { url: server_from_env(B::VARIABLE), backend: PhantomData }
    }

    /// The URL of the server, if there is one.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Makes a new schema or database, without tables. It is `None` if no server is named; a line on standard
    /// output then says that the test is skipped.
    ///
    /// # Panics
    /// If it cannot be made, or if no server is named and `REFERRAL_TESTKIT_STRICT=1`.
    pub async fn make(&self) -> Option<Scratch> {
        let Some(url) = self.url() else {
            skip(B::STORE, B::SETUP);
            return None;
        };
        Some(place::<B>(url).await.expect("a place of its own on the server"))
    }

    /// Opens a store in what [`ServerHarness::make`] made, with its own connections.
    ///
    /// # Errors
    /// The same as those of `SqlStore::open`.
    pub async fn at(&self, scratch: &Scratch) -> Result<SqlStore<B>, StoreError> {
        at(scratch.address()).await
    }

    /// Opens an empty store with its tables. The guard beside it removes them. It is `None` if no server is named;
    /// a line on standard output then says that the test is skipped.
    ///
    /// # Panics
    /// If the store cannot be opened, or if no server is named and `REFERRAL_TESTKIT_STRICT=1`.
    pub async fn scratch(&self) -> Option<(SqlStore<B>, Scratch)> {
        let scratch = self.make().await?;
        Some((self.migrated(&scratch).await.expect("the store opens"), scratch))
    }

    /// Opens a store and removes it, so that a problem with the server is reported once and not by every case.
    ///
    /// # Errors
    /// `Invalid` for text that is not a URL; `Unavailable` if the server does not answer within ten seconds; any
    /// error of the database if it cannot make or remove something.
    pub async fn check(&self) -> Result<(), StoreError> {
        let url = self.url();
        let url =
            url.ok_or_else(|| StoreError::new(StoreErrorKind::Unavailable, B::STORE, "open", B::SETUP))?;
        let scratch = place::<B>(url).await?;
        self.migrated(&scratch).await?.close().await;
        scratch.remove()
    }

    async fn migrated(&self, scratch: &Scratch) -> Result<SqlStore<B>, StoreError> {
        let store = self.at(scratch).await?;
        store.migrate().await?;
        Ok(store)
    }
}

impl<B> Clone for ServerHarness<B> {
    fn clone(&self) -> Self {
        Self { url: self.url.clone(), backend: PhantomData }
    }
}

impl<B: Server> fmt::Debug for ServerHarness<B> {
    /// Leaves the URL out, because it may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHarness").field("backend", &B::STORE).finish_non_exhaustive()
    }
}

async fn place<B: Server>(url: &str) -> Result<Scratch, StoreError> {
    let name = Scratch::fresh_name();
    B::run(url, format!("{} {name}", B::MAKE), format!("no {} can be made", B::PLACE)).await?;
    let (before, behind) = B::REMOVE;
    Ok(Scratch::on_server(B::STORE, url, name, move |url, name| async move {
        let refused = format!("the {} {name} cannot be removed", B::PLACE);
        B::run(&url, format!("{before} {name} {behind}"), refused).await
    }))
}

async fn at<B: Server>(address: &str) -> Result<SqlStore<B>, StoreError> {
    over::<B>(address, None).await
}

async fn over<B: Server>(address: &str, line: Option<&Line>) -> Result<SqlStore<B>, StoreError> {
    let (name, url) = Scratch::split(address).ok_or_else(|| {
        StoreError::new(StoreErrorKind::Invalid, B::STORE, "open", "no address of this harness")
    })?;
    B::connect(url, name, line).await
}

#[async_trait]
impl<B: Server> Harness for ServerHarness<B> {
    fn name(&self) -> &str {
        B::STORE
    }

    fn setup(&self) -> &str {
        B::SETUP
    }

    async fn open(&self) -> Option<Opened> {
        let scratch = place::<B>(self.url()?).await.expect("a place of its own on the server");
        Some(Opened::new(self.migrated(&scratch).await.expect("the store opens"), scratch))
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let scratch = Scratch::from_guard(guard)?;
        Some(Opened::new(self.at(&scratch).await.expect("the store opens again"), scratch))
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        Some(Scratch::of(guard)?.address().to_owned())
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        Some(Opened::new(at::<B>(address).await.expect("the parent's store opens"), ()))
    }

    async fn open_breakable(&self) -> Option<Opened> {
        let url = self.url()?;
        let scratch = place::<B>(url).await.expect("a place of its own on the server");
        let broken = Arc::new(Broken::to(B::reached_at(url)));
        let store = over::<B>(scratch.address(), broken.line.as_ref()).await.expect("the store opens");
        store.migrate().await.expect("the tables are made");
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).insert(scratch.address().into(), broken.clone());
        Some(Opened::new(store, scratch.with(broken)))
    }

    async fn break_backend(&self, address: &str, breakage: Option<Breakage>) -> bool {
        let found = OPEN.lock().unwrap_or_else(PoisonError::into_inner).get(address).cloned();
        let (Some(broken), Some((name, url))) = (found, Scratch::split(address)) else { return false };
        let Some(breakage) = breakage else {
            if let Some(line) = &broken.line {
                line.mend();
            }
            if let Some(mends) = broken.change(None) {
                B::run(url, format!("{} {name}; {mends}", B::USE), "it cannot be mended".into())
                    .await
                    .expect("the tables are mended");
            }
            return true;
        };
        if let Some(script) = B::script(breakage) {
            broken.change(Some(script.mends));
            B::run(url, format!("{} {name}; {}", B::USE, script.breaks), "it cannot be broken".into())
                .await
                .expect("the tables are broken");
            return true;
        }
        let Some(line) = &broken.line else { return false };
        match breakage {
            Breakage::Commit => line.cut_before(B::COMMIT),
            Breakage::CommitAnswer => line.cut_after(B::COMMIT),
            Breakage::Unreachable => line.cut(),
            _ => return false,
        }
        true
    }
}

/// The stores that can be broken, by their addresses.
static OPEN: Mutex<BTreeMap<String, Arc<Broken>>> = Mutex::new(BTreeMap::new());

/// What can break a store, and has to be mended.
struct Broken {
    line: Option<Line>,
    /// The statements that mend the tables, where they are broken.
    mends: Mutex<Option<String>>,
}

impl Broken {
    fn to(server: Option<String>) -> Self {
        let line = server.map(|server| Line::to(server).expect("a line to the server"));
        Self { line, mends: Mutex::new(None) }
    }

    fn change(&self, mends: Option<String>) -> Option<String> {
        std::mem::replace(&mut *self.mends.lock().unwrap_or_else(PoisonError::into_inner), mends)
    }
}

/// The `where` clause is needed because [`Backend`] does not imply bounds on a reference, such as `&mut
/// PgConnection`.
async fn run<B: Server>(
    options: &<B::Connection as Connection>::Options,
    server: String,
    sql: String,
    refused: String,
) -> Result<(), StoreError>
where
    for<'c> &'c mut B::Connection: Executor<'c, Database = B>,
{
    let work = async {
        let mut connection = B::Connection::connect_with(options).await?;
        Executor::execute(&mut connection, AssertSqlSafe(sql)).await?;
        connection.close().await
    };
    match tokio::time::timeout(ANSWER_TIMEOUT, work).await {
        Ok(Err(sqlx::Error::Database(error))) => {
            let message = format!("{refused}: {server}");
            Err(StoreError::new(StoreErrorKind::Other, B::STORE, "open", message)
                .with_source(error.into_error()))
        }
        Ok(done) => done.map_err(|error| opening::<B>(error, server)),
        Err(_) => {
            let message = format!("no answer within {} seconds: {server}", ANSWER_TIMEOUT.as_secs());
            Err(StoreError::new(StoreErrorKind::Unavailable, B::STORE, "open", message))
        }
    }
}

fn invalid<B: Backend>(error: sqlx::Error) -> StoreError {
    DbError::from(error).into_error::<B>("open")
}

#[cfg(feature = "postgres")]
impl Server for sqlx::Postgres {
    const VARIABLE: &'static str = "REFERRAL_TEST_POSTGRES_URL";
    const SETUP: &'static str = "set REFERRAL_TEST_POSTGRES_URL to a database in which schemas may be made, or in \
        Referral's own repository run scripts/test, which starts a throw-away server";
    const PLACE: &'static str = "schema";
    const MAKE: &'static str = "CREATE SCHEMA";
    const REMOVE: (&'static str, &'static str) = ("DROP SCHEMA", "CASCADE");
    const USE: &'static str = "SET search_path TO";
    const COMMIT: &'static str = "COMMIT\0";

    async fn run(url: &str, sql: String, refused: String) -> Result<(), StoreError> {
        let options: sqlx::postgres::PgConnectOptions = url.parse().map_err(invalid::<Self>)?;
        run::<Self>(&options, crate::open::postgres::place(&options), sql, refused).await
    }

    async fn connect(url: &str, name: &str, line: Option<&Line>) -> Result<SqlStore<Self>, StoreError> {
        let mut options: sqlx::postgres::PgConnectOptions = url.parse().map_err(invalid::<Self>)?;
        if let Some(at) = line.map(Line::address) {
            options = options.host(&at.ip().to_string()).port(at.port()).ssl_mode(PgSslMode::Disable);
        }
        let pool = SqlStore::<Self>::pool_options().max_connections(CONNECTIONS).acquire_timeout(TIMEOUT);
        let options = options.options([("search_path", name)]);
        Ok(SqlStore::<Self>::connect(pool, options).await?.with_timeout(TIMEOUT))
    }

    fn reached_at(url: &str) -> Option<String> {
        let options: sqlx::postgres::PgConnectOptions = url.parse().ok()?;
        let plain =
            matches!(options.get_ssl_mode(), PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer);
        let remote = plain && options.get_socket().is_none() && !options.get_host().starts_with('/');
        remote.then(|| format!("{}:{}", options.get_host(), options.get_port()))
    }

    fn script(breakage: Breakage) -> Option<Script> {
        let trigger = |trigger: &str, when: &str, each: &str, code: &str| {
            let breaks = format!(
                "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'broken' USING ERRCODE = TG_ARGV[0]; END $$;
                 CREATE {trigger} broken {when} INSERT OR UPDATE OR DELETE ON referral_link {each}
                 FOR EACH ROW EXECUTE FUNCTION broken('{code}')"
            );
            Script::new(breaks, "DROP TRIGGER broken ON referral_link; DROP FUNCTION broken()")
        };
        Some(match breakage {
            // raise_exception
            Breakage::Writes => trigger("TRIGGER", "BEFORE", "", "P0001"),
            // disk_full
            Breakage::Full => trigger("TRIGGER", "BEFORE", "", "53100"),
            // statement_completion_unknown
            Breakage::Commit => {
                trigger("CONSTRAINT TRIGGER", "AFTER", "DEFERRABLE INITIALLY DEFERRED", "40003")
            }
            other => return Script::of(other, |one, other| format!("{one} || {other}")),
        })
    }
}

#[cfg(feature = "mysql")]
impl Server for sqlx::MySql {
    const VARIABLE: &'static str = "REFERRAL_TEST_MYSQL_URL";
    const SETUP: &'static str = "set REFERRAL_TEST_MYSQL_URL to a server on which databases may be made, or in \
        Referral's own repository run scripts/test, which starts a throw-away one";
    const PLACE: &'static str = "database";
    const MAKE: &'static str = "CREATE DATABASE";
    const REMOVE: (&'static str, &'static str) = ("DROP DATABASE", "");
    const USE: &'static str = "USE";
    const COMMIT: &'static str = "\u{3}COMMIT";

    async fn run(url: &str, sql: String, refused: String) -> Result<(), StoreError> {
        let options: sqlx::mysql::MySqlConnectOptions = url.parse().map_err(invalid::<Self>)?;
        run::<Self>(&options, crate::open::mysql::place(&options), sql, refused).await
    }

    async fn connect(url: &str, name: &str, line: Option<&Line>) -> Result<SqlStore<Self>, StoreError> {
        let mut options: sqlx::mysql::MySqlConnectOptions = url.parse().map_err(invalid::<Self>)?;
        if let Some(at) = line.map(Line::address) {
            options = options.host(&at.ip().to_string()).port(at.port()).ssl_mode(MySqlSslMode::Disabled);
        }
        let pool = SqlStore::<Self>::pool_options().max_connections(CONNECTIONS).acquire_timeout(TIMEOUT);
        Ok(SqlStore::<Self>::connect(pool, options.database(name)).await?.with_timeout(TIMEOUT))
    }

    fn reached_at(url: &str) -> Option<String> {
        let options: sqlx::mysql::MySqlConnectOptions = url.parse().ok()?;
        let plain = matches!(options.get_ssl_mode(), MySqlSslMode::Disabled | MySqlSslMode::Preferred);
        let remote = plain && options.get_socket().is_none();
        remote.then(|| format!("{}:{}", options.get_host(), options.get_port()))
    }

    fn script(breakage: Breakage) -> Option<Script> {
        let triggers = |number: u16| {
            let one = |(name, what)| {
                format!(
                    "CREATE TRIGGER {name} BEFORE {what} ON referral_link FOR EACH ROW
                     SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'broken';"
                )
            };
            let breaks = [("broken_1", "INSERT"), ("broken_2", "UPDATE"), ("broken_3", "DELETE")].map(one);
            Script::new(
                breaks.concat(),
                "DROP TRIGGER broken_1; DROP TRIGGER broken_2; DROP TRIGGER broken_3",
            )
        };
        Some(match breakage {
            // Unhandled user-defined exception
            Breakage::Writes => triggers(1644),
            // The table is full
            Breakage::Full => triggers(1114),
            // A longer part has no room in its column; this is no text.
            Breakage::DamagedNumbers => Script::new(
                "UPDATE referral_counter SET part2 = CONCAT(part2, x'FF')",
                "UPDATE referral_counter SET part2 = LEFT(part2, LENGTH(part2) - 1) WHERE RIGHT(part2, 1) = x'FF'",
            ),
            other => return Script::of(other, |one, other| format!("CONCAT({one}, {other})")),
        })
    }
}
