//! Runs cases and reports what became of them. The tests of [`conformance!`](crate::conformance) use it, and
//! programs that choose the store at run time.

use std::any::Any;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::audit::audit;
use crate::child;
use crate::cx::Cx;
use crate::harness::Harness;
use crate::registry::{Case, registry};
use crate::settings::{Settings, runtime};

/// The group of the cases that break the backend of their store.
const BACKEND: &str = "backend";

/// Makes the tests of a store. Write `conformance!(MyHarness::from_env());` into a file of its own under `tests/`.
///
/// The harness expression is evaluated once for each case. A case becomes the test `group::name`, with no
/// runtime to bring along.
#[macro_export]
macro_rules! conformance {
    ($harness:expr) => {
        $crate::for_each_case!([$crate::__tests] { $harness });
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ({ $harness:expr } $($group:ident: $($case:ident [$($rule:literal),+]),+;)+) => {
        $(mod $group {
            #[allow(unused_imports)]
            use super::*;

            $(#[test]
            fn $case() {
                $crate::runner::__test(
                    ::std::sync::Arc::new($harness),
                    ::std::stringify!($group),
                    ::std::stringify!($case),
                    ::std::concat!(::std::module_path!(), "::", ::std::stringify!($case)),
                );
            })+
        })+
    };
}

/// What became of a case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The store keeps the promise.
    Passed,
    /// The store does not keep the promise. The text says how that showed.
    Failed(String),
    /// The case could not run, for this reason.
    Skipped(String),
}

impl Outcome {
    /// `passed`, `failed` or `skipped`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }

    /// Why it failed or was skipped.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed(reason) | Self::Skipped(reason) => Some(reason),
        }
    }
}

/// One case that was run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The case.
    pub case: Case,
    /// What became of it.
    pub outcome: Outcome,
    /// The parts of the case that this harness or this store gave no way to exercise.
    pub not_exercised: Vec<String>,
    /// How long it took, opening the store included.
    pub took: Duration,
}

/// How many cases ended how.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// How many cases passed.
    pub passed: usize,
    /// How many cases failed.
    pub failed: usize,
    /// How many cases were skipped.
    pub skipped: usize,
}

/// Runs one case on a store of its own, on a thread and a runtime of its own. It can be called from anywhere.
#[must_use]
pub fn run(harness: &Arc<dyn Harness>, case: Case, settings: &Settings) -> Report {
    if let Some(task) = child::task() {
        child::work(harness.clone(), task);
    }
    let started = Instant::now();
    let (harness, settings) = (harness.clone(), settings.clone());
    let strict = settings.strict;
    // A thread of its own, because a runtime cannot be started from within another one.
    let (outcome, not_exercised) = std::thread::Builder::new()
        .name(case.name.to_owned())
        .spawn(move || {
            let runtime = runtime();
            let attempted = runtime.block_on(attempt(harness, case, settings));
            // A store that is stuck must not keep the suite from saying so.
            runtime.shutdown_timeout(Duration::from_secs(5));
            attempted
        })
        .expect("a thread")
        .join()
        .unwrap_or_else(|panic| (Outcome::Failed(said(&*panic)), Vec::new()));
    let outcome = match outcome {
        Outcome::Skipped(reason) if strict => {
            Outcome::Failed(format!("skipped, and that is not allowed: {reason}"))
        }
        outcome => outcome,
    };
    Report { case, outcome, not_exercised, took: started.elapsed() }
}

/// Runs cases one after another, and reports each as it ends.
pub fn run_all(
    harness: &Arc<dyn Harness>,
    cases: impl IntoIterator<Item = Case>,
    settings: &Settings,
    mut each: impl FnMut(&Report),
) -> Summary {
    let mut summary = Summary::default();
    for case in cases {
        let report = run(harness, case, settings);
        match &report.outcome {
            Outcome::Passed => summary.passed += 1,
            Outcome::Failed(_) => summary.failed += 1,
            Outcome::Skipped(_) => summary.skipped += 1,
        }
        each(&report);
    }
    summary
}

async fn attempt(harness: Arc<dyn Harness>, case: Case, settings: Settings) -> (Outcome, Vec<String>) {
    let patience = settings.patience;
    let breaks = case.group == BACKEND;
    let opened = if breaks { harness.open_breakable().await } else { harness.open().await };
    let Some(opened) = opened else {
        let reason = format!("{} is not configured: {}", harness.name(), harness.setup());
        return (Outcome::Skipped(reason), Vec::new());
    };
    // The last one goes here and not on a worker: a guard may wait for connections that the workers bring home.
    let cx = Cx::new(harness, settings, opened);
    // In a task of its own, so that a panic ends the case and not the runner.
    let task = tokio::spawn(held(case, cx.clone()));
    let outcome = match tokio::time::timeout(patience, task).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Outcome::Failed(match error.try_into_panic() {
            Ok(panic) => said(&*panic),
            Err(error) => error.to_string(),
        }),
        Err(_) => Outcome::Failed(format!("stuck: not done after {} s", patience.as_secs())),
    };
    (outcome, cx.parts_not_exercised())
}

/// The case, and the audit of what it left.
async fn held(case: Case, cx: Cx) -> Outcome {
    (case.run)(cx.clone()).await;
    if let Some(reason) = cx.skipped() {
        return Outcome::Skipped(reason);
    }
    if cx.is_open()
        && let Err(problem) = audit(&*cx.store(), cx.history(), cx.is_counting_responses()).await
    {
        return Outcome::Failed(format!("the audit after the case: {problem}"));
    }
    Outcome::Passed
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "it panicked without a word".to_owned()
    }
}

/// One test of [`conformance!`](crate::conformance): a failure panics, a skip says so and passes.
#[doc(hidden)]
pub fn __test(harness: Arc<dyn Harness>, group: &str, name: &str, path: &str) {
    let case = registry().iter().copied().find(|case| case.group == group && case.name == name);
    let case = case.expect("a case of the list");
    // A test is called by its path without the name of the program.
    let path = path.split_once("::").map_or(path, |(_, path)| path);
    let settings = Settings {
        regressions: Some(format!("proptest-regressions/{}-{name}.txt", harness.name()).into()),
        again: ["--exact", path, "--nocapture"].map(OsString::from).to_vec(),
        ..Settings::from_env()
    };
    let report = run(&harness, case, &settings);
    for part in &report.not_exercised {
        println!("not exercised in {}: {part}", case.id());
    }
    match report.outcome {
        Outcome::Passed => {}
        Outcome::Skipped(reason) => println!("skipped {}: {reason}", case.id()),
        Outcome::Failed(reason) => panic!("{} on {}: {reason}", case.id(), harness.name()),
    }
}
