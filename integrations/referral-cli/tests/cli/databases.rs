//! Every database that the program opens: its commands work there, conformance leaves nothing behind, and what is
//! wrong is told in one line without a password.

use std::process::Stdio;
use std::time::Duration;

use referral_mongo::harness::MongoHarness;
use referral_sled::SledStore;
use referral_sql::harness::{MySqlHarness, PostgresHarness};
use referral_sql::sqlx::{self, Connection, MySqlConnection, PgConnection};
use url::Url;

use crate::program::{Answer, Program, json, lines};

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work)
}

/// What the program answers about a database.
fn on(url: &str, args: &[&str]) -> Answer {
    let program = Program::new();
    let mut command = program.command(args);
    command.env("DATABASE_URL", url).output().unwrap().into()
}

fn ok(url: &str, args: &[&str]) -> String {
    let answer = on(url, args);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{args:?}: {}", answer.out);
    answer.out
}

/// An empty database is migrated, a link is made, and it is found again.
fn is_worked_on(url: &str, migrated: &str) {
    let first = ok(url, &["migrate"]);
    assert!(first.starts_with(migrated), "{first}");
    if !migrated.starts_with("nothing") {
        assert_eq!(ok(url, &["migrate"]), "up to date\n");
    }
    let made = json(&ok(url, &["link", "add", "--to", "/p/7", "--code", "Summer", "--format", "json"]));
    assert_eq!(lines(&ok(url, &["link", "list", "--format", "jsonl"])), [made]);
    let stats = json(&ok(url, &["stats", "Summer", "--format", "json"]));
    assert!(stats.is_object(), "{stats}");
    assert_eq!(on(url, &["responses"]).code, 0);
}

/// The suite works in places of its own and removes them, whether its cases pass or fail.
fn is_held_to_its_promises(url: &str, store: &str, places: impl Fn() -> Vec<String>) {
    let before = places();
    let out = ok(url, &["conformance", "points::", "counters::an_absent", "durability::a_killed"]);
    let (_, table) = out.split_once("GROUP ").unwrap();
    assert!(table.contains("\npoints ") && table.contains("\ndurability "), "{out}");
    assert!(table.contains(&format!("\n{store}: ")) && table.contains(" 0 failed, 0 skipped"), "{out}");
    are_removed(&before, &places);
    if cfg!(target_os = "linux") {
        let answer = fails_a_case(url);
        assert_eq!(answer.code, 1, "{}", answer.out);
        assert!(answer.out.contains("1 passed, 1 failed"), "{}", answer.out);
        assert!(
            answer.err.contains("durability::a_killed_process_keeps_what_it_acknowledged on "),
            "{}",
            answer.err
        );
        are_removed(&before, &places);
    }
}

