//! A throw-away MariaDB.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::home::Home;
use crate::server::{Kind, Server, new_password, server};
use crate::{Folder, Missing, ask};

/// A MariaDB of one's own, ended and removed on drop. As durable as any: its settings are the built-in ones, except
/// for 300 connections.
///
/// Its methods block. [The crate](crate) says what that means in async code.
#[derive(Debug)]
pub struct MariaDb(Server<MariaDbKind>);

impl MariaDb {
    /// Makes a data folder and starts a server on it, as `mysql` or `nobody` if this process is root's. Takes some
    /// seconds.
    ///
    /// # Errors
    ///
    /// There is no MariaDB on the machine, or it does not start.
    pub fn start(folder: &Folder) -> Result<Self, Missing> {
        let (server, install) = find().ok_or_else(|| {
            let why = "no mariadbd and mariadb-install-db on PATH or in /usr/sbin";
            Missing::new(why, MariaDbKind::REMEDY)
        })?;
        let broken = |error: io::Error| {
            Missing::new(format!("{} fails: {error}", install.display()), MariaDbKind::REMEDY)
        };
        let home = Home::for_user(folder, "mariadb", &["mysql", "nobody"]).map_err(broken)?;
        let kind = MariaDbKind { server, password: new_password() };
        kind.initialize(&home, &install).map_err(|error| broken(error).with_log(home.last_words()))?;
        Server::start(kind, home).map(Self)
    }
}

server!(MariaDb);

#[derive(Debug)]
struct MariaDbKind {
    server: PathBuf,
    password: String,
}

impl MariaDbKind {
    fn initialize(&self, home: &Home, install: &Path) -> io::Result<()> {
        // Run by the server at every start.
        let accounts = format!(
            "CREATE DATABASE IF NOT EXISTS referral CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;\n\
             CREATE USER IF NOT EXISTS referral@127.0.0.1 IDENTIFIED BY '{}';\n\
             GRANT ALL ON *.* TO referral@127.0.0.1;\n",
            self.password
        );
        home.write("init.sql", &accounts)?;
        let mut command = home.command(install)?;
        command.arg("--no-defaults").arg(option("--datadir", &home.join("data"))).arg("--skip-test-db");
        home.run(&mut command)
    }
}

impl Kind for MariaDbKind {
    const REMEDY: &str = "apt-get install mariadb-server, or set REFERRAL_TEST_MYSQL_URL";

    fn command(&self, home: &Home, port: u16) -> io::Result<Command> {
        let mut command = home.command(&self.server)?;
        command
            .arg("--no-defaults")
            .arg(option("--datadir", &home.join("data")))
            .arg(option("--socket", &home.join("socket")))
            .arg(option("--pid-file", &home.join("pid")))
            .arg(option("--init-file", &home.join("init.sql")))
            .arg(option("--tmpdir", home.tmp()))
            .arg("--bind-address=127.0.0.1")
            .arg(format!("--port={port}"))
            .arg("--skip-name-resolve")
            .arg("--max-connections=300");
        Ok(command)
    }

    fn url(&self, port: u16) -> String {
        format!("mysql://referral:{}@127.0.0.1:{port}/referral", self.password)
    }

    fn ask(&self, port: u16) -> Result<String, String> {
        ask::mysql(&self.url(port))
    }
}

fn option(name: &str, path: &Path) -> std::ffi::OsString {
    let mut option = std::ffi::OsString::from(name);
    option.push("=");
    option.push(path);
    option
}

/// The server and what makes its data folder. Debian keeps the server in a folder that is on root's PATH only.
fn find() -> Option<(PathBuf, PathBuf)> {
    let server = which::which("mariadbd").ok().or_else(|| {
        let sbin = ["/usr/sbin/mariadbd", "/usr/local/sbin/mariadbd"].map(PathBuf::from);
        sbin.into_iter().find(|path| path.is_file())
    })?;
    Some((server, which::which("mariadb-install-db").ok()?))
}
