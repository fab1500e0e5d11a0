//! A small durable store keeps every promise, the kill included; and the kill finds those that only seem durable.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test are test code too"
)]

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

/// Kills it a few times; whether the suite noticed.
fn killed(habit: Habit, test: &str) -> Outcome {
    let harness: Arc<dyn Harness> = Arc::new(JournalHarness(habit));
    let again = ["--exact", test, "--nocapture"].map(OsString::from).to_vec();
    let settings = Settings { soak: 6, again, ..Settings::default() };
    let kill = case("durability::a_killed_process_keeps_what_it_acknowledged").expect("the case");
    run(&harness, kill, &settings).outcome
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
