//! R15: a migration that is killed, wherever, and run again makes the same schema; a newer schema is refused; of many
//! who migrate at once, one does.
#![allow(clippy::unwrap_used, clippy::panic)] // to clippy, helpers are no tests

use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::future::join_all;
use referral_core::store::{Kind, Outcome, Store, StoreError, StoreErrorKind};
use referral_mongo::MongoStore;
use referral_mongo::mongodb::bson::{Document, doc};
use referral_mongo::mongodb::options::ClientOptions;
use referral_mongo::mongodb::{self, Client};
use referral_resilience::figures::report;
use referral_resilience::proxy::Proxy;
use referral_resilience::samples::{WHOLE, changeset};
use referral_resilience::scratch::ServerKind;
use referral_resilience::{catalogue, samples};
use referral_sled::SledStore;
use referral_sql::backend::Backend;
use referral_sql::sqlx::{self, AssertSqlSafe, MySql, Postgres, pool::PoolOptions};
use referral_sql::{MySqlStore, PostgresStore, SqlStore, SqliteStore};

/// What a child of this process does, and where: `sqlite 17 /tmp/x.db`.
const TASK: &str = "REFERRAL_RESILIENCE_TASK";

fn child(task: &str) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["the_child_of_another_test", "--exact", "--nocapture"]).env(TASK, task);
    child.stdout(Stdio::null()).stderr(Stdio::null());
    child
}

/// Not a test by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child_of_another_test() {
    let Ok(task) = std::env::var(TASK) else { return };
    let (what, place) = task.split_once(' ').unwrap();
    let four = 0..4;
    match what {
        "sled" => drop(SledStore::open(place).await.unwrap()),
        "sqlite" => {
            join_all(four.map(async |_| SqliteStore::open(place).await.unwrap().migrate().await.unwrap()))
                .await;
        }
        "postgres" => {
            join_all(four.map(async |_| PostgresStore::open(place).await.unwrap().migrate().await.unwrap()))
                .await;
        }
        "mysql" => {
            join_all(four.map(async |_| MySqlStore::open(place).await.unwrap().migrate().await.unwrap()))
                .await;
        }
        "mongodb" => {
            join_all(four.map(async |_| MongoStore::open(place).await.unwrap().migrate().await.unwrap()))
                .await;
        }
        steps => sqlite_until(steps.parse().unwrap(), place).await,
    }
}

/// How many steps of SQLite's machine are one step here.
const STEPS: i32 = 25;

/// Migrates, and dies at a step of SQLite's own machine.
async fn sqlite_until(step: u64, file: &str) {
    let store = SqliteStore::open(file).await.unwrap();
    let mut left = step;
    let mut connection = store.pool().acquire().await.unwrap();
    connection.lock_handle().await.unwrap().set_progress_handler(STEPS, move || {
        if left == 0 {
            std::process::abort();
        }
        left -= 1;
        true
    });
    // The one connection that writes.
    drop(connection);
    store.migrate().await.unwrap();
}

async fn works(store: &dyn Store) {
    let answer = store.commit(&[changeset(1)]).await.remove(0);
    assert_eq!(answer.unwrap(), Outcome::Applied);
    assert_eq!(samples::parts(store, 1).await.unwrap(), WHOLE);
}

