//! A throw-away MongoDB, or what stands in for it.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use crate::home::Home;
use crate::server::{Kind, Server, server};
use crate::{Folder, Missing, ask, secantus};

/// A one-node MongoDB replica set of one's own, ended and removed on drop. Fail points are enabled.
///
/// It is the `mongod` of `REFERRAL_MONGOD`, or else of `PATH`. Where there is none, it is [a stand-in](Self::is_stand_in).
///
/// Its methods block. [The crate](crate) says what that means in async code.
#[derive(Debug)]
pub struct MongoDb(Server<MongoDbKind>);

impl MongoDb {
    /// Starts a server. The first time, the stand-in is installed into the `target` folder of the workspace, which
    /// takes half a minute and 145 MB.
    ///
    /// # Errors
    ///
    /// There is neither a `mongod` nor a Python to run the stand-in, or the server does not start.
    pub fn start(folder: &Folder) -> Result<Self, Missing> {
        let broken = |error: io::Error| Missing::new(error.to_string(), MongoDbKind::REMEDY);
        let home = Home::new(folder, "mongodb").map_err(broken)?;
        let kind = match mongod() {
            Some(program) => MongoDbKind::Mongod(program),
            None => MongoDbKind::Secantus(secantus::install(&home)?),
        };
        std::fs::create_dir(home.join("data")).map_err(broken)?;
        Server::start(kind, home).map(Self)
    }

    /// Whether this is SecantusDB instead of MongoDB: a program that speaks MongoDB's protocol on MongoDB's storage
    /// engine, with transactions, unique indexes and fail points, but of one node. What it proves of several nodes,
    /// of fail-over and of sharding is nothing.
    pub fn is_stand_in(&self) -> bool {
        matches!(self.0.kind, MongoDbKind::Secantus(_))
    }
}

server!(MongoDb);

/// With the program to start.
#[derive(Debug)]
enum MongoDbKind {
    Mongod(PathBuf),
    Secantus(PathBuf),
}

impl MongoDbKind {
    fn replica_set(&self) -> &'static str {
        match self {
            Self::Mongod(_) => "rs0",
            Self::Secantus(_) => "secantus",
        }
    }
}

impl Kind for MongoDbKind {
    const REMEDY: &str = secantus::REMEDY;

    fn command(&self, home: &Home, port: u16) -> io::Result<Command> {
        let data = home.join("data");
        let port = port.to_string();
        match self {
            Self::Mongod(program) => {
                let mut command = home.command(program)?;
                command.args(["--replSet", self.replica_set(), "--bind_ip", "127.0.0.1", "--port", &port]);
                command.arg("--dbpath").arg(data).arg("--nounixsocket");
                command.args(["--setParameter", "enableTestCommands=1"]);
                Ok(command)
            }
            Self::Secantus(program) => {
                let mut command = home.command(program)?;
                command.args(["--host", "127.0.0.1", "--port", &port, "--log-level", "WARNING"]);
                // Without --sync-on-commit it says "on the disk" when it is not.
                command.arg("--storage-path").arg(data).args(["--sync-on-commit", "--enable-test-commands"]);
                Ok(command)
            }
        }
    }

    fn url(&self, port: u16) -> String {
        format!("mongodb://127.0.0.1:{port}/?replicaSet={}", self.replica_set())
    }

    fn ask(&self, port: u16) -> Result<String, String> {
        match self {
            Self::Mongod(_) => {
                ask::initiate(port, self.replica_set())?;
                ask::mongodb(&self.url(port))
            }
            // What it calls its version is that of the MongoDB that it takes after.
            Self::Secantus(_) => {
                ask::mongodb(&self.url(port)).map(|_| format!("SecantusDB {} (stand-in)", secantus::VERSION))
            }
        }
    }
}

fn mongod() -> Option<PathBuf> {
    let named = std::env::var_os("REFERRAL_MONGOD").filter(|named| !named.is_empty());
    named.map(PathBuf::from).or_else(|| which::which("mongod").ok())
}
