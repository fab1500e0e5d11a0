//! The state that all clones of a store share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mongodb::bson::Document;
use mongodb::options::{Acknowledgment, WriteConcern};
use mongodb::{Client, Collection, Database};

use crate::error::Failure;
use crate::gate::Gate;
use crate::migrate;
use crate::retry::in_time;

/// How long a write waits for the majority.
const MAJORITY: Duration = Duration::from_secs(8);
pub(crate) struct Inner {
    pub(crate) client: Client,
    pub(crate) database: Database,
    /// Which stripe of a tally this handle adds to.
    pub(crate) writer: u8,
    pub(crate) gate: Arc<Gate>,
    pub(crate) timeout: Duration,
    pub(crate) migration_timeout: Duration,
    pub(crate) migrated: AtomicBool,
}

/// The write concern of this store: a majority of the servers acknowledges a write, each after it is in its journal
/// on disk.
pub(crate) fn durable() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Majority).journal(true).w_timeout(MAJORITY).build()
}

impl Inner {
    pub(crate) fn collection(&self, name: &str) -> Collection<Document> {
        self.database.collection(name)
    }

    /// Checks that the indexes exist, and remembers a good result.
    pub(crate) async fn check(&self) -> Result<(), Failure> {
        if !self.migrated.load(Ordering::Acquire) {
            in_time(self.timeout, migrate::check(&self.database)).await?;
            self.migrated.store(true, Ordering::Release);
        }
        Ok(())
    }
}
