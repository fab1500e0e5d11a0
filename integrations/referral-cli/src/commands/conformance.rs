//! `referral conformance`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use referral_sql::SqliteStore;
use referral_testkit::{Case, Guard, Harness, MemoryHarness, Opened, Outcome, Report, Settings, registry};
use serde::Serialize;
use tempfile::TempDir;

use crate::args::{CasesFormat, ConformanceArgs};
use crate::database::Address;
use crate::failure::Failure;
use crate::output::{self, Output};

/// A case that was run, as JSON. The names are part of what the program promises.
#[derive(Serialize)]
struct CaseLine<'a> {
    case: &'static str,
    group: &'static str,
    outcome: &'static str,
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// A case that is only named, as JSON.
#[derive(Serialize)]
struct NameLine {
    case: &'static str,
    group: &'static str,
    promise: String,
}

/// How many cases ended how, as JSON.
#[derive(Default, Serialize)]
struct Summary {
    passed: u32,
    failed: u32,
    skipped: u32,
}

/// Runs the cases that were asked for, or names them.
pub(crate) fn run(args: &ConformanceArgs, out: &mut Output) -> Result<(), Failure> {
    let cases = chosen(&args.filters)?;
    if args.list {
        return cases.iter().try_for_each(|case| name(*case, args.format, out));
    }
    let harness = harness(args.database.as_deref().unwrap_or_default())?;
    let settings = Settings::from_env();
    let mut summary = Summary::default();
    for case in cases {
        let report = referral_testkit::run(&harness, case, &settings);
        match &report.outcome {
            Outcome::Passed => summary.passed += 1,
            Outcome::Failed(_) => summary.failed += 1,
            Outcome::Skipped(_) => summary.skipped += 1,
        }
        print(&report, args.format, out)?;
    }
    let Summary { passed, failed, skipped } = &summary;
    match args.format {
        CasesFormat::Text => {
            let name = harness.name();
            out.line(&format!("{name}: {passed} passed, {failed} failed, {skipped} skipped"))?;
        }
        CasesFormat::Jsonl => out.json(&summary)?,
    }
    if *failed > 0 { Err(Failure::Said) } else { Ok(()) }
}

/// The cases whose names hold one of the filters; all of them where there is none.
fn chosen(filters: &[String]) -> Result<Vec<Case>, Failure> {
    let meets = |case: &Case, filter: &String| case.id().contains(filter.as_str());
    if let Some(filter) = filters.iter().find(|filter| !registry().iter().any(|case| meets(case, filter))) {
        // A case that was misspelt must not pass for one that passed.
        return Err(Failure::NoCase { filter: filter.clone() });
    }
    let wanted = |case: &&Case| filters.is_empty() || filters.iter().any(|filter| meets(case, filter));
    Ok(registry().iter().filter(wanted).copied().collect())
}

fn name(case: Case, format: CasesFormat, out: &mut Output) -> Result<(), Failure> {
    match format {
        CasesFormat::Text => out.line(&case.id()),
        CasesFormat::Jsonl => {
            out.json(&NameLine { case: case.name, group: case.group, promise: case.promise() })
        }
    }
}

fn print(report: &Report, format: CasesFormat, out: &mut Output) -> Result<(), Failure> {
    let ms = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX);
    let (outcome, reason) = (report.outcome.name(), report.outcome.reason());
    match format {
        CasesFormat::Text => {
            out.line(&format!("{outcome:7} {ms:6} ms  {}", report.case.id()))?;
            if let Some(reason) = reason {
                output::say(&format!("{}: {reason}", report.case.id()));
            }
            Ok(())
        }
        CasesFormat::Jsonl => {
            out.json(&CaseLine { case: report.case.name, group: report.case.group, outcome, ms, reason })
        }
    }
}

fn harness(database: &str) -> Result<Arc<dyn Harness>, Failure> {
    match database.parse::<Address>()? {
        Address::Memory => Ok(Arc::new(MemoryHarness)),
        Address::Sqlite { path, .. } => {
            let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let beside = beside.unwrap_or(Path::new(".")).to_owned();
            // Tried once, so that a folder nobody may write to is told as that and not case by case.
            drop(folder(&beside).map_err(|source| Failure::Folder { path: beside.clone(), source })?);
            Ok(Arc::new(SqliteHarness { beside }))
        }
    }
}

/// Opens SQLite stores in folders of their own.
struct SqliteHarness {
    /// Where the folders are made.
    beside: PathBuf,
}

fn folder(beside: &Path) -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix("referral-conformance-").tempdir_in(beside)
}

#[expect(clippy::expect_used, reason = "the suite makes a failure of the case out of a panic here")]
async fn open(folder: &Path) -> SqliteStore {
    let store = SqliteStore::open(folder.join("referral.db")).await.expect("the database opens");
    store.migrate().await.expect("the database is migrated");
    store
}

#[async_trait]
impl Harness for SqliteHarness {
    fn name(&self) -> &str {
        "sqlite"
    }

    fn setup(&self) -> &str {
        "nothing is needed"
    }

    #[expect(clippy::expect_used, reason = "the suite makes a failure of the case out of a panic here")]
    async fn open(&self) -> Option<Opened> {
        let folder = folder(&self.beside).expect("a folder for the database");
        Some(Opened::new(open(folder.path()).await, folder))
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let folder = guard.downcast::<TempDir>().ok()?;
        Some(Opened::new(open(folder.path()).await, *folder))
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        guard.downcast_ref::<TempDir>()?.path().to_str().map(str::to_owned)
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        Some(Opened::new(open(Path::new(address)).await, ()))
    }
}
