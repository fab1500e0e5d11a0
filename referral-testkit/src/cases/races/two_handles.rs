//! Races on two handles on the same data, as two processes have them.

use std::sync::Arc;

use referral_core::store::{Change, Changeset, Outcome, Record, Store};

use super::contest::{RACERS, all_taken, race, winner};
use crate::cx::Cx;
use crate::make::{code, count, count_any, counter, give, insert, statistic, tally, update, user};

/// Two handles on the same data, as two processes have them, where the store says that they may.
pub(crate) async fn handles(cx: &Cx) -> Option<[Arc<dyn Store>; 2]> {
    if !cx.facts().shared {
        cx.not_exercised("a second handle: the store says that it is not shared");
        return None;
    }
    let second = cx.second_handle().await;
    if second.is_none() && cx.address().is_some() {
        panic!("the store says that processes may share it, and its harness cannot attach to it");
    }
    if second.is_none() {
        cx.skip("the harness gives no address at which another handle finds the data");
    }
    Some([cx.store(), second?])
}

/// The outcomes of what every racer commits, each on the one handle or on the other.
async fn on_handles(handles: &[Arc<dyn Store>; 2], changes: impl Fn(usize) -> Vec<Change>) -> Vec<Outcome> {
    race(|racer| {
        let (store, batch) = (handles[racer % 2].clone(), [Changeset::new(changes(racer))]);
        async move {
            let answer = store.commit(&batch).await.pop().expect("one answer");
            answer.expect("a lost race is a conflict, and not an error")
        }
    })
    .await
}

/// Two handles race for a code, a version and a response. One wins, also if each handle has seen before that they
/// are free.
pub async fn of_two_handles_one_wins(cx: Cx) {
    let Some(handles) = handles(&cx).await else { return };
    for round in 0..cx.rounds(6) {
        let (link, response) = (cx.link(), cx.response());
        cx.apply([insert(link.clone()), insert(response.clone())]).await;
        for handle in &handles {
            let found = handle.find(&[code(&format!("code-{round}"))]).await.unwrap();
            assert_eq!(found, [None]);
        }
        let aliases: Vec<_> = (0..RACERS).map(|_| cx.alias(&format!("code-{round}"))).collect();
        let outcomes = on_handles(&handles, |racer| vec![insert(aliases[racer].clone())]).await;
        all_taken(&outcomes, aliases[winner(&outcomes)].id.into());
        winner(&on_handles(&handles, |_| vec![update(link.clone(), 1)]).await);
        let claims = on_handles(&handles, |racer| vec![give([response.id], &racer.to_string(), 1)]).await;
        let winner = user(&winner(&claims).to_string());
        let Some(Record::Response(found)) = cx.get(response.id).await else { panic!("a response is gone") };
        assert_eq!(found.user, Some(winner), "round {round}");
    }
}

/// Two handles count to a bound and reach it exactly, and lose no count where there is no bound.
pub async fn two_handles_count_together(cx: Cx) {
    let Some(handles) = handles(&cx).await else { return };
    let (all, clicks) = (counter("all"), statistic("clicks", "all"));
    let rounds = cx.rounds(6);
    for round in 0..rounds {
        let bounded = counter(&round.to_string());
        let outcomes = on_handles(&handles, |_| vec![cx.witness(), count(&bounded, 1, 0, 5)]).await;
        let won = outcomes.iter().filter(|outcome| **outcome == Outcome::Applied).count() as i64;
        assert_eq!((won, cx.number(&bounded).await), (5, 5), "round {round}");
        let outcomes =
            on_handles(&handles, |_| vec![cx.witness(), count_any(&all, 1), tally(&clicks, 1)]).await;
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Applied), "{outcomes:?}");
    }
    let total = (RACERS * rounds) as i64;
    assert_eq!((cx.number(&all).await, cx.number(&clicks).await), (total, total));
}
