//! What all servers have in common: being started on a free port, killed, started again, and ended.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rand::RngExt as _;

use crate::Missing;
use crate::home::Home;
use crate::process::{self, PAUSE};

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often another port is tried.
const PORTS: usize = 20;

/// A kind of database server.
pub(crate) trait Kind: Send {
    /// What to say to someone who has no such server.
    const REMEDY: &str;

    /// What serves the data in a home on a port.
    fn command(&self, home: &Home, port: u16) -> std::io::Result<Command>;

    /// Where clients find it.
    fn url(&self, port: u16) -> String;

    /// Asks the server for its name and version. An error while it does not answer, or does not take writes.
    fn ask(&self, port: u16) -> Result<String, String>;

    /// Ends a server that is about to be removed.
    fn end(&self, child: &mut Child) {
        process::crash(child);
    }

    /// Whether a killed server leaves something outside its home that it clears away when it is started again.
    const LEAVES_FILES_WHEN_KILLED: bool = false;
}

/// A server that is running, or was killed.
#[derive(Debug)]
pub(crate) struct Server<K: Kind> {
    pub(crate) kind: K,
    pub(crate) port: u16,
    pub(crate) url: String,
    pub(crate) version: String,
    child: Option<Child>,
    home: Home,
}

/// Why a server did not come up.
enum Failure {
    /// Somebody was quicker.
    PortTaken,
    Other(String),
}

impl<K: Kind> Server<K> {
    /// Starts a server whose data is in place.
    pub(crate) fn start(kind: K, home: Home) -> Result<Self, Missing> {
        let mut server =
            Self { kind, port: 0, url: String::new(), version: String::new(), child: None, home };
        let mut tries = PORTS;
        loop {
            tries = tries.saturating_sub(1);
            server.port = free_port();
            server.url = server.kind.url(server.port);
            match server.serve() {
                Ok(()) => return Ok(server),
                Err(Failure::PortTaken) if tries > 0 => {}
                Err(failure) => return Err(server.missing(&failure)),
            }
        }
    }

    /// Starts the server on its port and waits until it answers.
    fn serve(&mut self) -> Result<(), Failure> {
        self.home.clear_log();
        let spawned = self.kind.command(&self.home, self.port).and_then(|mut command| command.spawn());
        let mut child = spawned.map_err(|error| Failure::Other(error.to_string()))?;
        let start = Instant::now();
        loop {
            let answer = self.kind.ask(self.port);
            // An answer does not count if it came from somebody who has the port instead of the child.
            if !matches!(child.try_wait(), Ok(None)) {
                let taken = self.home.last_words().to_lowercase().contains("already in use");
                let ended = || Failure::Other("it ended by itself".to_owned());
                return Err(if taken { Failure::PortTaken } else { ended() });
            }
            match answer {
                Ok(version) => {
                    self.version = version;
                    self.child = Some(child);
                    return Ok(());
                }
                Err(error) if start.elapsed() > PATIENCE => {
                    process::crash(&mut child);
                    return Err(Failure::Other(format!("no answer in {} s: {error}", PATIENCE.as_secs())));
                }
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    fn missing(&self, failure: &Failure) -> Missing {
        let why = match failure {
            Failure::PortTaken => format!("port {} is taken", self.port),
            Failure::Other(why) => why.clone(),
        };
        Missing::new(format!("the server does not start ({why})"), K::REMEDY).with_log(self.home.last_words())
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            process::crash(&mut child);
        }
    }

    pub(crate) fn restart(&mut self) -> Result<(), Missing> {
        self.kill();
        let start = Instant::now();
        loop {
            match self.serve() {
                Ok(()) => return Ok(()),
                // Somebody's short-lived client, perhaps.
                Err(Failure::PortTaken) if start.elapsed() < PATIENCE => {}
                Err(failure) => return Err(self.missing(&failure)),
            }
        }
    }
}

impl<K: Kind> Drop for Server<K> {
    fn drop(&mut self) {
        if K::LEAVES_FILES_WHEN_KILLED && self.child.is_none() && !self.version.is_empty() {
            let _ = self.serve();
        }
        if let Some(mut child) = self.child.take() {
            self.kind.end(&mut child);
        }
    }
}

/// A port of the loopback interface that nobody has, outside the range from which the system takes ports by itself.
fn free_port() -> u16 {
    loop {
        let port = rand::rng().random_range(20_000..32_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A password that nobody guesses: the servers listen on loopback, where every user of the machine can reach them.
pub(crate) fn new_password() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// The methods that every server has.
macro_rules! server {
    ($name:ident) => {
        impl $name {
            /// Where clients find it, with user and password.
            pub fn url(&self) -> &str {
                &self.0.url
            }

            /// Its name and version, as the server tells it.
            pub fn version(&self) -> &str {
                &self.0.version
            }

            /// Its port of the loopback interface.
            pub fn port(&self) -> u16 {
                self.0.port
            }

            /// Kills it as a crash would: SIGKILL to all of its processes at once. Returns when they are gone. Its data
            /// stays. Does nothing if it was killed before.
            pub fn kill(&mut self) {
                self.0.kill();
            }

            /// Starts it again on the same port and data, and returns when it answers. A server that is still running
            /// is killed first.
            ///
            /// # Errors
            ///
            /// It does not come up within a minute. It can be tried again.
            pub fn restart(&mut self) -> Result<(), $crate::Missing> {
                self.0.restart()
            }
        }
    };
}
pub(crate) use server;
