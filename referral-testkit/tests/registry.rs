//! The registry, the tests and the runner are one list.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use referral_testkit::broken::Defect;
use referral_testkit::{
    Guard, Harness, MemoryHarness, Opened, Outcome, Settings, async_trait, case, for_each_case,
    markdown_table, registry, run, run_all,
};

/// What writes `docs/conformance.md` again.
const REWRITE: &str = "REFERRAL_BLESS=1 cargo test -p referral-testkit --test registry the_table";

macro_rules! names {
    ({} $($group:ident: $($case:ident [$($rule:literal),+]),+;)+) => {
        [$($(concat!(stringify!($group), "::", stringify!($case))),+),+]
    };
}

#[test]
fn the_registry_is_the_list_of_the_tests() {
    let tests = for_each_case!([names] {});
    let registered: Vec<_> = registry().iter().map(|case| case.id()).collect();
    assert_eq!(registered, tests);
    assert_eq!(registered.iter().collect::<BTreeSet<_>>().len(), tests.len(), "each name once");
    assert!(tests.len() >= 155);
    for id in registered {
        assert_eq!(case(&id).map(|case| case.id()), Some(id));
    }
}

/// A case that no broken store fails is not worth its time.
#[test]
fn every_case_is_the_one_that_catches_some_broken_store() {
    let caught: BTreeSet<&str> = Defect::ALL.iter().flat_map(|defect| defect.caught_by()).copied().collect();
    // A broken store lives in one process; `journal` has one on disk for this case.
    let killed = "durability::a_killed_process_keeps_what_it_acknowledged";
    for id in registry().iter().map(|case| case.id()).filter(|id| id != killed) {
        assert!(caught.contains(id.as_str()), "no broken store names {id}");
    }
    for id in caught {
        assert!(case(id).is_some(), "there is no case {id}");
    }
}

#[test]
fn every_promise_stands_in_the_table() {
    let table = markdown_table();
    assert_eq!(table.lines().count(), registry().len() + 2);
    assert!(table.contains("| counters | both bounds are inside |"));
}

/// The broken stores as a table of the documentation.
fn broken_stores() -> String {
    let mut table = String::from("| Broken store | What is wrong | Caught by |\n| --- | --- | --- |\n");
    for defect in Defect::ALL {
        let cases: Vec<_> = defect.caught_by().iter().map(|case| format!("`{case}`")).collect();
        table.push_str(&format!("| {defect:?} | {} | {} |\n", defect.says(), cases.join(", ")));
    }
    table
}

/// `docs/conformance.md` is the list of today.
#[test]
fn the_table_in_the_docs_is_this_list() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let cases = registry().len();
    let text = format!(
        "# Conformance\n\n\
         What the suite, `referral-testkit`, asks of every store, in {cases} cases. Made from its list; write it again \
         with\n`{REWRITE}`.\n\n{}\n\
         ## What the suite is held to\n\n\
         {} stores are broken on purpose, each in one way, and each of the cases named beside it fails on that store, and on \
         no honest one.\n\n{}",
        markdown_table(),
        Defect::ALL.len(),
        broken_stores(),
    );
    if env::var("REFERRAL_BLESS").is_ok_and(|bless| bless == "1") {
        fs::write(&file, &text).unwrap();
    }
    let there = fs::read_to_string(&file).unwrap_or_default().replace("\r\n", "\n");
    assert!(there == text, "docs/conformance.md is not the list of cases; write it again: {REWRITE}");
}

#[test]
fn the_memory_store_keeps_every_promise_in_the_runner() {
    let harness: Arc<dyn Harness> = Arc::new(MemoryHarness);
    let mut reports = Vec::new();
    let cases = registry().iter().copied();
    let summary = run_all(&harness, cases, &Settings::default(), |report| reports.push(report.clone()));
    reports.sort_by_key(|report| report.took);
    for report in reports.iter().rev().take(12) {
        println!("{:>6} ms {:?} {:?}", report.took.as_millis(), report.case, report.outcome);
    }
    assert_eq!((summary.passed, summary.failed, summary.skipped), (registry().len(), 0, 0));
}

struct Nowhere;

#[async_trait]
impl Harness for Nowhere {
    fn name(&self) -> &str {
        "nowhere"
    }

    fn setup(&self) -> &str {
        "set NOWHERE_URL"
    }

    async fn open(&self) -> Option<Opened> {
        None
    }

    async fn reopen(&self, _: Guard) -> Option<Opened> {
        None
    }

    fn address(&self, _: &Guard) -> Option<String> {
        None
    }

    async fn attach(&self, _: &str) -> Option<Opened> {
        None
    }
}

#[test]
fn what_a_harness_cannot_break_is_reported_and_also_where_strict_no_failure() {
    let harness: Arc<dyn Harness> = Arc::new(MemoryHarness);
    let full = case("backend::a_full_disk_is_full").unwrap();
    let report = run(&harness, full, &Settings { strict: true, ..Settings::default() });
    assert_eq!(report.outcome, Outcome::Passed);
    assert_eq!(report.not_exercised, ["a full disk"]);
}

#[test]
fn a_backend_that_is_not_there_is_skipped_and_where_strict_a_failure() {
    let harness: Arc<dyn Harness> = Arc::new(Nowhere);
    let case = registry()[0];
    let lax = run(&harness, case, &Settings { strict: false, ..Settings::default() });
    let reason = "nowhere is not configured: set NOWHERE_URL".to_owned();
    assert_eq!(lax.outcome, Outcome::Skipped(reason.clone()));
    let strict = run(&harness, case, &Settings { strict: true, ..Settings::default() });
    assert!(matches!(&strict.outcome, Outcome::Failed(why) if why.ends_with(&reason)), "{strict:?}");
}
