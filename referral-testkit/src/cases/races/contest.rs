//! Starts the callers of a race and tells who won.

use referral_core::store::{Change, Conflict, Outcome, RecordId, StoreError};

use crate::cx::Cx;

/// How many run at once.
pub(super) const RACERS: usize = 8;

/// Runs `RACERS` futures from one barrier; their results, in the order of racers.
pub(super) async fn race<T, F>(run: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    crate::race::race(RACERS, run).await
}

/// Commits what `changes` gives each racer, all at once.
pub(super) async fn commits(cx: &Cx, changes: impl Fn(usize) -> Vec<Change>) -> Vec<Outcome> {
    let answers: Vec<Result<Outcome, StoreError>> = race(|racer| {
        let (cx, changes) = (cx.clone(), changes(racer));
        async move { cx.commit(changes).await }
    })
    .await;
    answers.into_iter().map(|answer| answer.expect("a lost race is a conflict, and not an error")).collect()
}

/// The one racer that was applied.
pub(super) fn winner(outcomes: &[Outcome]) -> usize {
    let winners: Vec<_> = (0..outcomes.len()).filter(|racer| outcomes[*racer] == Outcome::Applied).collect();
    assert_eq!(winners.len(), 1, "one winner: {outcomes:?}");
    winners[0]
}

/// Every loser learns who won it.
pub(super) fn all_taken(outcomes: &[Outcome], by: RecordId) {
    for outcome in outcomes {
        let fits = matches!(outcome, Outcome::Applied)
            || matches!(outcome, Outcome::Conflict { index: 0, conflict: Conflict::Taken { holder, .. } } if *holder == by);
        assert!(fits, "the winner is {by}: {outcome:?}");
    }
}
