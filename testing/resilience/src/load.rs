//! What is written while stores and servers are killed: changesets by themselves, and clicks through the facade.

use std::sync::Arc;
use std::time::Duration;

use referral_core::store::{Change, Changeset, Conflict, Outcome, Record, Store, StoreError, StoreErrorKind};
use referral_core::visit::{Method, TouchOutcome};
use referral_core::{Code, Error, KeyRing, LinkDraft, Referrals, ResponseId, Via, Visit};
use referral_testkit::child::changeset;

/// Over how many links their clicks are spread, so that writers meet.
const POPULAR: u64 = 4;
/// How long to wait between an error and the next try.
const PAUSE: Duration = Duration::from_millis(20);

/// A store, and a facade over it.
#[derive(Clone, Debug)]
pub struct Load {
    store: Arc<dyn Store>,
    referrals: Referrals,
}

impl Load {
    /// Over a store as it is. The facade's own group commit is left away: where it is wanted, it is around the store.
    ///
    /// # Panics
    /// Where no facade can be built.
    #[must_use]
    pub fn over(store: Arc<dyn Store>) -> Self {
        let keys = KeyRing::generate().expect("keys");
        let builder = Referrals::builder(store.clone(), keys, "https://shop.example").with_group_commit(None);
        Self { store, referrals: builder.build().expect("a facade") }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Makes the links that are clicked. They have a limit far away, so that each click counts exactly as well.
    ///
    /// # Panics
    /// Where the store fails.
    pub async fn prepare(&self) {
        for which in 0..POPULAR {
            let draft = LinkDraft::to("/").unwrap().with_code(popular(which)).with_click_limit(1_000_000_000);
            self.referrals.links().create(draft).await.expect("a link to click on");
        }
    }

    /// Writes the changeset of a number until its fate is known: applied.
    ///
    /// Each error is reported to `hear`, and the same changeset is committed again after a pause.
    ///
    /// # Panics
    /// On an error that a retry cannot help, and on a conflict that must not happen. A conflict of the changeset
    /// with itself, without an `UnknownOutcome` before it, means that the store said "nothing was written" although
    /// it had written.
    pub async fn write(&self, number: u64, mut hear: impl FnMut(&StoreError)) {
        let changeset = changeset(number);
        let mut errors = Vec::new();
        loop {
            let answer = self.store.commit(std::slice::from_ref(&changeset)).await.pop().expect("an answer");
            match answer {
                Ok(Outcome::Applied) => return,
                Ok(outcome)
                    if is_itself(&changeset, &outcome)
                        && errors.contains(&StoreErrorKind::UnknownOutcome) =>
                {
                    return;
                }
                Ok(outcome) => panic!("{number} met {outcome:?} after the errors {errors:?}"),
                Err(error) if error.is_retryable() => {
                    hear(&error);
                    errors.push(error.kind());
                }
                Err(error) => panic!("{number}: {error:?}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A click of a new visitor on one of the popular links.
    ///
    /// # Errors
    /// What the facade says, if it is to be tried again.
    ///
    /// # Panics
    /// On any other answer.
    pub async fn click(&self, writer: u64) -> Result<ResponseId, Error> {
        let visit = Visit::new(Method::Get, "/r/popular").with_agent("Mozilla/5.0");
        let code = popular(writer % POPULAR);
        match self.referrals.touch(code.as_str(), &visit, Via::Click).await.outcome {
            TouchOutcome::Recorded(response) => Ok(response.id),
            TouchOutcome::Failed(error) if error.is_retryable() => Err(error),
            other => panic!("a click on {code}: {other:?}"),
        }
    }

    /// Pauses after an error.
    pub async fn pause(&self) {
        tokio::time::sleep(PAUSE).await;
    }
}

fn popular(which: u64) -> Code {
    Code::new(format!("popular-{which}")).unwrap()
}

/// Whether what stands in the way of a changeset is its own witness.
fn is_itself(changeset: &Changeset, outcome: &Outcome) -> bool {
    let Some(Change::Insert(witness)) = changeset.changes().first() else { return false };
    let id = Record::id(witness);
    matches!(outcome, Outcome::Conflict { index: 0, conflict: Conflict::Stale { id: stale, now: Some(_) } } if *stale == id)
}
