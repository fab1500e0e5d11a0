//! One test for each store.

use std::sync::Arc;

use referral_testkit::{Harness, Opened};
use tokio::runtime::{Builder, Runtime};

/// A test, on the store that it is for.
#[derive(Clone)]
pub struct World {
    /// How to open it.
    pub harness: Arc<dyn Harness>,
    /// The name of the test, by which a child process runs it again.
    pub test: &'static str,
}

impl World {
    /// The store's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.harness.name()
    }

    /// A fresh store; `None`, and a line that says so, where it cannot be had.
    ///
    /// # Panics
    /// Instead, in strict mode.
    pub async fn open(&self) -> Option<Opened> {
        let opened = self.harness.open().await;
        if opened.is_none() {
            let why = format!("{} is not configured: {}", self.name(), self.harness.setup());
            assert!(!strict(), "skipped, and that is not allowed: {why}");
            println!("skipped {}: {why}", self.test);
        }
        opened
    }
}

/// Whether what cannot be run here is a failure.
#[must_use]
pub fn strict() -> bool {
    std::env::var("REFERRAL_TESTKIT_STRICT").is_ok_and(|strict| strict == "1")
}

/// A number that the environment gives, or this one.
///
/// # Panics
/// If what it gives is none.
#[must_use]
pub fn number(variable: &str, otherwise: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")),
        Err(_) => otherwise,
    }
}

/// A runtime as hosts have it.
///
/// # Panics
/// Where no thread can be had.
#[must_use]
pub fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Makes a test for each store, of an `async fn(World)`:
///
/// ```ignore
/// on_stores! { keeps_what_it_acknowledged:
///     sqlite_keeps_what_it_acknowledged on sqlite,
///     sled_keeps_what_it_acknowledged on sled,
/// }
/// ```
#[macro_export]
macro_rules! on_stores {
    ($run:ident: $($test:ident on $store:ident),+ $(,)?) => {
        $(
            #[test]
            fn $test() {
                let world = $crate::run::World { harness: $crate::stores::$store(), test: stringify!($test) };
                $crate::run::runtime().block_on($run(world));
            }
        )+
    };
}
