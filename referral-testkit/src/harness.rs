//! What a store author writes: how to open the store, open it again, and find it from another process.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use referral_core::memory::MemoryStore;
use referral_core::store::Store;

use crate::breakage::Breakage;

/// Opens stores for the suite. One value serves all cases, and each case opens a store of its own.
///
/// The set-up may panic if it fails: the case that asked for a store then fails with that message.
#[async_trait]
pub trait Harness: Send + Sync + 'static {
    /// The name of the store in reports.
    fn name(&self) -> &str;

    /// A sentence that says what to do where [`Harness::open`] gives `None`, such as `set REFERRAL_TEST_POSTGRES_URL to
    /// a server on which databases may be made`.
    fn setup(&self) -> &str;

    /// A fresh, empty store that nobody else can see. It is `None` where this machine has no such database.
    async fn open(&self) -> Option<Opened>;

    /// Opens the same data again, after every handle of the suite was dropped. A store that keeps nothing opens
    /// empty. It is `None` where this harness cannot do that; a store that says it is durable then fails the case.
    async fn reopen(&self, guard: Guard) -> Option<Opened>;

    /// The address at which another process finds this data, such as a path or a URL. A child process that will be
    /// killed gives it to [`Harness::attach`]. It is `None` for data that lives in one process only.
    fn address(&self, guard: &Guard) -> Option<String>;

    /// Opens the data at an address that the parent process opened. It is called in a child process.
    async fn attach(&self, address: &str) -> Option<Opened>;

    /// Whether what was written is still at its address when the process that wrote it has ended, whether or not the store
    /// says that it is durable. It is `true` if nothing is said. Where it is `false`, no process is killed.
    fn outlives_process(&self) -> bool {
        true
    }

    /// A fresh, empty store as [`Harness::open`] gives it, whose backend [`Harness::break_backend`] can break. A harness
    /// that needs a line or a disk of its own between the store and its database puts it in here.
    async fn open_breakable(&self) -> Option<Opened> {
        self.open().await
    }

    /// Breaks the backend of the data at this address, from now on, in this process; `None` mends it. Damage that is
    /// mended is undone. The harness uses means of the database for that: a trigger that refuses, a table that it takes
    /// away, a row that it overwrites, a line that it cuts.
    ///
    /// It is `false` where the harness cannot do that, which is the default. The cases that need it then pass, and their
    /// reports say what was not exercised.
    async fn break_backend(&self, _address: &str, _breakage: Option<Breakage>) -> bool {
        false
    }
}

/// What keeps a store's data alive and tells the harness where it is, such as a temporary folder or the name of a
/// database that is dropped at the end. It lives longer than the store.
pub type Guard = Box<dyn Any + Send>;

/// A store, and what keeps its data alive.
pub struct Opened {
    /// The store.
    pub store: Arc<dyn Store>,
    /// What keeps its data alive. It is dropped after the store.
    pub guard: Guard,
}

impl Opened {
    /// A store and its guard. The guard is `()` where there is nothing to keep.
    #[must_use]
    pub fn new(store: impl Store, guard: impl Any + Send) -> Self {
        Self { store: Arc::new(store), guard: Box::new(guard) }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("store", &self.store).finish_non_exhaustive()
    }
}

/// The harness of the reference store in memory. That store keeps nothing when it is closed, and its facts say so.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryHarness;

#[async_trait]
impl Harness for MemoryHarness {
    fn name(&self) -> &str {
        "memory"
    }

    fn setup(&self) -> &str {
        "nothing is needed"
    }

    async fn open(&self) -> Option<Opened> {
        Some(Opened::new(MemoryStore::new(), ()))
    }

    async fn reopen(&self, _: Guard) -> Option<Opened> {
        self.open().await
    }

    fn address(&self, _: &Guard) -> Option<String> {
        None
    }

    async fn attach(&self, _: &str) -> Option<Opened> {
        None
    }

    fn outlives_process(&self) -> bool {
        false
    }
}
