//! SQLite: each case has a file in its own folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use referral_core::store::StoreError;
use referral_testkit::{Breakage, FolderHarness, FolderStore, Scratch};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Sqlite, SqliteConnection};

use super::breakage::Script;
use crate::SqliteStore;
use crate::backend::Backend;

/// Opens each store in its own folder, in the file that [`sqlite_file`] names.
pub type SqliteHarness = FolderHarness<SqliteStore>;

/// How each folder is broken.
static BROKEN: Mutex<BTreeMap<PathBuf, Breakage>> = Mutex::new(BTreeMap::new());

/// The database file in a folder of [`SqliteHarness`].
#[must_use]
pub fn sqlite_file(scratch: &Scratch) -> PathBuf {
    file(Path::new(scratch.address()))
}

fn file(folder: &Path) -> PathBuf {
    folder.join("referral.db")
}

impl FolderStore for SqliteStore {
    const NAME: &'static str = Sqlite::STORE;

    async fn open_in(folder: PathBuf) -> Result<Self, StoreError> {
        Self::open(file(&folder)).await
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        self.migrate().await
    }

    async fn open_breakable_in(folder: PathBuf) -> Result<Self, StoreError> {
        let (new, used) = (folder.clone(), folder.clone());
        Self::open_with(file(&folder), |writer| {
            writer
                .after_connect(move |connection, _| Box::pin(limit(connection, new.clone())))
                .before_acquire(move |connection, _| {
                    let limited = limit(connection, used.clone());
                    Box::pin(async move { limited.await.map(|()| true) })
                })
        })
        .await
    }

    async fn break_in(folder: PathBuf, breakage: Option<Breakage>) -> bool {
        let before = {
            let mut broken = BROKEN.lock().unwrap_or_else(PoisonError::into_inner);
            match breakage {
                Some(breakage) => broken.insert(folder.clone(), breakage),
                None => broken.remove(&folder),
            }
        };
        let sql = match breakage {
            Some(breakage) => script(breakage).map(|script| script.breaks),
            None => before.and_then(script).map(|script| script.mends),
        };
        let Some(sql) = sql else { return breakage.is_none() };
        let options = SqliteConnectOptions::new().filename(file(&folder)).disable_statement_logging();
        let mut connection = SqliteConnection::connect_with(&options).await.expect("a second connection");
        Executor::execute(&mut connection, AssertSqlSafe(sql))
            .await
            .expect("the database is broken or mended");
        connection.close().await.is_ok()
    }
}

/// A file may have as many pages as it has, where the disk is said to be full.
async fn limit(connection: &mut SqliteConnection, folder: PathBuf) -> sqlx::Result<()> {
    let full = {
        let broken = BROKEN.lock().unwrap_or_else(PoisonError::into_inner);
        broken.get(&folder) == Some(&Breakage::Full)
    };
    let pages = if full { "PRAGMA max_page_count = 1" } else { "PRAGMA max_page_count = 4294967294" };
    connection.execute(pages).await.map(drop)
}

fn script(breakage: Breakage) -> Option<Script> {
    let triggers = |when: &str, does: &str| {
        let one =
            |(name, what)| format!("CREATE TRIGGER {name} {when} {what} ON referral_link BEGIN {does}; END;");
        [("broken_1", "INSERT"), ("broken_2", "UPDATE"), ("broken_3", "DELETE")].map(one).concat()
    };
    let mends = "DROP TRIGGER broken_1; DROP TRIGGER broken_2; DROP TRIGGER broken_3;";
    Some(match breakage {
        Breakage::Writes => Script::new(triggers("BEFORE", "SELECT RAISE(ABORT, 'broken')"), mends),
        // A key that refers to nothing is noticed by COMMIT.
        Breakage::Commit => Script::new(
            "CREATE TABLE broken (id INTEGER PRIMARY KEY,
                 refers INTEGER REFERENCES broken (id) DEFERRABLE INITIALLY DEFERRED);"
                .to_owned()
                + &triggers("AFTER", "INSERT INTO broken (refers) VALUES (0)"),
            format!("{mends} DROP TABLE broken"),
        ),
        // The connection that writes has the limit.
        Breakage::Full => Script::new("SELECT 1", "SELECT 1"),
        other => return Script::of(other, |one, other| format!("{one} || {other}")),
    })
}
