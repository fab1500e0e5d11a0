//! Servers of a test's own, to be killed and restarted.

use referral_servers::{Folder, MariaDb, Missing, MongoDb, Postgres};
use tokio::task::block_in_place;

use crate::run::strict;

/// A server of a test's own. Its methods may be called where a load is running on the same runtime.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    // Stands last, because it goes after the server in it.
    _folder: Folder,
}

#[derive(Debug)]
enum Kind {
    Postgres(Postgres),
    MariaDb(MariaDb),
    MongoDb(MongoDb),
}

/// Calls the same method of whichever server it is.
macro_rules! each {
    ($kind:expr, $server:ident => $call:expr) => {
        match $kind {
            Kind::Postgres($server) => $call,
            Kind::MariaDb($server) => $call,
            Kind::MongoDb($server) => $call,
        }
    };
}

impl Server {
    /// A PostgreSQL; `None`, and a line that says so, where there is none.
    ///
    /// # Panics
    /// Instead, in strict mode. So do the others.
    #[must_use]
    pub fn postgres() -> Option<Self> {
        Self::start(|folder| Postgres::start(folder).map(Kind::Postgres))
    }

    /// A MariaDB.
    #[must_use]
    pub fn mariadb() -> Option<Self> {
        Self::start(|folder| MariaDb::start(folder).map(Kind::MariaDb))
    }

    /// A MongoDB, or what stands in for it.
    #[must_use]
    pub fn mongodb() -> Option<Self> {
        Self::start(|folder| MongoDb::start(folder).map(Kind::MongoDb))
    }

    fn start(start: impl FnOnce(&Folder) -> Result<Kind, Missing>) -> Option<Self> {
        let folder = Folder::new().expect("a folder for the server");
        match block_in_place(|| start(&folder)) {
            Ok(kind) => Some(Self { kind, _folder: folder }),
            Err(missing) => {
                assert!(!strict(), "skipped, and that is not allowed: {missing}");
                println!("skipped: {missing}");
                None
            }
        }
    }

    /// Where clients find it.
    #[must_use]
    pub fn url(&self) -> String {
        each!(&self.kind, server => server.url().to_owned())
    }

    /// What it is.
    #[must_use]
    pub fn version(&self) -> String {
        each!(&self.kind, server => server.version().to_owned())
    }

    /// Kills it with all its processes.
    pub fn kill(&mut self) {
        block_in_place(|| each!(&mut self.kind, server => server.kill()));
    }

    /// Starts it again, on the same port and data; returns when it answers.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn restart(&mut self) {
        block_in_place(|| each!(&mut self.kind, server => server.restart()))
            .expect("the server starts again");
    }
}
