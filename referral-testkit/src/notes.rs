//! What a run of a case notes besides its outcome: what was not exercised, and how much was.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use referral_core::store::StoreFacts;

/// The notes of one run of one case. Every thread that works for the case [knows](current) them.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    facts: OnceLock<StoreFacts>,
    not_exercised: Mutex<Vec<String>>,
    rounds: AtomicUsize,
    kills: AtomicUsize,
}

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