/// Nothing is there that was not there before, but for what another test has made meanwhile: that goes away too.
fn are_removed(before: &[String], places: &impl Fn() -> Vec<String>) {
    let new: Vec<_> = places().into_iter().filter(|place| !before.contains(place)).collect();
    for _ in 0..300 {
        let now = places();
        if !new.iter().any(|place| now.contains(place)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("left behind: {new:?}");
}

/// Runs a copy of the program that is gone when the case of the killed process wants to start it again.
fn fails_a_case(url: &str) -> Answer {
    let program = Program::new();
    let copy = program.file().with_file_name("copy");
    std::fs::copy(env!("CARGO_BIN_EXE_referral"), &copy).unwrap();
    let mut command = std::process::Command::new(&copy);
    command.args(["conformance", "durability::a_killed", "points::nothing"]);
    command.env_clear().env("DATABASE_URL", url);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::fs::remove_file(&copy).unwrap();
    child.wait_with_output().unwrap().into()
}

/// A database in a folder: what is in the folder that it lies in.
fn files(program: &Program) -> Vec<String> {
    let entries = std::fs::read_dir(program.file().parent().unwrap()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn sqlite_is_opened_and_held_to_its_promises() {
    let program = Program::new();
    is_held_to_its_promises(&program.url(), "sqlite", || files(&program));
    is_worked_on(&program.url(), "applied 0001 link\n");
    is_held_to_its_promises(&program.url(), "sqlite", || files(&program));
}

#[test]
fn sled_is_opened_and_held_to_its_promises() {
    let program = Program::new();
    let url = format!("sled://{}", program.file().display());
    is_held_to_its_promises(&url, "sled", || files(&program));
    assert!(on(&url, &["link", "list"]).err.contains("there is no database at"));
    is_worked_on(&url, "nothing to migrate");
    is_held_to_its_promises(&url, "sled", || files(&program));
}

#[test]
fn sled_belongs_to_one_process() {
    let program = Program::new();
    let store = wait(SledStore::open(program.file())).unwrap();
    let told = wrong(&format!("sled://{}", program.file().display()), &["link", "list"]);
    assert!(told.contains("another process has this folder open"), "{told}");
    drop(store);
}

#[test]
fn postgres_is_opened_and_held_to_its_promises() {
    let harness = PostgresHarness::from_env();
    let Some(scratch) = wait(harness.make()) else { return };
    let given = harness.url().unwrap();
    let schemas = || {
        wait(async {
            let mut connection = PgConnection::connect(given).await.unwrap();
            let names = sqlx::query_scalar(
                "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'referral%' ORDER BY 1",
            );
            names.fetch_all(&mut connection).await.unwrap()
        })
    };
    is_held_to_its_promises(given, "postgres", schemas);
    let mut url = Url::parse(given).unwrap();
    url.query_pairs_mut().append_pair("options", &format!("-csearch_path={}", scratch.name()));
    is_worked_on(url.as_str(), "applied 0001 link\n");
    // Who may not make a schema is told so once.
    if wait(make_user(given, scratch.name())) {
        url.set_username(scratch.name()).unwrap();
        url.set_password(Some("secret")).unwrap();
        let told = wrong(url.as_str(), &["conformance"]);
        assert!(told.contains("no schema can be made: ") && told.contains("permission denied"), "{told}");
        wait(run(given, format!("DROP ROLE {}", scratch.name()))).unwrap();
    }
}

async fn run(url: &str, sql: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.map(drop)
}

#[allow(clippy::print_stdout, reason = "a skip has to be seen")]
async fn make_user(url: &str, name: &str) -> bool {
    let made = run(url, format!("CREATE ROLE {name} LOGIN PASSWORD 'secret'")).await;
    if let Err(error) = &made {
        println!("skipped: no user can be made: {error}");
    }
    made.is_ok()
}

#[test]
fn mysql_is_opened_and_held_to_its_promises() {
    let harness = MySqlHarness::from_env();
    let Some(scratch) = wait(harness.make()) else { return };
    let given = harness.url().unwrap();
    let databases = || {
        wait(async {
            let mut connection = MySqlConnection::connect(given).await.unwrap();
            let names = "SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata WHERE schema_name LIKE 'referral%' ORDER BY 1";
            sqlx::query_scalar(names).fetch_all(&mut connection).await.unwrap()
        })
    };
    is_held_to_its_promises(given, "mysql", databases);
    let mut url = Url::parse(&given.replacen("mysql:", "mariadb:", 1)).unwrap();
    url.set_path(scratch.name());
    is_worked_on(url.as_str(), "applied 0001 link\n");
    if url.password().is_some() {
        url.set_password(Some("secret")).unwrap();
        let told = wrong(url.as_str(), &["conformance"]);
        assert!(told.contains("no database can be made: ") && told.contains("Access denied"), "{told}");
        let told = wrong(url.as_str(), &["link", "list"]);
        assert!(told.contains("no connection to ") && told.contains("Access denied"), "{told}");
    }
}

#[test]
fn mongodb_is_opened_and_held_to_its_promises() {
    let harness = MongoHarness::from_env();
    let Some(scratch) = wait(harness.make()) else { return };
    let given = harness.url().unwrap();
    let databases = || {
        wait(async {
            let client = referral_mongo::mongodb::Client::with_uri_str(given).await.unwrap();
            let mut names = client.list_database_names().await.unwrap();
            client.shutdown().immediate(true).await;
            names.retain(|name| name.starts_with("referral"));
            names.sort();
            names
        })
    };
    is_held_to_its_promises(given, "mongodb", databases);
    is_worked_on(&in_database(given, scratch.name()), "made referral_");
}

/// The same address with this database in it. No [`Url`], because there may be several hosts.
fn in_database(url: &str, name: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let hosts = rest.split('/').next().unwrap();
    format!("{scheme}://{hosts}/{name}?{query}")
}

/// What is wrong, in one line and without the password.
fn wrong(url: &str, args: &[&str]) -> String {
    let answer = on(url, args);
    assert_eq!((answer.code, answer.out.as_str()), (1, ""), "{args:?}");
    assert_eq!(answer.err.lines().count(), 1, "{}", answer.err);
    assert!(!answer.err.contains("secret"), "{}", answer.err);
    answer.err
}

#[test]
fn a_server_that_is_not_there_is_told_once() {
    for url in [
        "postgres://ada:secret@127.0.0.1:1/shop",
        "mysql://ada:secret@127.0.0.1:1/shop",
        "mariadb://ada:secret@127.0.0.1:1/shop",
        "mongodb://ada:secret@127.0.0.1:1/shop?serverSelectionTimeoutMS=200",
    ] {
        for args in [&["conformance"][..], &["migrate"], &["link", "list"], &["responses"], &["stats", "abc"]]
        {
            let told = wrong(url, args);
            assert!(!told.contains("labels:"), "{told}");
        }
    }
}
