//! What a run of a case notes besides its outcome: what was not exercised, how much was, and what was done last.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use referral_core::store::StoreFacts;

use crate::panics::Panic;

/// The notes of one run of one case. Every thread that works for the case [knows](current) them.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    facts: OnceLock<StoreFacts>,
    not_exercised: Mutex<Vec<String>>,
    rounds: AtomicUsize,
    kills: AtomicUsize,
    steps: Mutex<Steps>,
    panics: Mutex<Vec<Panic>>,
}

/// The last calls of the store that the case made.
#[derive(Debug, Default)]
struct Steps {
    begun: usize,
    last: VecDeque<Step>,
}

#[derive(Debug)]
struct Step {
    number: usize,
    call: String,
    came: Option<String>,
}

/// How many calls are kept.
const LAST: usize = 10;

/// How many panics are kept: more than one for each caller of a race.
const PANICS: usize = 64;

impl Notes {
    /// What the store says about itself.
    pub(crate) fn says(&self, facts: StoreFacts) {
        let _ = self.facts.set(facts);
    }

    pub(crate) fn facts(&self) -> Option<StoreFacts> {
        self.facts.get().copied()
    }

    /// A part of the case cannot run here, for this reason. The same reason is kept once.
    pub(crate) fn not_exercised(&self, reason: String) {
        let mut reasons = self.not_exercised.lock().unwrap();
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }

    pub(crate) fn reasons(&self) -> Vec<String> {
        self.not_exercised.lock().unwrap().clone()
    }

    pub(crate) fn add_rounds(&self, rounds: usize) {
        self.rounds.fetch_add(rounds, Ordering::Relaxed);
    }

    pub(crate) fn rounds(&self) -> usize {
        self.rounds.load(Ordering::Relaxed)
    }

    /// A process was killed in the middle of its work.
    pub(crate) fn killed(&self) {
        self.kills.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn kills(&self) -> usize {
        self.kills.load(Ordering::Relaxed)
    }

    /// A call begins. The number is for its [answer](Self::came).
    pub(crate) fn called(&self, call: String) -> usize {
        let mut steps = self.steps.lock().unwrap();
        let number = steps.begun;
        steps.begun += 1;
        if steps.last.len() == LAST {
            steps.last.pop_front();
        }
        steps.last.push_back(Step { number, call, came: None });
        number
    }

    /// The answer of a call.
    pub(crate) fn came(&self, number: usize, answer: String) {
        let mut steps = self.steps.lock().unwrap();
        if let Some(step) = steps.last.iter_mut().find(|step| step.number == number) {
            step.came = Some(answer);
        }
    }

    /// The last calls, in the order in which they began, each with its answer.
    pub(crate) fn steps(&self) -> Vec<String> {
        let steps = self.steps.lock().unwrap();
        let say = |step: &Step| {
            let came = step.came.as_deref().unwrap_or("no answer came");
            format!("{} → {came}", step.call)
        };
        steps.last.iter().map(say).collect()
    }

    /// A thread that works for the case panics. Not every panic ends the case: proptest tries until few are left.
    pub(crate) fn panicked(&self, panic: Panic) {
        let mut panics = self.panics.lock().unwrap_or_else(PoisonError::into_inner);
        if panics.len() == PANICS {
            panics.remove(0);
        }
        panics.push(panic);
    }

    /// The panics that said this.
    pub(crate) fn panics(&self, said: &str) -> Vec<Panic> {
        let mut panics = self.panics.lock().unwrap_or_else(PoisonError::into_inner);
        let all = std::mem::take(&mut *panics);
        all.into_iter().filter(|panic| panic.text == said).collect()
    }
}

thread_local! {
    static NOTES: RefCell<Option<Arc<Notes>>> = const { RefCell::new(None) };
}

/// From now on this thread works for the case of these notes.
pub(crate) fn enter(notes: Option<Arc<Notes>>) {
    NOTES.set(notes);
}

/// The notes of the case that this thread works for. There are none in a test that does without the runner.
pub(crate) fn current() -> Option<Arc<Notes>> {
    NOTES.try_with(|notes| notes.try_borrow().ok()?.clone()).ok().flatten()
}
