//! The stores that take part, and the servers that some of them need.

use std::any::Any;
use std::thread;

use referral_servers::{Folder, MariaDb, Missing, MongoDb, Postgres, ask};

use crate::list::List;
use crate::run::Run;

/// What versions the workspace is built with.
const LOCK: &str = include_str!("../../../../../Cargo.lock");

/// The stores that need a server.
pub(crate) const NAMES: [&str; 3] = ["postgres", "mysql", "mongodb"];

/// A store that needs a server.
struct Store {
    name: &'static str,
    /// Where the tests read the URL.
    variable: &'static str,
    start: fn(&Folder) -> Result<Own, Missing>,
    ask: fn(&str) -> Result<String, String>,
    /// What else the tests are told if the server is a throw-away one.
    hint: Option<&'static str>,
}

/// A throw-away server.
struct Own {
    url: String,
    version: String,
    /// Ends with this.
    server: Box<dyn Any + Send>,
}

/// A server that the tests can use.
pub(crate) struct Server {
    variables: Vec<(&'static str, String)>,
    _running: Option<Box<dyn Any + Send>>,
}

fn stores() -> [Store; 3] {
    let [postgres, mysql, mongodb] = NAMES;
    [
        Store {
            name: postgres,
            variable: "REFERRAL_TEST_POSTGRES_URL",
            start: |folder| {
                let server = Postgres::start(folder)?;
                Ok(Own {
                    url: server.url().to_owned(),
                    version: server.version().to_owned(),
                    server: Box::new(server),
                })
            },
            ask: ask::postgres,
            hint: None,
        },
        Store {
            name: mysql,
            variable: "REFERRAL_TEST_MYSQL_URL",
            start: |folder| {
                let server = MariaDb::start(folder)?;
                Ok(Own {
                    url: server.url().to_owned(),
                    version: server.version().to_owned(),
                    server: Box::new(server),
                })
            },
            ask: ask::mysql,
            hint: None,
        },
        Store {
            name: mongodb,
            variable: "REFERRAL_TEST_MONGODB_URL",
            start: |folder| {
                let server = MongoDb::start(folder)?;
                Ok(Own {
                    url: server.url().to_owned(),
                    version: server.version().to_owned(),
                    server: Box::new(server),
                })
            },
            ask: ask::mongodb,
            // The server goes as a whole, so nobody has to wait until it has dropped a database.
            hint: Some("REFERRAL_TEST_MONGODB_KEEP"),
        },
    ]
}

/// Lists the stores that need no server.
pub(crate) fn compiled_in(list: &mut List) {
    list.ran("memory", "a part of referral-core");
    list.ran("sqlite", &format!("SQLite of libsqlite3-sys {} (compiled in)", locked("libsqlite3-sys")));
    list.ran("sled", &format!("sled {} (compiled in)", locked("sled")));
}

/// The version of a package in the lock file.
fn locked(package: &str) -> &'static str {
    let mut lines = LOCK.lines();
    let name = format!("name = \"{package}\"");
    lines
        .find(|line| **line == name)
        .and_then(|_| lines.next()?.strip_prefix("version = \"")?.strip_suffix('"'))
        .unwrap_or("of unknown version")
}

/// Finds or starts the servers, all at once, and lists them. An empty `only` stands for all.
pub(crate) fn provide(run: &Run, list: &mut List, only: &[String]) -> Vec<Server> {
    let wanted = |store: &Store| only.is_empty() || only.iter().any(|name| name == store.name);
    let stores: Vec<Store> = stores().into_iter().filter(wanted).collect();
    let found: Vec<_> = thread::scope(|scope| {
        let starts: Vec<_> =
            stores.iter().map(|store| scope.spawn(|| provide_one(run.folder(), store))).collect();
        starts.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    let mut servers = Vec::new();
    for (store, found) in stores.iter().zip(found) {
        let found = found.unwrap_or_else(|_| {
            Err(Missing {
                why: "starting it failed".to_owned(),
                remedy: "see above".to_owned(),
                log: String::new(),
            })
        });
        run.unless_ending(|| match found {
            Ok((server, what)) => {
                list.ran(store.name, &what);
                servers.push(server);
            }
            Err(missing) => list.skipped(store.name, &missing),
        });
    }
    servers
}

fn provide_one(folder: &Folder, store: &Store) -> Result<(Server, String), Missing> {
    let variable = store.variable;
    if let Some(url) = std::env::var(variable).ok().filter(|url| !url.is_empty()) {
        let version = (store.ask)(&url).unwrap_or_else(|error| format!("unknown ({error})"));
        let what = format!("{version}, the server of {variable}");
        return Ok((Server { variables: Vec::new(), _running: None }, what));
    }
    let own = (store.start)(folder)?;
    let mut variables = vec![(variable, own.url)];
    variables.extend(store.hint.map(|hint| (hint, "1".to_owned())));
    Ok((Server { variables, _running: Some(own.server) }, format!("{}, a throw-away server", own.version)))
}

/// What the tests are told about the servers.
pub(crate) fn variables(servers: &[Server]) -> impl Iterator<Item = (&'static str, &str)> {
    servers.iter().flat_map(|server| server.variables.iter().map(|(name, value)| (*name, &**value)))
}