fn tell(name: &str, kills: usize, schema: &[String]) {
    assert!(kills > 3, "{name}: {kills} kills");
    report(
        "R15",
        name,
        &[
            ("killed at", format!("{kills} places")),
            ("lines of schema that differ after", "0".into()),
            ("of", schema.len().to_string()),
        ],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_migration_of_sqlite_is_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: u64| folder.path().join(format!("{name}.db"));
    let whole = SqliteStore::open(file(u64::MAX)).await.unwrap();
    whole.migrate().await.unwrap();
    let schema = catalogue::sqlite(whole.pool()).await;
    let mut kills = 0;
    let mut step = 0;
    loop {
        let task = format!("{step} {}", file(step).display());
        let died = !child(&task).status().unwrap().success();
        let store = SqliteStore::open(file(step)).await.unwrap();
        store.migrate().await.unwrap();
        assert_eq!(catalogue::sqlite(store.pool()).await, schema, "killed at step {step}");
        works(&store).await;
        if !died {
            break;
        }
        kills += 1;
        step += 1 + step / 24;
    }
    tell("sqlite", kills, &schema);
}

/// sled has no migrations; opening makes what is needed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_first_opening_of_sled_is_done_again() {
    let parent = tempfile::tempdir().unwrap();
    let mut died = 0;
    for turn in 0..30 {
        let folder = parent.path().join(turn.to_string());
        let mut child = child(&format!("sled {}", folder.display())).spawn().unwrap();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        // From before there is anything to when it is all there.
        while !folder.exists() && tokio::time::Instant::now() < deadline {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_micros(turn * 150)).await;
        child.kill().unwrap();
        died += usize::from(!child.wait().unwrap().success());
        works(&SledStore::open(folder).await.unwrap()).await;
    }
    assert!(died > 3, "{died}");
    report("R15", "sled", &[("killed while opening", died.to_string()), ("opened again", died.to_string())]);
}

