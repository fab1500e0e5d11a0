//! What a store author writes: how to open, reopen and find a store.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use referral_core::memory::MemoryStore;
use referral_core::store::Store;

/// Opens stores for the suite. One value serves all cases; each case opens a store of its own.
///
/// Faults of the set-up may panic: the case that asked then fails with that message.
#[async_trait]
pub trait Harness: Send + Sync + 'static {
    /// What reports call this store.
    fn name(&self) -> &str;

    /// What to do where [`Harness::open`] gives `None`, as a sentence: `set REFERRAL_POSTGRES_URL to a server
    /// on which databases may be made`.
    fn setup(&self) -> &str;

    /// A fresh, empty store that nobody else can see; `None` where this machine has no such backend.
    async fn open(&self) -> Option<Opened>;

    /// The same data, after every handle that the suite had was dropped. A store that keeps nothing opens empty.
    /// `None` where this harness cannot do it; a store that says it is durable then fails the case.
    async fn reopen(&self, guard: Guard) -> Option<Opened>;

    /// Where another process finds this data: a path, a URL. Given to [`Harness::attach`] in a child process that
    /// is killed. `None` for what lives in one process only.
    fn address(&self, guard: &Guard) -> Option<String>;

    /// In a child process: the data that the parent opened, by its address.
    async fn attach(&self, address: &str) -> Option<Opened>;

    /// Makes every commit to the data at this address fail from now on that writes records and numbers, by the means of the
    /// database: a table is taken away, a disk is full. `false` where this harness cannot do that, as it is by default.
    async fn break_writes(&self, _address: &str) -> bool {
        false
    }
}

/// Whatever keeps a store's data alive, and tells the harness where it is: a temporary folder, the name of a
/// database that is dropped at the end. It outlives the store.
pub type Guard = Box<dyn Any + Send>;

/// A store, and what keeps its data alive.
pub struct Opened {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Dropped after it.
    pub guard: Guard,
}

impl Opened {
    /// A store and its guard; `()` where there is nothing to guard.
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

/// The reference store of core. Nothing survives it, and it says so.
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
}
