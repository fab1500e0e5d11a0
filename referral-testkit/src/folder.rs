//! The harness of every store that lives in files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{BoxFuture, FutureExt as _};
use referral_core::store::{Store, StoreError};

use crate::breakage::Breakage;
use crate::harness::{Guard, Harness, Opened};
use crate::scratch::Scratch;

/// A store that lives in a folder and has one way to open it. A crate implements this for its store and gets
/// [`FolderHarness::new`].
pub trait FolderStore: Store + Sized {
    /// What reports call it.
    const NAME: &'static str;

    /// Opens what is in the folder, or begins there.
    fn open_in(folder: PathBuf) -> impl Future<Output = Result<Self, StoreError>> + Send;

    /// What a new store needs before it is used: its tables.
    fn prepare(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Ok(()) }
    }

    /// Opens what is in the folder so that [`FolderStore::break_in`] can break it.
    fn open_breakable_in(folder: PathBuf) -> impl Future<Output = Result<Self, StoreError>> + Send {
        Self::open_in(folder)
    }

    /// Breaks or mends the backend of the store in the folder, as [`Harness::break_backend`] does.
    fn break_in(_folder: PathBuf, _breakage: Option<Breakage>) -> impl Future<Output = bool> + Send {
        async { false }
    }
}

/// Opens each store in a folder of its own, which goes with its guard. For any store that lives in files:
///
/// ```ignore
/// conformance!(FolderHarness::of("redb", |folder| RedbStore::open(folder.join("referral.redb"))));
/// ```
pub struct FolderHarness<S> {
    name: &'static str,
    beside: Option<PathBuf>,
    open: Open<S>,
    open_breakable: Open<S>,
    break_in: Break,
    prepare: Prepare<S>,
}

type Open<S> = Arc<dyn Fn(PathBuf) -> BoxFuture<'static, Result<S, StoreError>> + Send + Sync>;
type Break = Arc<dyn Fn(PathBuf, Option<Breakage>) -> BoxFuture<'static, bool> + Send + Sync>;
type Prepare<S> = fn(&S) -> BoxFuture<'_, Result<(), StoreError>>;

impl<S: Store> FolderHarness<S> {
    /// A store that `open` opens in a folder, or begins there, ready to be used.
    pub fn of<F>(name: &'static str, open: impl Fn(PathBuf) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<S, StoreError>> + Send + 'static,
    {
        let open: Open<S> = Arc::new(move |folder| open(folder).boxed());
        let break_in: Break = Arc::new(|_, _| async { false }.boxed());
        let open_breakable = open.clone();
        Self { name, beside: None, open, open_breakable, break_in, prepare: |_| async { Ok(()) }.boxed() }
    }

    /// With stores whose backend can be broken: how one is opened in a folder, and how it is broken and mended there, as
    /// [`Harness::break_backend`] says.
    #[must_use]
    pub fn breakable<F, B>(
        self,
        open: impl Fn(PathBuf) -> F + Send + Sync + 'static,
        break_in: impl Fn(PathBuf, Option<Breakage>) -> B + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<S, StoreError>> + Send + 'static,
        B: Future<Output = bool> + Send + 'static,
    {
        let open_breakable: Open<S> = Arc::new(move |folder| open(folder).boxed());
        let break_in: Break = Arc::new(move |folder, breakage| break_in(folder, breakage).boxed());
        Self { open_breakable, break_in, ..self }
    }

    /// A new folder with no store in it yet.
    ///
    /// # Panics
    /// Where none can be made.
    pub async fn make(&self) -> Scratch {
        self.place().expect("a folder for the store")
    }

    fn place(&self) -> Result<Scratch, StoreError> {
        Scratch::folder(self.name, self.beside.as_deref())
    }

    /// The store in a folder of [`FolderHarness::make`], as it is.
    ///
    /// # Errors
    /// As opening it.
    pub async fn at(&self, scratch: &Scratch) -> Result<S, StoreError> {
        (self.open)(scratch.address().into()).await
    }

    /// An empty store, ready to be used, and what removes it.
    ///
    /// # Panics
    /// Where none can be opened.
    pub async fn scratch(&self) -> (S, Scratch) {
        let scratch = self.make().await;
        let store = self.at(&scratch).await.expect("the store opens");
        (self.prepare)(&store).await.expect("the store is prepared");
        (store, scratch)
    }

    /// Makes a folder and removes it, so that what keeps every case from running is told once.
    ///
    /// # Errors
    /// `Unavailable` where none can be made, `Other` where it cannot be removed.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.place()?.remove()
    }
}

impl<S: FolderStore> FolderHarness<S> {
    /// Makes its folders in the temporary folder.
    #[must_use]
    pub fn new() -> Self {
        let of = Self::of(S::NAME, S::open_in).breakable(S::open_breakable_in, S::break_in);
        Self { prepare: |store| store.prepare().boxed(), ..of }
    }

    /// Makes its folders in this one.
    #[must_use]
    pub fn beside(folder: impl AsRef<Path>) -> Self {
        Self { beside: Some(folder.as_ref().to_owned()), ..Self::new() }
    }
}

impl<S: FolderStore> Default for FolderHarness<S> {
    /// [`FolderHarness::new`].
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Clone for FolderHarness<S> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            beside: self.beside.clone(),
            open: self.open.clone(),
            open_breakable: self.open_breakable.clone(),
            break_in: self.break_in.clone(),
            prepare: self.prepare,
        }
    }
}

impl<S> fmt::Debug for FolderHarness<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FolderHarness").field("name", &self.name).field("beside", &self.beside).finish()
    }
}

#[async_trait]
impl<S: Store> Harness for FolderHarness<S> {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> &str {
        "nothing is needed"
    }

    async fn open(&self) -> Option<Opened> {
        let (store, scratch) = self.scratch().await;
        Some(Opened::new(store, scratch))
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let scratch = Scratch::from_guard(guard)?;
        Some(Opened::new(self.at(&scratch).await.expect("the store opens again"), scratch))
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        Some(Scratch::of(guard)?.address().to_owned())
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        Some(Opened::new((self.open)(address.into()).await.expect("the parent's store opens"), ()))
    }

    async fn open_breakable(&self) -> Option<Opened> {
        let scratch = self.make().await;
        let store = (self.open_breakable)(scratch.address().into()).await.expect("the store opens");
        (self.prepare)(&store).await.expect("the store is prepared");
        Some(Opened::new(store, scratch))
    }

    async fn break_backend(&self, address: &str, breakage: Option<Breakage>) -> bool {
        (self.break_in)(address.into(), breakage).await
    }
}
