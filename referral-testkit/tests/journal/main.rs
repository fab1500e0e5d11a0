//! A small durable store keeps every promise, the kill included; and the kill finds those that only seem durable.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test are test code too"
)]

mod format;
mod journal;

use std::ffi::OsString;
use std::sync::Arc;

use journal::{Habit, Journal};
use referral_testkit::{Guard, Harness, Opened, Outcome, Settings, async_trait, case, conformance, run};
use tempfile::TempDir;

struct JournalHarness(Habit);

#[async_trait]
impl Harness for JournalHarness {
    fn name(&self) -> &str {
        "journal"
    }

    fn setup(&self) -> &str {
        "nothing is needed"
    }

    async fn open(&self) -> Option<Opened> {
        let folder = TempDir::new().expect("a temporary folder");
        Some(Opened::new(Journal::open(folder.path(), self.0).await, folder))
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let folder = guard.downcast::<TempDir>().ok()?;
        Some(Opened::new(Journal::open(folder.path(), self.0).await, *folder))
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        Some(guard.downcast_ref::<TempDir>()?.path().to_str()?.to_owned())
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        Some(Opened::new(Journal::open(address.as_ref(), self.0).await, ()))
    }
}

mod honest {
    use super::*;

    conformance!(JournalHarness(Habit::Honest));
}

/// It loses what it acknowledged last, as it says, and tears nothing.
mod forgetful {
    use super::*;

    conformance!(JournalHarness(Habit::Forgetful));
}

/// What a case says of a store with a habit; `test` is the test that asks.
fn outcome(habit: Habit, id: &str, soak: usize, test: &str) -> Outcome {
    let harness: Arc<dyn Harness> = Arc::new(JournalHarness(habit));
    let again = ["--exact", test, "--nocapture"].map(OsString::from).to_vec();
    let settings = Settings { soak, again, ..Settings::default() };
    run(&harness, case(id).expect("the case"), &settings).outcome
}

/// What the kill that asks for acknowledged records says, a few times.
fn killed(habit: Habit, test: &str) -> Outcome {
    outcome(habit, "durability::a_killed_process_keeps_what_it_acknowledged", 6, test)
}

#[test]
fn a_store_that_answers_before_it_has_written_is_caught() {
    let outcome = killed(Habit::Buffered, "a_store_that_answers_before_it_has_written_is_caught");
    assert!(matches!(&outcome, Outcome::Failed(how) if how.contains("was acknowledged")), "{outcome:?}");
}

#[test]
fn a_store_that_writes_change_by_change_is_caught() {
    let outcome = killed(Habit::Piecemeal, "a_store_that_writes_change_by_change_is_caught");
    assert!(matches!(&outcome, Outcome::Failed(how) if how.contains("half there")), "{outcome:?}");
}

/// A test for each habit: the kill of the group `crash` notices it, at the default number of rounds.
macro_rules! caught {
    ($($test:ident: $habit:ident, $says:literal;)+) => {
        $(#[test]
        fn $test() {
            let id = "crash::a_killed_process_leaves_every_changeset_whole_or_absent";
            let outcome = outcome(Habit::$habit, id, 1, stringify!($test));
            assert!(matches!(&outcome, Outcome::Failed(how) if how.contains($says)), "{outcome:?}");
        })+
    };
}

caught! {
    answers_given_too_early_are_caught: Buffered, "a changeset is not whole";
    changes_written_one_by_one_are_caught: Piecemeal, "a changeset is not whole";
    changesets_written_in_pieces_are_caught: InPieces, "a changeset is not whole";
    changesets_written_in_pieces_are_caught_without_durability: ForgetfulInPieces, "a changeset is not whole";
    batches_written_in_pieces_are_caught: BatchInPieces, "a changeset is not whole";
    patches_written_in_pieces_are_caught: PatchInPieces, "a changeset is not whole";
    a_last_changeset_that_is_replayed_by_half_is_caught: LastHalf, "a changeset is not whole";
    numbers_that_are_written_apart_are_caught: NumbersApart, "kill";
    statistics_that_are_not_written_are_caught: NoTallies, "kill";
    updates_that_are_not_written_are_caught: NoUpdates, "a changeset is not whole";
    deletes_that_are_not_written_are_caught: NoDeletes, "a changeset is not whole";
    index_entries_that_are_not_made_again_are_caught: NoEntries, "oldest first";
    numbers_that_are_replayed_twice_are_caught: NumbersTwice, "kill";
}
