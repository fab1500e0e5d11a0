//! How to run: what the environment and a program may say.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::notes;

/// How to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Multiplies the rounds of races and the number of random histories.
    pub soak: usize,
    /// Whether what cannot be run here is a failure.
    pub strict: bool,
    /// How long a case may take before it counts as stuck. Not a measure of speed.
    pub patience: Duration,
    /// Where random histories that failed are kept, to be tried first next time; nowhere where absent.
    pub regressions: Option<PathBuf>,
    /// The arguments with which this program does again what it does now, for the case that kills a process.
    pub again: Vec<OsString>,
}

impl Default for Settings {
    /// Once, not strict, five minutes for each case, nothing kept, the arguments of this process.
    fn default() -> Self {
        Self {
            soak: 1,
            strict: false,
            patience: Duration::from_mins(5),
            regressions: None,
            again: std::env::args_os().skip(1).collect(),
        }
    }
}

impl Settings {
    /// With what the environment says: `REFERRAL_TESTKIT_SOAK=n` and `REFERRAL_TESTKIT_STRICT=1`.
    #[must_use]
    pub fn from_env() -> Self {
        let number = |name| std::env::var(name).ok()?.parse::<usize>().ok();
        let soak = number("REFERRAL_TESTKIT_SOAK").unwrap_or(1).max(1);
        let strict = number("REFERRAL_TESTKIT_STRICT").is_some_and(|strict| strict != 0);
        let default = Self::default();
        let patience = default.patience.saturating_mul(u32::try_from(soak).unwrap_or(u32::MAX));
        Self { soak, strict, patience, ..default }
    }
}

/// What every case runs on. Its threads work for the case that the caller works for.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    let notes = notes::current();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_start(move || notes::enter(notes.clone()))
        .enable_all()
        .build()
        .expect("a runtime")
}
