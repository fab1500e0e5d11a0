//! `referral conformance`

use std::sync::Arc;
use std::time::Duration;

use referral_core::store::{StoreError, StoreFacts};
use referral_mongo::harness::MongoHarness;
use referral_sled::harness::SledHarness;
use referral_sql::harness::{MySqlHarness, PostgresHarness, SqliteHarness};
use referral_testkit::rates::{Rate, SOAKS, rates};
use referral_testkit::{
    Case, Harness, MemoryHarness, NotExercised, Outcome, Report, Rule, Settings, Summary, registry,
};
use serde::Serialize;

use super::runtime::wait;
use crate::address::{Address, beside};
use crate::args::{CasesFormat, ConformanceArgs};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
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
    /// Where the case failed, and which calls led there.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<&'a [String]>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    not_exercised: &'a [String],
}

/// A case that is only named, as JSON.
#[derive(Serialize)]
struct NameLine {
    case: &'static str,
    group: &'static str,
    promise: String,
    rules: &'static [&'static str],
}

/// How many cases ended how.
#[derive(Clone, Copy, Default)]
struct Counts {
    passed: u32,
    failed: u32,
    skipped: u32,
}

/// What the run comes to, as JSON.
#[derive(Serialize)]
struct SummaryLine<'a> {
    passed: usize,
    failed: usize,
    skipped: usize,
    store: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<FactsPart>,
    rules: RulesPart,
    soak: usize,
    rounds: usize,
    kills: usize,
    not_exercised: Vec<ReasonPart>,
    rates: Vec<RatePart>,
}

#[derive(Serialize)]
struct FactsPart {
    name: &'static str,
    durable: bool,
    shared: bool,
    batch: usize,
}

/// The numbers of the rules of the contract, by what was exercised of them.
#[derive(Serialize)]
struct RulesPart {
    exercised: Vec<&'static str>,
    in_part: Vec<&'static str>,
    not_exercised: Vec<&'static str>,
}

#[derive(Serialize)]
struct ReasonPart {
    reason: String,
    cases: Vec<String>,
    rules: Vec<&'static str>,
}

/// How often the cases of a group notice the broken stores that are made for them, in percent, at each soak.
#[derive(Serialize)]
struct RatePart {
    group: &'static str,
    soak: [usize; 3],
    caught: [f64; 3],
}

impl<'a> SummaryLine<'a> {
    fn of(summary: &'a Summary, groups: &[Group]) -> Self {
        let facts = |StoreFacts { name, durable, shared, batch }| FactsPart { name, durable, shared, batch };
        let numbers = |rules: &mut dyn Iterator<Item = Rule>| rules.map(|rule| rule.number).collect();
        let reason = |it: NotExercised| ReasonPart { reason: it.reason, cases: it.cases, rules: it.rules };
        let ran = |rate: &&Rate| groups.iter().any(|group| group.name == rate.group);
        let rate = |rate: &Rate| RatePart { group: rate.group, soak: SOAKS, caught: rate.shares() };
        Self {
            passed: summary.passed,
            failed: summary.failed,
            skipped: summary.skipped,
            store: &summary.store,
            facts: summary.facts.map(facts),
            rules: RulesPart {
                exercised: numbers(&mut summary.exercised()),
                in_part: numbers(&mut summary.exercised_in_part()),
                not_exercised: numbers(&mut summary.rules_not_exercised()),
            },
            soak: summary.soak,
            rounds: summary.rounds,
            kills: summary.kills,
            not_exercised: summary.not_exercised().into_iter().map(reason).collect(),
            rates: rates().iter().filter(ran).map(rate).collect(),
        }
    }
}

/// What became of a group of cases.
#[derive(Default)]
struct Group {
    name: &'static str,
    counts: Counts,
    took: Duration,
}

impl Group {
    fn add(&mut self, report: &Report) {
        match &report.outcome {
            Outcome::Passed => self.counts.passed += 1,
            Outcome::Failed(_) => self.counts.failed += 1,
            Outcome::Skipped(_) => self.counts.skipped += 1,
        }
        self.took += report.took;
    }

    fn row(&self) -> Vec<String> {
        let Counts { passed, failed, skipped } = self.counts;
        let took = format!("{:.1} s", self.took.as_secs_f64());
        vec![
            self.name.to_owned(),
            format!("{passed:>6}"),
            format!("{failed:>6}"),
            format!("{skipped:>7}"),
            format!("{took:>8}"),
        ]
    }
}

