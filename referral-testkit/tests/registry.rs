//! The registry, the tests and the runner are one list.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use referral_testkit::broken::{BrokenHarness, Defect, KilledDefect};
use referral_testkit::{
    Guard, Harness, MemoryHarness, Opened, Outcome, Rule, Settings, async_trait, case, for_each_case,
    markdown_table, registry, rule, rules, run, run_all,
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

/// The names of the broken stores, those on disk too, on which a case must fail.
fn proving(id: &str) -> Vec<String> {
    let here = Defect::ALL.iter().filter(|defect| defect.caught_by().contains(&id));
    let killed = KilledDefect::ALL.iter().filter(|defect| defect.caught_by.contains(&id));
    here.map(|defect| format!("{defect:?}")).chain(killed.map(|defect| defect.name.to_owned())).collect()
}

/// A case that no broken store fails is not worth its time.
#[test]
fn every_case_is_the_one_that_catches_some_broken_store() {
    for case in registry() {
        assert!(!proving(&case.id()).is_empty(), "no broken store names {case:?}");
    }
    let here = Defect::ALL.iter().flat_map(|defect| defect.caught_by());
    for id in here.chain(KilledDefect::ALL.iter().flat_map(|defect| defect.caught_by)) {
        assert!(case(id).is_some(), "there is no case {id}");
    }
}

#[test]
fn every_rule_is_held_by_a_case_that_a_broken_store_proves() {
    for rule in rules() {
        let proved = rule.cases().any(|case| !proving(&case.id()).is_empty());
        assert!(proved, "no case of rule {} is proved by a broken store: {}", rule.number, rule.says);
    }
}

#[test]
fn every_case_names_its_rules_in_order_and_each_once() {
    for case in registry() {
        assert!(!case.rules.is_empty(), "{case:?} names its rules");
        assert_eq!(case.rules.iter().collect::<BTreeSet<_>>().len(), case.rules.len(), "{case:?}");
        for number in case.rules {
            assert!(rule(number).is_some(), "{case:?} names rule {number}, and there is none");
        }
    }
}

#[test]
fn every_promise_stands_in_the_table() {
    let table = markdown_table();
    assert_eq!(table.lines().count(), registry().len() + 2);
    assert!(table.contains("| counters | both bounds are inside | 4.2 |"));
}

/// Names of the documentation as a list within a sentence.
fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The rules, each with its cases and with the broken stores that prove them.
fn proofs() -> String {
    let (mut text, mut part) = (String::new(), "");
    for rule in rules() {
        if rule.part != part {
            part = rule.part;
            text.push_str(&format!("### {part}\n\n"));
        }
        text.push_str(&format!("**{}** {}\n\n", rule.number, rule.says));
        for case in rule.cases() {
            let proving = proving(&case.id());
            text.push_str(&format!("- `{}`: {}\n", case.id(), listed(proving.iter().map(String::as_str))));
        }
        text.push('\n');
    }
    text
}

/// The broken stores as a table of the documentation.
fn broken_stores() -> String {
    let mut table = String::from("| Broken store | What is wrong | Caught by |\n| --- | --- | --- |\n");
    let here = Defect::ALL.iter().map(|defect| (format!("{defect:?}"), defect.says(), defect.caught_by()));
    let killed =
        KilledDefect::ALL.iter().map(|defect| (defect.name.to_owned(), defect.says, defect.caught_by));
    for (name, says, caught_by) in here.chain(killed) {
        table.push_str(&format!("| {name} | {says} | {} |\n", listed(caught_by.iter().copied())));
    }
    table
}

/// `docs/conformance.md` is the list of today.
#[test]
fn the_table_in_the_docs_is_this_list() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let text = format!(
        "# Conformance\n\n\
         The contract of a store has {} numbered rules. The suite, `referral-testkit`, holds every store to them in {} cases, \
         and {}\nstores that are broken on purpose hold the suite to its word. Made from the lists of the suite; write it \
         again with\n`{REWRITE}`.\n\n\
         ## The rules, the cases that hold a store to them, and the broken stores that prove these cases\n\n\
         {}\
         ## The cases\n\n{}\n\
         ## The broken stores\n\n\
         Each is wrong in one way. Each of the cases named beside it fails on that store, and on no honest one.\n\n{}",
        rules().len(),
        registry().len(),
        Defect::ALL.len() + KilledDefect::ALL.len(),
        proofs(),
        markdown_table(),
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
    println!("{summary}");
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

#[test]
fn a_failure_says_in_which_line_by_which_rule_and_after_which_calls() {
    let harness: Arc<dyn Harness> = Arc::new(BrokenHarness(Some(Defect::DeleteKeepsKeys)));
    let case = case("unique::a_delete_releases_its_keys").unwrap();
    let report = run(&harness, case, &Settings::default());
    let text = report.to_string();
    println!("{text}");
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    assert!(
        first.starts_with("unique::a_delete_releases_its_keys on broken failed at src/cases/unique.rs:"),
        "{text}"
    );
    assert!(lines.next().unwrap_or_default().contains("expected Applied, came Conflict at change"), "{text}");
    let says = rule("2.7").unwrap().says;
    assert!(text.contains(&format!("\nrule 2.7: {says}\n")), "{text}");
    assert!(text.contains("\n- commit [Insert ") && text.contains("→ Applied"), "{text}");
}

#[test]
fn the_summary_says_what_was_exercised_and_what_was_not() {
    let harness: Arc<dyn Harness> = Arc::new(MemoryHarness);
    let of = |id: &str| case(id).unwrap();
    let cases = ["races::counts_are_exact", "races::of_two_handles_one_wins"].map(of);
    let summary = run_all(&harness, cases, &Settings { soak: 2, ..Settings::default() }, |_| {});
    let text = summary.to_string();
    println!("{text}");
    assert!(text.starts_with("memory: 2 passed, 0 failed, 0 skipped\n"), "{text}");
    assert!(text.contains("the store says: memory, not durable, not shared, batches of "), "{text}");
    let numbers = |rules: Vec<Rule>| rules.iter().map(|rule| rule.number).collect::<Vec<_>>();
    assert_eq!(numbers(summary.exercised().collect()), ["4.5"]);
    assert_eq!(numbers(summary.exercised_in_part().collect()), ["1.9", "3.1"]);
    assert_eq!(summary.rules_not_exercised().count(), rules().len() - 3);
    let reasons = summary.not_exercised();
    assert_eq!(reasons.len(), 1);
    assert_eq!(reasons[0].reason, "a second handle: the store says that it is not shared");
    assert_eq!(reasons[0].cases, ["races::of_two_handles_one_wins"]);
    assert!(summary.rounds > 0 && summary.rounds.is_multiple_of(2), "the soak is in the rounds: {text}");
}
