//! Looks for a serial order that explains what concurrent callers were answered.
//!
//! The search is that of Wing and Gong, with Lowe's memory of where it has been: what may come first is tried on the
//! model, and a set of steps that led to the same state before is not tried again. A batch is a chain of steps which other
//! callers' steps may come between, because the contract promises no more than that. What a batch refused writes nothing, and
//! may have been decided at any moment of the call, with what the batch applied before it (rule 1.9).

mod told;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use referral_core::store::{
    Change, Changeset, CounterKey, Index, Outcome, Prefix, Range, Record, RecordId, StoreError, UniqueKey,
};

use crate::model::Model;

/// Something that was asked, and what came.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Commit(Changeset, Result<Outcome, StoreError>),
    Get(Vec<RecordId>, Vec<Option<Record>>),
    Find(Vec<UniqueKey>, Vec<Option<Record>>),
    Page(Index, Prefix, Vec<Record>),
    Number(CounterKey, i64),
}

/// One call of a store: its steps were answered together, in their order.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) caller: usize,
    /// The moments at which it began and ended. A call that ended before another one began comes before it.
    pub(crate) began: u64,
    pub(crate) ended: u64,
    pub(crate) steps: Vec<Step>,
}

/// Counts the moments of a history.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    /// What a caller asks, and what came, between two moments.
    pub(crate) async fn call(&self, caller: usize, asked: impl Future<Output = Vec<Step>>) -> Call {
        let began = self.tick();
        let steps = asked.await;
        Call { caller, began, ended: self.tick(), steps }
    }

    /// What was answered while nothing else was going on.
    pub(crate) fn at(&self, caller: usize, steps: Vec<Step>) -> Call {
        Call { caller, began: self.tick(), ended: self.tick(), steps }
    }
}

/// The steps of a batch that was answered.
pub(crate) fn committed(batch: Vec<Changeset>, answers: Vec<Result<Outcome, StoreError>>) -> Vec<Step> {
    assert_eq!(answers.len(), batch.len(), "a batch has one answer for each changeset");
    batch.into_iter().zip(answers).map(|(changeset, answer)| Step::Commit(changeset, answer)).collect()
}

/// Fails where no serial order of the calls explains every answer, and shows what was asked and what came.
#[track_caller]
pub(crate) fn assert_serial(what: &str, start: &Model, calls: &[Call]) {
    let mut search = Search::of(calls);
    if search.run(start, 0, &mut Vec::new()) {
        return;
    }
    let mut said = format!("{what}: no serial order explains every answer.\n");
    for call in calls {
        for step in &call.steps {
            let _ = writeln!(said, "caller {}, {} to {}: {step}", call.caller, call.began, call.ended);
        }
    }
    let _ = write!(
        said,
        "Of these {} answers, the longest order explains {}",
        search.steps.len(),
        search.best.len()
    );
    let (state, rest) = search.replayed(start);
    let _ = writeln!(said, ":");
    for place in &search.best {
        let _ =
            writeln!(said, "  caller {}: {}", search.steps[*place].call.caller, search.steps[*place].step);
    }
    let _ = writeln!(said, "and after it the next answer should have been one of these:");
    for place in rest {
        let step = search.steps[place].step;
        let _ = writeln!(said, "  caller {}: {}", search.steps[place].call.caller, step.by(&state));
    }
    panic!("{}", with_short_ids(said, calls));
}

/// The text with a number for each id.
fn with_short_ids(said: String, calls: &[Call]) -> String {
    let mut mentioned = Mentioned::default();
    for step in calls.iter().flat_map(|call| &call.steps) {
        match step {
            Step::Commit(changeset, _) => mentioned.add(changeset.changes()),
            Step::Get(ids, _) => mentioned.ids.extend(ids),
            Step::Find(..) | Step::Page(..) | Step::Number(..) => {}
        }
    }
    mentioned.ids.iter().enumerate().fold(said, |said, (number, id)| {
        let short = format!("#{number}");
        said.replace(&id.uuid.to_string(), &short).replace(&id.uuid.simple().to_string(), &short)
    })
}

/// Every record, key and number that changes speak of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mentioned {
    pub(crate) ids: BTreeSet<RecordId>,
    pub(crate) keys: BTreeSet<UniqueKey>,
    pub(crate) numbers: BTreeSet<CounterKey>,
}