/// Runs the cases that were asked for, or names them.
pub(crate) fn run(args: &ConformanceArgs, out: &mut Output) -> Result<(), Failure> {
    let cases = chosen(&args.filters)?;
    if args.list {
        return cases.iter().try_for_each(|case| name(*case, args.format, out));
    }
    let harness = harness(args.database.as_deref().unwrap_or_default())?;
    let settings = Settings::from_env();
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        // A case fails by a panic, and its report says which. MongoDB's driver may also panic where a runtime ends.
        std::panic::set_hook(Box::new(|_| {}));
    }
    // Cases come group by group.
    let mut groups: Vec<Group> = Vec::new();
    let mut all = Group { name: "all", ..Group::default() };
    let mut summary = Summary::of(harness.name());
    let interrupt = Interrupt::listen()?;
    for case in cases {
        if interrupt.is_asked() {
            return Err(Failure::Interrupted);
        }
        let report = referral_testkit::run(&harness, case, &settings);
        all.add(&report);
        summary.add(&report);
        match groups.last_mut() {
            Some(group) if group.name == case.group => group.add(&report),
            _ => {
                let mut group = Group { name: case.group, ..Group::default() };
                group.add(&report);
                groups.push(group);
            }
        }
        print(&report, args.format, out)?;
    }
    match args.format {
        CasesFormat::Text => {
            out.line("")?;
            let rows: Vec<_> = groups.iter().chain([&all]).map(Group::row).collect();
            out.table(&["GROUP", "PASSED", "FAILED", "SKIPPED", "    TIME"], &rows)?;
            out.line("")?;
            out.line(&summary.to_string())?;
        }
        CasesFormat::Jsonl => out.json(&SummaryLine::of(&summary, &groups))?,
    }
    if summary.failed > 0 { Err(Failure::Said) } else { Ok(()) }
}

/// The cases whose names contain one of the filters, or all cases if there is no filter.
fn chosen(filters: &[String]) -> Result<Vec<Case>, Failure> {
    let meets = |case: &Case, filter: &String| case.id().contains(filter.as_str());
    if let Some(filter) = filters.iter().find(|filter| !registry().iter().any(|case| meets(case, filter))) {
        // A filter that is misspelt must not look like a case that passed.
        return Err(Failure::NoCase { filter: filter.clone() });
    }
    let wanted = |case: &&Case| filters.is_empty() || filters.iter().any(|filter| meets(case, filter));
    Ok(registry().iter().filter(wanted).copied().collect())
}

fn name(case: Case, format: CasesFormat, out: &mut Output) -> Result<(), Failure> {
    match format {
        CasesFormat::Text => out.line(&case.id()),
        CasesFormat::Jsonl => out.json(&NameLine {
            case: case.name,
            group: case.group,
            promise: case.promise(),
            rules: case.rules,
        }),
    }
}

fn print(report: &Report, format: CasesFormat, out: &mut Output) -> Result<(), Failure> {
    let ms = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX);
    let (outcome, reason) = (report.outcome.name(), report.outcome.reason());
    match format {
        CasesFormat::Text => {
            out.line(&format!("{outcome:7} {ms:6} ms  {}", report.case.id()))?;
            if reason.is_some() {
                output::say(&report.to_string());
            }
            Ok(())
        }
        CasesFormat::Jsonl => {
            let (line, not_exercised) = (report.line.as_deref(), report.not_exercised.as_slice());
            let calls = matches!(report.outcome, Outcome::Failed(_)).then_some(report.calls.as_slice());
            let (case, group) = (report.case.name, report.case.group);
            out.json(&CaseLine { case, group, outcome, ms, reason, line, calls, not_exercised })
        }
    }
}

/// What opens stores beside this database. It is tried once first, so that a server that is not there, or that lets
/// nobody make anything, is reported once and not for each case.
fn harness(database: &str) -> Result<Arc<dyn Harness>, Failure> {
    match database.parse::<Address>()? {
        Address::Memory => Ok(Arc::new(MemoryHarness)),
        Address::Sqlite { path, .. } => {
            let harness = SqliteHarness::beside(beside(&path));
            tried(harness.check())?;
            Ok(Arc::new(harness))
        }
        Address::Sled { path } => {
            let harness = SledHarness::beside(beside(&path));
            tried(harness.check())?;
            Ok(Arc::new(harness))
        }
        Address::Postgres { url, .. } => {
            let harness = PostgresHarness::new(url);
            tried(harness.check())?;
            Ok(Arc::new(harness))
        }
        Address::MySql { url, .. } => {
            let harness = MySqlHarness::new(url);
            tried(harness.check())?;
            Ok(Arc::new(harness))
        }
        Address::Mongo { url } => {
            let harness = MongoHarness::new(url);
            tried(harness.check())?;
            Ok(Arc::new(harness))
        }
    }
}

fn tried(check: impl Future<Output = Result<(), StoreError>>) -> Result<(), Failure> {
    wait(async { Ok(check.await?) })
}