/// Migrates over a line that is cut after one chunk, after two, and so on, each time from nothing.
async fn cut<B: Backend>(
    name: &str,
    url: &str,
    direct: &SqlStore<B>,
    reset: impl AsyncFn(),
    catalogue: impl AsyncFn() -> Vec<String>,
) {
    direct.migrate().await.unwrap();
    let schema = catalogue().await;
    let (proxy, url) = Proxy::before(url).await;
    for chunks in 1.. {
        reset().await;
        proxy.speak();
        let options = PoolOptions::<B>::new().max_connections(1).test_before_acquire(false);
        let store = SqlStore::from_pool(options.connect(&url).await.unwrap()).await.unwrap();
        // Until it is back in its pool, so that no chunk of its way there is counted.
        while store.pool().num_idle() == 0 {
            tokio::task::yield_now().await;
        }
        proxy.cut_after(chunks);
        let done = store.migrate().await;
        direct.migrate().await.unwrap();
        assert_eq!(catalogue().await, schema, "cut after {chunks} chunks");
        // Whose connection knows the tables that are gone.
        let fresh = SqlStore::from_pool(direct.pool().clone()).await.unwrap();
        works(&fresh).await;
        match done {
            Ok(()) if !proxy.is_cut() => return tell(name, chunks as usize - 1, &schema),
            // Through, but for the farewell.
            Ok(()) => {}
            Err(error) => {
                let kinds = [StoreErrorKind::Unavailable, StoreErrorKind::Other];
                assert!(kinds.contains(&error.kind()), "{error:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_migration_of_postgres_is_run_again() {
    let Some(database) = ServerKind::Postgres.database().await else { return };
    let direct = PostgresStore::open(&database.url).await.unwrap();
    let pool = direct.pool();
    let reset = async || {
        sqlx::raw_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public").execute(pool).await.unwrap();
    };
    cut::<Postgres>("postgres", &database.url, &direct, reset, async || catalogue::postgres(pool).await)
        .await;
    direct.close().await;
}

/// Drops every table of ours.
fn drop_tables() -> String {
    let tables = Kind::ALL.iter().map(|kind| format!("referral_{}", kind.name()));
    let tables: Vec<_> = tables.chain(["referral_counter".to_owned()]).collect();
    format!("DROP TABLE IF EXISTS {}", tables.join(", "))
}

/// The statements of all migrations of MySQL, in their order.
fn statements() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../referral-sql/migrations/mysql");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let scripts = files.into_iter().map(|file| std::fs::read_to_string(file).unwrap());
    let statements =
        scripts.flat_map(|script| script.split_inclusive(");\n").map(str::to_owned).collect::<Vec<_>>());
    statements.filter(|statement| statement.contains("CREATE TABLE")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_migration_of_mysql_is_run_again() {
    let Some(database) = ServerKind::MySql.database().await else { return };
    let direct = MySqlStore::open(&database.url).await.unwrap();
    let pool = direct.pool();
    let reset = async || {
        sqlx::raw_sql(AssertSqlSafe(drop_tables())).execute(pool).await.unwrap();
        sqlx::raw_sql("DROP TABLE IF EXISTS _referral_migrations").execute(pool).await.unwrap();
    };
    cut::<MySql>("mysql", &database.url, &direct, reset, async || catalogue::mysql(pool).await).await;
    // All statements go over the line at once, and MySQL commits each by itself: what a server leaves that dies between
    // two of them.
    let schema = catalogue::mysql(pool).await;
    let statements = statements();
    assert_eq!(statements.len(), Kind::ALL.len() + 1, "a table for each kind, and one for the numbers");
    for there in 0..=statements.len() {
        sqlx::raw_sql(AssertSqlSafe(drop_tables())).execute(pool).await.unwrap();
        sqlx::raw_sql("UPDATE _referral_migrations SET success = FALSE").execute(pool).await.unwrap();
        for statement in statements.iter().take(there) {
            sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(pool).await.unwrap();
        }
        direct.migrate().await.unwrap();
        assert_eq!(catalogue::mysql(pool).await, schema, "killed after {there} statements");
    }
    direct.close().await;
}

async fn mongo(url: &str) -> (Client, mongodb::Database, MongoStore) {
    let mut options = ClientOptions::parse(url).await.unwrap();
    options.server_selection_timeout = Some(Duration::from_millis(300));
    options.heartbeat_freq = Some(Duration::from_millis(500));
    let name = options.default_database.clone().unwrap();
    let client = Client::with_options(options).unwrap();
    let store = MongoStore::with_client(client.clone(), &name).await.unwrap();
    (client.clone(), client.database(&name), store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_migration_of_mongodb_is_run_again() {
    let Some(database) = ServerKind::Mongo.database().await else { return };
    let (_, names, direct) = mongo(&database.url).await;
    direct.migrate().await.unwrap();
    let schema = catalogue::mongodb(&names).await;
    let (proxy, url) = Proxy::before(&database.url).await;
    let mut kills = 0;
    for chunks in 1.. {
        names.drop().await.unwrap();
        proxy.speak();
        let (client, _, store) = mongo(&url).await;
        proxy.cut_after(chunks);
        let done = store.migrate().await;
        let was_cut = proxy.is_cut();
        client.shutdown().immediate(true).await;
        direct.migrate().await.unwrap();
        assert_eq!(catalogue::mongodb(&names).await, schema, "cut after {chunks} chunks");
        match done {
            Ok(()) if !was_cut => break,
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}"),
        }
        kills += 1;
    }
    tell("mongodb", kills, &schema);
    works(&direct).await;
}

/// Two other processes, four times each, and this one, eight times, all at once.
async fn many(name: &str, place: &str, migrate: impl AsyncFn() -> Result<(), StoreError>) {
    let others: Vec<_> = (0..2).map(|_| child(&format!("{name} {place}")).spawn().unwrap()).collect();
    for done in join_all((0..8).map(|_| migrate())).await {
        done.unwrap();
    }
    for mut other in others {
        let ended = tokio::task::spawn_blocking(move || other.wait().unwrap());
        assert!(ended.await.unwrap().success(), "{name}: another process failed");
    }
}

fn tell_many(name: &str, applied: usize, migrations: usize) {
    let figures =
        [("migrated at once", "16 in 3 processes".into()), ("migrations applied", applied.to_string())];
    report("R15", name, &figures);
    assert_eq!(applied, migrations, "each migration is applied once");
}

/// A migration for each kind, and one for the numbers.
const SCRIPTS: usize = Kind::ALL.len() + 1;

fn migrations(schema: &[String]) -> usize {
    schema.iter().filter(|line| line.starts_with("migration ")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_migrate_at_once_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("referral.db");
    let place = file.display().to_string();
    many("sqlite", &place, async || SqliteStore::open(&file).await?.migrate().await).await;
    let store = SqliteStore::open(&file).await.unwrap();
    tell_many("sqlite", migrations(&catalogue::sqlite(store.pool()).await), SCRIPTS);
    works(&store).await;
    if let Some(database) = ServerKind::Postgres.database().await {
        let url = &database.url;
        many("postgres", url, async || PostgresStore::open(url).await?.migrate().await).await;
        let store = PostgresStore::open(url).await.unwrap();
        tell_many("postgres", migrations(&catalogue::postgres(store.pool()).await), SCRIPTS);
        works(&store).await;
        store.close().await;
    }
    if let Some(database) = ServerKind::MySql.database().await {
        let url = &database.url;
        many("mysql", url, async || MySqlStore::open(url).await?.migrate().await).await;
        let store = MySqlStore::open(url).await.unwrap();
        tell_many("mysql", migrations(&catalogue::mysql(store.pool()).await), SCRIPTS);
        works(&store).await;
        store.close().await;
    }
    if let Some(database) = ServerKind::Mongo.database().await {
        let url = &database.url;
        many("mongodb", url, async || MongoStore::open(url).await?.migrate().await).await;
        let store = MongoStore::open(url).await.unwrap();
        // Making twice what is there already is nothing there.
        let schemas = store.database().collection::<Document>("referral_schema");
        tell_many("mongodb", schemas.count_documents(doc! {}).await.unwrap() as usize, 1);
        works(&store).await;
    }
}

async fn refuses(name: &str, old: &dyn Store, migrate: Result<(), StoreError>) {
    let read = old.get(&samples::ids(1)).await.unwrap_err();
    let write = old.commit(&[changeset(1)]).await.remove(0).unwrap_err();
    for error in [read, write, migrate.unwrap_err()] {
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{name}");
        assert!(error.to_string().contains("newer than this library"), "{error}");
    }
    report("R15", name, &[("a newer schema", "refused".into())]);
}

/// What a later version of the library leaves in the table of migrations.
const LATER: &str =
    "INSERT INTO _referral_migrations (version, description, success, checksum, execution_time)
    VALUES (999, 'later', TRUE, '', 0)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_library_refuses_a_newer_schema() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("referral.db");
    let store = SqliteStore::open(&file).await.unwrap();
    store.migrate().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(LATER.replace("''", "x''"))).execute(store.pool()).await.unwrap();
    let old = SqliteStore::open(&file).await.unwrap();
    refuses("sqlite", &old, old.migrate().await).await;
    if let Some(database) = ServerKind::Postgres.database().await {
        let store = PostgresStore::open(&database.url).await.unwrap();
        store.migrate().await.unwrap();
        sqlx::raw_sql(LATER).execute(store.pool()).await.unwrap();
        let old = PostgresStore::open(&database.url).await.unwrap();
        refuses("postgres", &old, old.migrate().await).await;
    }
    if let Some(database) = ServerKind::MySql.database().await {
        let store = MySqlStore::open(&database.url).await.unwrap();
        store.migrate().await.unwrap();
        sqlx::raw_sql(LATER).execute(store.pool()).await.unwrap();
        let old = MySqlStore::open(&database.url).await.unwrap();
        refuses("mysql", &old, old.migrate().await).await;
    }
    if let Some(database) = ServerKind::Mongo.database().await {
        let store = MongoStore::open(&database.url).await.unwrap();
        store.migrate().await.unwrap();
        let schemas = store.database().collection::<Document>("referral_schema");
        schemas.update_one(doc! {}, doc! { "$inc": { "format": 1 } }).await.unwrap();
        let old = MongoStore::open(&database.url).await.unwrap();
        refuses("mongodb", &old, old.migrate().await).await;
    }
}
