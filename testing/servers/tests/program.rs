//! The program that `scripts/test` hands over to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests"
)]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::processes_with;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const PATIENCE: Duration = Duration::from_secs(30);

/// The program, without what this test's own environment names.
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_referral-servers"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["POSTGRES", "MYSQL", "MONGODB"] {
        command.env_remove(format!("REFERRAL_TEST_{name}_URL"));
    }
    command.env_remove("REFERRAL_TESTKIT_STRICT").env_remove("REFERRAL_MONGOD");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn output(command: &mut Command) -> (Output, String, String) {
    let output = command.output().unwrap();
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    (output, out, error)
}

#[test]
fn standard_output_and_status_are_the_commands() {
    let script = "echo \"$TMPDIR\"; exit 7";
    let (output, out, error) = output(&mut program(&["run", "--", "sh", "-c", script]));
    assert_eq!(output.status.code(), Some(7), "{error}");
    let tmp = PathBuf::from(out.trim());
    assert_eq!(tmp.file_name().unwrap(), "tmp");
    assert!(!tmp.parent().unwrap().exists());
    let list: Vec<&str> = error.lines().filter(|line| !line.starts_with("    |")).collect();
    assert_eq!(list.len(), 4, "{error}");
    for (line, name) in list.iter().skip(1).zip(["postgres", "mysql", "mongodb"]) {
        assert!(line.starts_with(&format!("  {name}")), "{error}");
        assert!(line.contains("a throw-away server") || line.contains("SKIPPED: "), "{error}");
    }
}

#[test]
fn a_command_that_is_not_there_is_told_as_a_shell_would() {
    let (output, _, error) = output(&mut program(&["run", "--only", "postgres", "--", "/no/such/program"]));
    assert_eq!(output.status.code(), Some(127));
    assert!(error.contains("/no/such/program"), "{error}");
}

#[test]
fn strict_mode_refuses_to_skip() {
    let run = || {
        let mut command = program(&["run", "--only", "mongodb", "--", "echo", "ran"]);
        command.env("REFERRAL_MONGOD", "/no/such/mongod");
        command
    };
    let (lenient, out, error) = output(&mut run());
    assert_eq!((lenient.status.code(), out.as_str()), (Some(0), "ran\n"), "{error}");
    assert!(
        error.contains("  mongodb   SKIPPED: ") && error.contains("REFERRAL_TEST_MONGODB_URL"),
        "{error}"
    );
    let (strict, out, error) = output(run().env("REFERRAL_TESTKIT_STRICT", "1"));
    assert_eq!((strict.status.code(), out.as_str()), (Some(1), ""), "{error}");
    assert!(error.contains("REFERRAL_TESTKIT_STRICT=1, and these would be skipped: mongodb"), "{error}");
}

#[test]
fn a_server_of_the_environment_wins() {
    let url = "postgres://nobody@127.0.0.1:1/none";
    let script = "echo $REFERRAL_TEST_POSTGRES_URL; ls $TMPDIR/..";
    let mut command = program(&["run", "--only", "postgres", "--", "sh", "-c", script]);
    let (output, out, error) = output(command.env("REFERRAL_TEST_POSTGRES_URL", url));
    assert!(output.status.success(), "{error}");
    assert_eq!(out, format!("{url}\ntmp\n"), "nothing else was started");
    assert!(error.contains("the server of REFERRAL_TEST_POSTGRES_URL"), "{error}");
}

#[test]
fn a_mongod_on_the_path_comes_before_the_stand_in() {
    let folder = tempfile::tempdir().unwrap();
    let mongod = folder.path().join("mongod");
    fs::write(&mongod, "#!/bin/sh\necho \"asked for $*\"\nexit 3\n").unwrap();
    fs::set_permissions(&mongod, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = program(&["run", "--only", "mongodb", "--", "true"]);
    let (output, _, error) = output(command.env("PATH", format!("{}:{path}", folder.path().display())));
    assert!(output.status.success());
    assert!(error.contains("| asked for --replSet rs0 --bind_ip 127.0.0.1 --port "), "{error}");
    assert!(error.contains("enableTestCommands=1"), "{error}");
}

/// A run of all servers that would never end, and its folder.
fn endless() -> (Child, PathBuf) {
    // The background process has lost its parent when it is looked for.
    let script = "(sleep 1000 &); echo \"$TMPDIR\"; exec sleep 1000";
    let mut child = program(&["run", "--", "sh", "-c", script])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let folder = Path::new(line.trim()).parent().unwrap().to_owned();
    assert!(processes_with(&folder.display().to_string()).len() >= 2, "{}", folder.display());
    (child, folder)
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
}

fn nothing_is_left(folder: &Path) -> bool {
    !folder.exists() && processes_with(&folder.display().to_string()).is_empty()
}

#[test]
fn a_signal_ends_everything_before_the_program_ends() {
    for (signal, status) in [(Signal::SIGHUP, 129), (Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let (mut child, folder) = endless();
        send(&child, signal);
        // An impatient second one must not leave half of it behind.
        send(&child, signal);
        assert_eq!(child.wait().unwrap().code(), Some(status));
        assert!(nothing_is_left(&folder), "after {signal}");
    }
}

#[test]
fn a_killed_program_leaves_nothing() {
    let (mut child, folder) = endless();
    send(&child, Signal::SIGKILL);
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    let start = Instant::now();
    while !nothing_is_left(&folder) {
        assert!(start.elapsed() < PATIENCE, "{:?}", processes_with(&folder.display().to_string()));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_signal_while_servers_start_ends_them_too() {
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut child = program(&["run", "--", "echo", "ran"])
        .env("TMPDIR", place.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // As soon as there is a folder of a server's, it is being started.
    let start = Instant::now();
    let folder = loop {
        let folders = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path());
        let begun =
            folders.into_iter().find(|folder| fs::read_dir(folder).is_ok_and(|inside| inside.count() > 1));
        if let Some(folder) = begun {
            break folder;
        }
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(1));
    };
    send(&child, Signal::SIGINT);
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(nothing_is_left(&folder));
    assert_eq!(std::io::read_to_string(child.stdout.take().unwrap()).unwrap(), "");
}
