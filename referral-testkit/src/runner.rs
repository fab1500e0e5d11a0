//! Runs cases and reports what became of them. The tests of [`conformance!`](crate::conformance) use it, and
//! programs that choose the store at run time.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use referral_core::store::StoreFacts;

use crate::audit::audit;
use crate::child;
use crate::cx::Cx;
use crate::harness::Harness;
use crate::notes::{self, Notes};
use crate::panics;
use crate::registry::{Case, registry};
use crate::rules::rule;
use crate::settings::{Settings, runtime};
use crate::summary::Summary;

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
#[non_exhaustive]
pub struct Report {
    /// The name of the store.
    pub store: String,
    /// The case.
    pub case: Case,
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took, opening the store included.
    pub took: Duration,
    /// What the store says about itself, if it could be opened.
    pub facts: Option<StoreFacts>,
    /// Which parts of the case could not run on this store, each with its reason. It passed without them.
    pub not_exercised: Vec<String>,
    /// By how much the rounds of races and the random histories were multiplied.
    pub soak: usize,
    /// How many rounds of a race, or random histories, it made, times the soak.
    pub rounds: usize,
    /// How many processes it killed in the middle of their work.
    pub kills: usize,
    /// The file and the line of the case that failed. The audit after a case has none.
    pub line: Option<String>,
    /// The last calls of the store, in the order in which they began, each with its answer.
    pub calls: Vec<String>,
}

/// What became of the case. Of a failure it says in which line, what was expected and what came, which rules of the contract
/// the case is about, and which calls led there.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {} {}", self.case.id(), self.store, self.outcome.name())?;
        let Some(reason) = self.outcome.reason() else { return Ok(()) };
        if !matches!(self.outcome, Outcome::Failed(_)) {
            return write!(f, ": {reason}");
        }
        if let Some(line) = &self.line {
            write!(f, " at {line}")?;
        }
        write!(f, "\n{reason}")?;
        for rule in self.case.rules.iter().filter_map(|number| rule(number)) {
            write!(f, "\nrule {}: {}", rule.number, rule.says)?;
        }
        if !self.calls.is_empty() {
            write!(f, "\nthe last calls of the store:")?;
        }
        self.calls.iter().try_for_each(|call| write!(f, "\n- {call}"))
    }
}

/// Runs one case on a store of its own, on a thread and a runtime of its own. It can be called from anywhere.
#[must_use]
pub fn run(harness: &Arc<dyn Harness>, case: Case, settings: &Settings) -> Report {
    if let Some(task) = child::task() {
        child::work(harness.clone(), task);
    }
    let started = Instant::now();
    let (harness, settings) = (harness.clone(), settings.clone());
    panics::note_them();
    let (strict, soak, store) = (settings.strict, settings.soak, harness.name().to_owned());
    let notes = Arc::new(Notes::default());
    let noted = notes.clone();
    // A thread of its own, because a runtime cannot be started from within another one.
    let outcome = std::thread::Builder::new()
        .name(case.name.to_owned())
        .spawn(move || {
            notes::enter(Some(noted.clone()));
            let runtime = runtime();
            let outcome = runtime.block_on(attempt(harness, case, settings, noted));
            // A store that is stuck must not keep the suite from saying so.
            runtime.shutdown_timeout(Duration::from_secs(5));
            outcome
        })
        .expect("a thread")
        .join()
        .unwrap_or_else(|panic| Outcome::Failed(panics::said(&*panic)));
    let outcome = match outcome {
        Outcome::Skipped(reason) if strict => {
            Outcome::Failed(format!("skipped, and that is not allowed: {reason}"))
        }
        outcome => outcome,
    };
    let line = match &outcome {
        Outcome::Failed(said) => panics::line(&notes.panics(said)),
        _ => None,
    };
    Report {
        store,
        case,
        outcome,
        took: started.elapsed(),
        facts: notes.facts(),
        not_exercised: notes.reasons(),
        soak,
        rounds: notes.rounds(),
        kills: notes.kills(),
        line,
        calls: notes.steps(),
    }
}

/// Runs cases one after another, and reports each as it ends.
///
/// The tests of [`conformance!`](crate::conformance) each know one case only. A program that runs all of them prints what they
/// come to:
///
/// ```no_run
/// use std::sync::Arc;
///
/// use referral_testkit::{Harness, MemoryHarness, Settings, registry, run_all};
///
/// let harness: Arc<dyn Harness> = Arc::new(MemoryHarness);
/// let cases = registry().iter().copied();
/// let summary = run_all(&harness, cases, &Settings::from_env(), |report| println!("{report}"));
/// println!("{summary}");
/// ```
pub fn run_all(
    harness: &Arc<dyn Harness>,
    cases: impl IntoIterator<Item = Case>,
    settings: &Settings,
    mut each: impl FnMut(&Report),
) -> Summary {
    let mut summary = Summary::of(harness.name());
    for case in cases {
        let report = run(harness, case, settings);
        summary.add(&report);
        each(&report);
    }
    summary
}

async fn attempt(harness: Arc<dyn Harness>, case: Case, settings: Settings, notes: Arc<Notes>) -> Outcome {
    let patience = settings.patience;
    let breaks = case.group == BACKEND;
    let opened = if breaks { harness.open_breakable().await } else { harness.open().await };
    let Some(opened) = opened else {
        return Outcome::Skipped(format!("{} is not configured: {}", harness.name(), harness.setup()));
    };
    // The last one goes here and not on a worker: a guard may wait for connections that the workers bring home.
    let cx = Cx::new(harness, settings, opened, notes);
    // In a task of its own, so that a panic ends the case and not the runner.
    let task = tokio::spawn(held(case, cx.clone()));
    match tokio::time::timeout(patience, task).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Outcome::Failed(match error.try_into_panic() {
            Ok(panic) => panics::said(&*panic),
            Err(error) => error.to_string(),
        }),
        Err(_) => Outcome::Failed(format!("stuck: not done after {} s", patience.as_secs())),
    }
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

/// One test of [`conformance!`](crate::conformance): a failure panics, a skip says so and passes.
#[doc(hidden)]
#[track_caller]
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
        println!("{} did not exercise {part}", case.id());
    }
    match report.outcome {
        Outcome::Passed => {}
        Outcome::Skipped(_) => println!("{report}"),
        Outcome::Failed(_) => panic!("{report}"),
    }
}