impl Mentioned {
    pub(crate) fn add<'a>(&mut self, changes: impl IntoIterator<Item = &'a Change>) {
        for change in changes {
            match change {
                Change::Insert(record) | Change::Update { record, .. } => {
                    self.ids.insert(record.id());
                    self.keys.extend(UniqueKey::all_of(record));
                }
                Change::Delete { id, .. } | Change::Expect { id, .. } => drop(self.ids.insert(*id)),
                Change::Patch { kind, of, .. } => {
                    self.ids.extend(of.iter().map(|(uuid, _)| RecordId { kind: *kind, uuid: *uuid }));
                }
                Change::Count { counter, .. } | Change::Tally { counter, .. } => {
                    self.numbers.insert(counter.clone());
                }
            }
        }
    }
}

struct Placed<'a> {
    call: &'a Call,
    step: &'a Step,
    /// Which steps have to come before, as bits.
    after: u64,
    /// For what a batch refused: the steps of the batch that are taken as done, also before they are.
    upon: Vec<usize>,
}

struct Search<'a> {
    steps: Vec<Placed<'a>>,
    /// The states in which a set of steps has left the model.
    seen: HashMap<u64, Vec<Model>>,
    best: Vec<usize>,
}

impl<'a> Search<'a> {
    fn of(calls: &'a [Call]) -> Self {
        let mut steps: Vec<Placed<'a>> = Vec::new();
        for call in calls {
            let mut applied: Vec<usize> = Vec::new();
            for step in &call.steps {
                let refused = matches!(step, Step::Commit(_, Ok(Outcome::Conflict { .. })));
                let placed = steps.len();
                if refused {
                    steps.push(Placed { call, step, after: 0, upon: applied.clone() });
                } else {
                    let after = applied.last().map_or(0, |before| 1 << before);
                    steps.push(Placed { call, step, after, upon: Vec::new() });
                    applied.push(placed);
                }
            }
        }
        assert!(steps.len() <= 64, "a history of {} steps is too long to be searched", steps.len());
        for later in 0..steps.len() {
            let before = (0..steps.len()).filter(|at| steps[*at].call.ended < steps[later].call.began);
            steps[later].after |= before.fold(0, |bits, at| bits | 1 << at);
        }
        Self { steps, seen: HashMap::new(), best: Vec::new() }
    }

    fn next(&self, done: u64) -> impl Iterator<Item = usize> + '_ {
        let free = move |at: &usize| done & (1 << at) == 0 && self.steps[*at].after & !done == 0;
        (0..self.steps.len()).filter(free)
    }

    fn run(&mut self, state: &Model, done: u64, order: &mut Vec<usize>) -> bool {
        if order.len() > self.best.len() {
            self.best.clone_from(order);
        }
        if order.len() == self.steps.len() {
            return true;
        }
        let seen = self.seen.entry(done).or_default();
        if seen.contains(state) {
            return false;
        }
        seen.push(state.clone());
        let next: Vec<usize> = self.next(done).collect();
        for at in next {
            let mut then = state.clone();
            if self.fits(at, &mut then, done) {
                order.push(at);
                if self.run(&then, done | 1 << at, order) {
                    return true;
                }
                order.pop();
            }
        }
        false
    }

    /// Does a step on the model, and says whether the model gives the same answer.
    fn fits(&self, at: usize, state: &mut Model, done: u64) -> bool {
        let Placed { step, upon, .. } = &self.steps[at];
        if upon.iter().all(|own| done & (1 << own) != 0) {
            return step.fits(state);
        }
        // A refusal changes nothing, so what it is decided upon is thrown away.
        let mut upon_those = state.clone();
        upon.iter()
            .filter(|own| done & (1 << **own) == 0)
            .all(|own| self.steps[*own].step.fits(&mut upon_those))
            && step.fits(&mut upon_those)
    }

    /// The state after the best order, and what could have come next.
    fn replayed(&self, start: &Model) -> (Model, Vec<usize>) {
        let mut state = start.clone();
        let mut done = 0;
        for at in &self.best {
            self.fits(*at, &mut state, done);
            done |= 1 << at;
        }
        (state, self.next(done).collect())
    }
}

impl Step {
    /// Does it on the model, and says whether the model gives the same answer.
    fn fits(&self, model: &mut Model) -> bool {
        match self {
            Self::Commit(changeset, answer) => model.commit(changeset).admits(answer),
            Self::Get(ids, found) => {
                ids.iter().map(|id| model.records.get(id)).eq(found.iter().map(Option::as_ref))
            }
            Self::Find(keys, found) => keys.iter().map(|key| model.find(key)).eq(found.iter().cloned()),
            Self::Page(index, prefix, found) => page(model, *index, prefix) == *found,
            Self::Number(key, value) => model.number(key) == *value,
        }
    }
}

fn page(model: &Model, index: Index, prefix: &Prefix) -> Vec<Record> {
    model.page(index, prefix, &Range::oldest(), usize::MAX)
}
