//! What becomes of a folder and of the processes in it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests"
)]

mod common;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::{Command, Stdio};

use common::{have, processes_of, processes_with};
use referral_servers::{Folder, Postgres};

#[test]
fn a_removed_folder_leaves_no_process_and_no_file() {
    let folder = Folder::new().unwrap();
    let path = folder.path().display().to_string();
    // One that nobody ends, and one that does not let itself be asked, as after a crash of their parent.
    if let Some(server) = have(Postgres::start(&folder)) {
        std::mem::forget(server);
    }
    let mut stubborn = Command::new("sh")
        .args(["-c", "trap '' TERM; while :; do sleep 1; done"])
        .env("TMPDIR", folder.tmp())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(processes_of(&folder).contains(&stubborn.id()));
    folder.remove().unwrap();
    // Not even a zombie of ours is left to be found, but it is ours to bury.
    stubborn.wait().unwrap();
    assert_eq!(processes_with(&path), [0; 0]);
    assert!(!folder.path().exists());
    folder.remove().unwrap();
}

#[test]
fn a_dropped_server_is_removed_and_the_folder_stays_for_others() {
    let folder = Folder::new().unwrap();
    let entries = || std::fs::read_dir(folder.path()).unwrap().count();
    let before = entries();
    for killed in [false, true] {
        let Some(mut server) = have(Postgres::start(&folder)) else { return };
        assert_eq!(entries(), before + 1);
        if killed {
            server.kill();
        }
        let segments = shared_memory_of(&folder);
        drop(server);
        assert_eq!(processes_of(&folder), [0; 0]);
        assert_eq!(entries(), before);
        assert!(shared_memory().iter().all(|id| !segments.contains(id)), "killed: {killed}");
    }
}

/// The ids of all System V shared memory on the machine.
fn shared_memory() -> Vec<u64> {
    let table = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    table.lines().skip(1).map(|line| line.split_whitespace().nth(1).unwrap().parse().unwrap()).collect()
}

/// The id of the piece that the only PostgreSQL in a folder has noted.
fn shared_memory_of(folder: &Folder) -> Vec<u64> {
    let homes = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let notes = homes.filter_map(|home| std::fs::read_to_string(home.join("data/postmaster.pid")).ok());
    let ids: Vec<u64> = notes
        .map(|note| note.lines().nth(6).unwrap().split_whitespace().nth(1).unwrap().parse().unwrap())
        .collect();
    assert!(ids.iter().all(|id| shared_memory().contains(id)) && ids.len() == 1, "{ids:?}");
    ids
}

#[test]
fn others_may_pass_through_a_folder_but_not_look_into_it() {
    let folder = Folder::new().unwrap();
    assert_eq!(folder.path().metadata().unwrap().permissions().mode() & 0o7777, 0o711);
    assert_eq!(folder.tmp().metadata().unwrap().permissions().mode() & 0o7777, 0o1777);
    let Some(_server) = have(Postgres::start(&folder)) else { return };
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        if entry.path() != folder.tmp() {
            let metadata = entry.metadata().unwrap();
            assert_eq!(metadata.permissions().mode() & 0o777, 0o700);
            assert_ne!(metadata.uid(), 0, "a server of root's");
        }
    }
}
