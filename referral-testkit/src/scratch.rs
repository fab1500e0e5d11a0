//! Where a harness puts the data of one case, a folder, a schema, a database, and how that goes away again.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use referral_core::store::{StoreError, StoreErrorKind};
use uuid::Uuid;

use crate::harness::Guard;
use crate::settings::Settings;

type Cause = Box<dyn Error + Send + Sync>;
type Remove = Box<dyn FnOnce() -> Result<(), Cause> + Send + Sync>;

/// How long a server has for removing a schema or a database.
const PATIENCE: Duration = Duration::from_secs(60);

/// A place of a case's own, removed when this is dropped. The [`Guard`] of a harness whose stores live in folders
/// or on servers.
///
/// Dropping waits until the place is gone; what cannot be removed is said on standard error. On a server that is
/// done on a thread and a runtime of its own, so that this may be dropped anywhere.
pub struct Scratch {
    store: &'static str,
    name: String,
    address: String,
    remove: Option<Remove>,
    beside: Option<Box<dyn Any + Send + Sync>>,
}

impl Scratch {
    /// A place on a server of this store, with the name that [`Scratch::fresh_name`] made up; `remove` takes it away.
    ///
    /// Its [address](Self::address) is the name, a space and the URL; [`Scratch::split`] takes it apart.
    pub fn on_server<F, E>(
        store: &'static str,
        url: &str,
        name: String,
        remove: impl FnOnce(String, String) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), E>>,
        E: Into<Cause>,
    {
        let address = format!("{name} {url}");
        let (url, own) = (url.to_owned(), name.clone());
        let remove = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let work = async { tokio::time::timeout(PATIENCE, remove(url, own)).await };
            runtime.block_on(work)?.map_err(Into::into)
        };
        Self { store, name, address, remove: Some(Box::new(remove)), beside: None }
    }

    /// A folder for this store in the temporary folder, or in another one. Its [address](Self::address) is its path.
    ///
    /// # Errors
    /// `Unavailable` where no folder can be made there, or its path is no Unicode.
    pub fn folder(store: &'static str, beside: Option<&Path>) -> Result<Self, StoreError> {
        let refused = |cause: Cause| {
            let place = beside.map_or_else(std::env::temp_dir, Path::to_path_buf);
            let message = format!("no folder can be made in {}", place.display());
            StoreError::new(StoreErrorKind::Unavailable, store, "open", message).with_source(cause)
        };
        let mut named = tempfile::Builder::new();
        named.prefix("referral-test-");
        let folder = beside.map_or_else(|| named.tempdir(), |beside| named.tempdir_in(beside));
        let folder = folder.map_err(|error| refused(error.into()))?;
        let path = folder.path().to_str().ok_or_else(|| refused("its path is no Unicode".into()))?.to_owned();
        let remove = move || folder.close().map_err(Into::into);
        Ok(Self { store, name: path.clone(), address: path, remove: Some(Box::new(remove)), beside: None })
    }

    /// A name that nobody else has: `referral_test_` and 32 hexadecimal digits. May stand in SQL as it is.
    #[must_use]
    pub fn fresh_name() -> String {
        format!("referral_test_{}", Uuid::new_v4().simple())
    }

    /// The path of a folder; the name of a schema or database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where another process finds it, for [`Harness::attach`](crate::Harness::attach). There may be a password in it.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Name and URL of an address on a server.
    #[must_use]
    pub fn split(address: &str) -> Option<(&str, &str)> {
        address.split_once(' ')
    }

    /// The place that a guard is.
    #[must_use]
    pub fn of(guard: &Guard) -> Option<&Self> {
        guard.downcast_ref()
    }

    /// The place that a guard is.
    #[must_use]
    pub fn from_guard(guard: Guard) -> Option<Self> {
        guard.downcast().ok().map(|scratch| *scratch)
    }

    /// Keeps something as long as the place, such as a [`Line`](crate::Line) to the server.
    #[must_use]
    pub fn with(mut self, beside: impl Any + Send + Sync) -> Self {
        self.beside = Some(Box::new(beside));
        self
    }

    /// Leaves the place where it is, for a server that is thrown away as a whole.
    #[must_use]
    pub fn kept(mut self) -> Self {
        self.remove = None;
        self
    }

    /// Removes it now, and says whether that worked.
    ///
    /// # Errors
    /// `Other`, with what the server or the file system said.
    pub fn remove(mut self) -> Result<(), StoreError> {
        let removed = self.removed();
        removed.map_err(|error| {
            let message = format!("{} stays behind", self.name);
            StoreError::new(StoreErrorKind::Other, self.store, "remove", message).with_source(error)
        })
    }

    fn removed(&mut self) -> Result<(), Cause> {
        let Some(remove) = self.remove.take() else { return Ok(()) };
        // Not on this thread: it may belong to a runtime, and that may be going down.
        let removed = std::thread::Builder::new().name("remove".to_owned()).spawn(remove)?;
        removed.join().unwrap_or_else(|_| Err("removing it panicked".into()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = self.removed() {
            eprintln!("{} stays behind: {error}", self.name);
        }
    }
}

impl fmt::Debug for Scratch {
    /// Without the address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The URL that a variable of the environment holds; `None` where it is not set or empty.
#[must_use]
pub fn server_from_env(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|url| !url.is_empty())
}

/// For a test beside the suite that cannot be run here: says so, with what would help.
///
/// # Panics
/// Where `REFERRAL_TESTKIT_STRICT=1`.
pub fn skip(store: &str, setup: &str) {
    let strict = Settings::from_env().strict;
    assert!(!strict, "skipped, and that is not allowed: {store} is not configured: {setup}");
    println!("skipped: {store} is not configured: {setup}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_its_guard() {
        let scratch = Scratch::folder("any", None).unwrap();
        let path = Path::new(scratch.address()).to_owned();
        std::fs::write(path.join("a file"), "in it").unwrap();
        drop(scratch);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_place_on_a_server_is_removed_from_within_a_runtime_and_waited_for() {
        let (told, gone) = std::sync::mpsc::channel();
        let scratch =
            Scratch::on_server("any", "db://u:secret@h/x", "mine".to_owned(), |url, name| async move {
                tokio::task::yield_now().await;
                told.send((name, url)).map_err(|_| "nobody listens")
            });
        assert_eq!(Scratch::split(scratch.address()), Some(("mine", "db://u:secret@h/x")));
        assert!(!format!("{scratch:?}").contains("secret"));
        drop(scratch);
        assert_eq!(gone.try_recv(), Ok(("mine".to_owned(), "db://u:secret@h/x".to_owned())));
    }

    #[test]
    fn what_cannot_be_removed_is_told() {
        let scratch =
            Scratch::on_server("any", "db://h", "mine".to_owned(), |_, _| async { Err::<(), _>("no") });
        assert_eq!(scratch.remove().unwrap_err().to_string(), "any: remove: mine stays behind");
        let nowhere = Scratch::folder("any", Some(Path::new("/no/such/folder"))).unwrap_err();
        assert_eq!(nowhere.to_string(), "any: open: no folder can be made in /no/such/folder");
    }
}
