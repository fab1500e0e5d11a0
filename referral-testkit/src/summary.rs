//! What a run of the suite comes to: which cases passed, which rules they exercised, and which parts could not run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use referral_core::store::StoreFacts;

use crate::rates::{SOAKS, rates};
use crate::rules::{Rule, rules};
use crate::runner::{Outcome, Report};

/// What a run of the suite comes to. As text it is what somebody can cite who says that a store passed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Summary {
    /// The name of the store.
    pub store: String,
    /// What the store says about itself, if it could be opened.
    pub facts: Option<StoreFacts>,
    /// How many cases passed.
    pub passed: usize,
    /// How many cases failed.
    pub failed: usize,
    /// How many cases were skipped.
    pub skipped: usize,
    /// By how much the rounds of races and the random histories were multiplied.
    pub soak: usize,
    /// How many rounds of races, and how many random histories, were made.
    pub rounds: usize,
    /// How many processes were killed in the middle of their work.
    pub kills: usize,
    /// The reasons for which a case was skipped, or a part of it did not run.
    reasons: BTreeMap<String, Held>,
    whole: BTreeSet<&'static str>,
    part: BTreeSet<&'static str>,
    groups: BTreeSet<&'static str>,
}

/// What a reason concerns.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Held {
    cases: BTreeSet<String>,
    rules: BTreeSet<&'static str>,
}

/// Something that the suite could not exercise on the store.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct NotExercised {
    /// What it was, and why: `a second handle: the store says that it is not shared`.
    pub reason: String,
    /// The cases of which a part did not run, or which were skipped.
    pub cases: Vec<String>,
    /// The numbers of the rules that these cases are about.
    pub rules: Vec<&'static str>,
}

impl Summary {
    /// Of no case yet, on the store of this name.
    #[must_use]
    pub fn of(store: &str) -> Self {
        Self { store: store.to_owned(), ..Self::default() }
    }

    /// Adds what became of a case.
    pub fn add(&mut self, report: &Report) {
        self.facts = self.facts.or(report.facts);
        self.soak = report.soak;
        self.rounds += report.rounds;
        self.kills += report.kills;
        self.groups.insert(report.case.group);
        let mut reasons = report.not_exercised.clone();
        match &report.outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed(_) => self.failed += 1,
            Outcome::Skipped(reason) => {
                self.skipped += 1;
                reasons.push(reason.clone());
            }
        }
        if !matches!(report.outcome, Outcome::Skipped(_)) {
            let ran = if reasons.is_empty() { &mut self.whole } else { &mut self.part };
            ran.extend(report.case.rules);
        }
        for reason in reasons {
            let held = self.reasons.entry(reason).or_default();
            held.cases.insert(report.case.id());
            held.rules.extend(report.case.rules);
        }
    }

    /// The rules of which at least one case ran whole.
    pub fn exercised(&self) -> impl Iterator<Item = Rule> {
        rules().iter().copied().filter(|rule| self.whole.contains(rule.number))
    }

    /// The rules of which no case ran whole, but a part of one did.
    pub fn exercised_in_part(&self) -> impl Iterator<Item = Rule> {
        let part = |rule: &Rule| self.part.contains(rule.number) && !self.whole.contains(rule.number);
        rules().iter().copied().filter(part)
    }

    /// The rules of which no case ran at all.
    pub fn rules_not_exercised(&self) -> impl Iterator<Item = Rule> {
        let ran = |rule: &Rule| self.part.contains(rule.number) || self.whole.contains(rule.number);
        rules().iter().copied().filter(move |rule| !ran(rule))
    }

    /// What could not be exercised on this store, and why.
    #[must_use]
    pub fn not_exercised(&self) -> Vec<NotExercised> {
        let say = |(reason, held): (&String, &Held)| NotExercised {
            reason: reason.clone(),
            cases: held.cases.iter().cloned().collect(),
            rules: in_order(&held.rules),
        };
        self.reasons.iter().map(say).collect()
    }
}

/// The numbers in the order of the rules, in which 1.10 follows 1.9.
fn in_order(numbers: &BTreeSet<&'static str>) -> Vec<&'static str> {
    rules().iter().map(|rule| rule.number).filter(|number| numbers.contains(number)).collect()
}

fn numbers(rules: impl Iterator<Item = Rule>) -> Vec<&'static str> {
    rules.map(|rule| rule.number).collect()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, passed, failed, skipped, soak, rounds, kills, .. } = self;
        write!(f, "{store}: {passed} passed, {failed} failed, {skipped} skipped")?;
        if let Some(StoreFacts { name, durable, shared, batch }) = self.facts {
            let not = |holds| if holds { "" } else { "not " };
            let (durable, shared) = (not(durable), not(shared));
            write!(f, "\nthe store says: {name}, {durable}durable, {shared}shared, batches of {batch}")?;
        }
        let whole = numbers(self.exercised()).len();
        write!(f, "\n{whole} of {} rules exercised", rules().len())?;
        for (how, some) in [
            ("in part", numbers(self.exercised_in_part())),
            ("not exercised", numbers(self.rules_not_exercised())),
        ] {
            if !some.is_empty() {
                write!(f, "; {how}: {}", some.join(", "))?;
            }
        }
        write!(
            f,
            "\n{rounds} rounds of races and random histories at a soak of {soak}, {kills} processes killed"
        )?;
        let reasons = self.not_exercised();
        if !reasons.is_empty() {
            write!(f, "\nnot exercised on this store:")?;
        }
        for NotExercised { reason, cases, rules } in reasons {
            let cases = match cases.as_slice() {
                [one] => one.clone(),
                many => format!("{} cases", many.len()),
            };
            write!(f, "\n- {reason} ({cases}; rules {})", rules.join(", "))?;
        }
        let soaks = SOAKS.map(|soak| soak.to_string()).join(", ");
        let rates: Vec<_> = rates().iter().filter(|rate| self.groups.contains(rate.group)).collect();
        if !rates.is_empty() {
            write!(f, "\nof the broken stores, the cases catch at a soak of {soaks}:")?;
        }
        for rate in rates {
            let shares = rate.shares().map(|share| format!("{share:.1} %")).join(", ");
            write!(f, "\n- {}: {shares} ({} pairs of a store and a case)", rate.group, rate.pairs)?;
        }
        Ok(())
    }
}
