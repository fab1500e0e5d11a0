//! A throw-away PostgreSQL.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::home::Home;
use crate::server::{Kind, Server, new_password, server};
use crate::{Folder, Missing, ask, process};

/// A PostgreSQL of one's own, ended and removed on drop. As durable as any: its settings are the usual ones, except
/// for 300 connections.
///
/// Its methods block. [The crate](crate) says what that means in async code.
#[derive(Debug)]
pub struct Postgres(Server<PostgresKind>);

impl Postgres {
    /// Makes a database cluster and starts a server on it, as `postgres` or `nobody` if this process is root's.
    /// Takes some seconds.
    ///
    /// # Errors
    ///
    /// There is no PostgreSQL on the machine, or it does not start.
    pub fn start(folder: &Folder) -> Result<Self, Missing> {
        let bin = find().ok_or_else(|| {
            let why = "no initdb and postgres on PATH or in /usr/lib/postgresql/*/bin";
            Missing::new(why, PostgresKind::REMEDY)
        })?;
        let broken = |error: io::Error| {
            Missing::new(format!("initdb in {} fails: {error}", bin.display()), PostgresKind::REMEDY)
        };
        let home = Home::for_user(folder, "postgres", &["postgres", "nobody"]).map_err(broken)?;
        let kind = PostgresKind { bin: bin.clone(), password: new_password() };
        kind.initialize(&home).map_err(|error| broken(error).with_log(home.last_words()))?;
        Server::start(kind, home).map(Self)
    }
}

server!(Postgres);

#[derive(Debug)]
struct PostgresKind {
    bin: PathBuf,
    password: String,
}

impl PostgresKind {
    fn initialize(&self, home: &Home) -> io::Result<()> {
        home.write("password", &self.password)?;
        home.run(home.command(&self.bin.join("initdb"))?.args([
            "-D",
            "data",
            "-U",
            "postgres",
            "--pwfile=password",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]))
    }
}

impl Kind for PostgresKind {
    const REMEDY: &str = "apt-get install postgresql, or set REFERRAL_TEST_POSTGRES_URL";
    // A piece of shared memory.
    const LEAVES_FILES_WHEN_KILLED: bool = true;

    fn command(&self, home: &Home, port: u16) -> io::Result<Command> {
        let mut command = home.command(&self.bin.join("postgres"))?;
        command.arg("-D").arg(home.join("data")).arg("-p").arg(port.to_string());
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300"] {
            command.args(["-c", setting]);
        }
        Ok(command)
    }

    fn url(&self, port: u16) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{port}/postgres", self.password)
    }

    fn ask(&self, port: u16) -> Result<String, String> {
        ask::postgres(&self.url(port))
    }

    /// Asks for an immediate shutdown, which does not wait for clients, and clears the shared memory away.
    fn end(&self, child: &mut Child) {
        process::send(child, Signal::SIGQUIT);
        if !process::ends_within(child, Duration::from_secs(30)) {
            process::crash(child);
        }
    }
}

/// Where initdb and postgres are. Debian keeps them off PATH, one folder for each major version.
fn find() -> Option<PathBuf> {
    let on_path = which::which("initdb").ok().and_then(|initdb| {
        // PATH may have links to some of them only.
        let beside = |path: &Path| path.parent().map(Path::to_owned);
        beside(&initdb).filter(|bin| complete(bin)).or_else(|| beside(&initdb.canonicalize().ok()?))
    });
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    debian.sort_by_key(|bin| std::cmp::Reverse(major(bin)));
    on_path.into_iter().chain(debian).find(|bin| complete(bin))
}

fn complete(bin: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| bin.join(program).is_file())
}

/// 15 for `/usr/lib/postgresql/15/bin`, and for the `9.6` of old 9.
fn major(bin: &Path) -> Option<u32> {
    bin.parent()?.file_name()?.to_str()?.split('.').next()?.parse().ok()
}
