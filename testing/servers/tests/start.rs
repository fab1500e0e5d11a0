//! Each server starts, answers, survives a kill with what it acknowledged, and leaves nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use common::{
    busy, documents_of_mongodb, have, keep_busy, processes_of, rows_of_mysql, rows_of_postgres,
    write_to_mongodb,
};
use referral_servers::{Folder, MariaDb, MongoDb, Postgres};

#[test]
fn a_killed_postgres_comes_back_with_what_it_acknowledged() {
    let folder = Folder::new().unwrap();
    let Some(mut server) = have(Postgres::start(&folder)) else { return };
    assert!(server.version().starts_with("PostgreSQL 1"), "{}", server.version());
    let (url, port) = (server.url().to_owned(), server.port());
    assert_eq!(rows_of_postgres(&url).unwrap(), 1);
    server.kill();
    assert!(rows_of_postgres(&url).is_err(), "nothing answers");
    assert_eq!(processes_of(&folder), [0; 0]);
    server.restart().unwrap();
    assert_eq!((server.url(), server.port()), (&*url, port));
    assert_eq!(rows_of_postgres(&url).unwrap(), 2);
}

#[test]
fn a_killed_mariadb_comes_back_with_what_it_acknowledged() {
    let folder = Folder::new().unwrap();
    let Some(mut server) = have(MariaDb::start(&folder)) else { return };
    assert!(server.version().starts_with("MariaDB 1"), "{}", server.version());
    let (url, port) = (server.url().to_owned(), server.port());
    assert_eq!(rows_of_mysql(&url).unwrap(), 1);
    server.kill();
    assert!(rows_of_mysql(&url).is_err(), "nothing answers");
    assert_eq!(processes_of(&folder), [0; 0]);
    server.restart().unwrap();
    assert_eq!((server.url(), server.port()), (&*url, port));
    assert_eq!(rows_of_mysql(&url).unwrap(), 2);
}

#[test]
fn a_killed_mongodb_comes_back_with_what_it_acknowledged() {
    let folder = Folder::new().unwrap();
    let Some(mut server) = have(MongoDb::start(&folder)) else { return };
    let name = if server.is_stand_in() { "SecantusDB " } else { "MongoDB " };
    assert!(server.version().starts_with(name), "{}", server.version());
    assert_eq!(server.version().ends_with(" (stand-in)"), server.is_stand_in());
    let (url, port) = (server.url().to_owned(), server.port());
    let acknowledged = Arc::new(AtomicU64::new(0));
    let load = std::thread::spawn({
        let (url, acknowledged) = (url.clone(), acknowledged.clone());
        move || write_to_mongodb(&url, &acknowledged).is_err()
    });
    while acknowledged.load(Relaxed) < 500 {
        assert!(!load.is_finished(), "the load ended by itself");
        std::thread::yield_now();
    }
    server.kill();
    assert!(load.join().unwrap(), "the load was cut off");
    assert!(documents_of_mongodb(&url).is_err(), "nothing answers");
    assert_eq!(processes_of(&folder), [0; 0]);
    server.restart().unwrap();
    assert_eq!((server.url(), server.port()), (&*url, port));
    let (acknowledged, found) = (acknowledged.load(Relaxed), documents_of_mongodb(&url).unwrap());
    assert!(found >= acknowledged, "{found} of {acknowledged} documents");
}

#[test]
fn a_kill_takes_the_busy_children_too() {
    let folder = Folder::new().unwrap();
    let Some(mut server) = have(Postgres::start(&folder)) else { return };
    let url = server.url().to_owned();
    // A busy child does not look whether its parent is still there.
    let query = std::thread::spawn({
        let url = url.clone();
        move || keep_busy(&url).is_err()
    });
    while busy(&url).unwrap() == 0 {
        assert!(!query.is_finished());
        std::thread::yield_now();
    }
    server.kill();
    assert_eq!(processes_of(&folder), [0; 0]);
    assert!(query.join().unwrap(), "the query was cut off");
    server.restart().unwrap();
}

#[tokio::test]
async fn servers_can_be_had_inside_a_runtime() {
    let folder = Folder::new().unwrap();
    let Some(mut server) = have(Postgres::start(&folder)) else { return };
    let server = tokio::task::spawn_blocking(move || server.restart().map(|()| server)).await.unwrap();
    drop(server.unwrap());
}
