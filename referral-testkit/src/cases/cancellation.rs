//! A caller may go away at any moment.

use std::future::{Future, poll_fn};
use std::task::Poll;

use referral_core::RecordId;
use referral_core::store::{Change, Changeset, Conflict, Index, Outcome, Range};

use crate::cx::Cx;
use crate::make::{claim, code, count_any, counter, insert, natural, nobody, statistic, tally, update};

/// How many polls the longest-lived call gets.
const POLLS: usize = 10;

/// Polls a future so often at most, and drops it then.
async fn drop_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = polls;
    poll_fn(move |context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => {
            left -= 1;
            if left == 0 { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}

/// Makes the changeset again, as a caller does that does not know what became of it: it must have been applied
/// whole or not at all, so now it is there exactly once.
async fn settle(cx: &Cx, changes: Vec<Change>, witness: RecordId, what: &str) {
    match cx.commit(changes).await {
        Ok(Outcome::Applied) => {}
        Ok(Outcome::Conflict { index: 0, conflict: Conflict::Stale { id, now: Some(_) } })
            if id == witness => {}
        other => panic!("{what}: a retried changeset is new, or known by its witness: {other:?}"),
    }
}

/// Dropped after one poll, after two, after three …
pub async fn a_dropped_commit_is_whole_or_absent(cx: Cx) {
    let (uses, clicks) = (counter("uses"), statistic("clicks", "all"));
    let mut made = 0;
    for polls in (1..=POLLS).cycle().take(cx.rounds(2 * POLLS)) {
        made += 1;
        let (link, alias) = (cx.natural_link(&format!("key-{made}")), cx.alias(&format!("code-{made}")));
        let changes = vec![
            insert(link.clone()),
            count_any(&uses, 1),
            insert(alias.clone()),
            tally(&clicks, 1),
            cx.witness(),
        ];
        let store = cx.store();
        let batch = [Changeset::new(changes.clone())];
        drop_after(polls, store.commit(&batch)).await;
        let what = format!("dropped after {polls} polls");
        settle(&cx, changes, link.id.into(), &what).await;
        assert_eq!(cx.get(link.id).await, Some(link.clone().into()), "{what}");
        assert_eq!(cx.find(natural(&format!("key-{made}"))).await, Some(link.into()), "{what}");
        assert_eq!(cx.find(code(&format!("code-{made}"))).await, Some(alias.into()), "{what}");
        assert_eq!((cx.number(&uses).await, cx.number(&clicks).await), (made, made), "{what}");
    }
}

/// Each of its members by itself.
pub async fn a_dropped_batch_leaves_each_changeset_whole_or_absent(cx: Cx) {
    let uses = counter("uses");
    let mut made = 0;
    for polls in 1..=POLLS {
        let members: Vec<_> = (0..4)
            .map(|member| {
                let (link, alias) = (cx.link(), cx.alias(&format!("code-{polls}-{member}")));
                let changes = vec![insert(link.clone()), insert(alias.clone()), count_any(&uses, 1)];
                (link, alias, changes)
            })
            .collect();
        let batch: Vec<_> = members.iter().map(|(_, _, changes)| Changeset::new(changes.clone())).collect();
        let store = cx.store();
        drop_after(polls, store.commit(&batch)).await;
        let what = format!("dropped after {polls} polls");
        for (link, alias, changes) in members {
            settle(&cx, changes, link.id.into(), &what).await;
            made += 1;
            assert_eq!(cx.get(link.id).await, Some(link.into()), "{what}");
            assert_eq!(cx.get(alias.id).await, Some(alias.into()), "{what}");
        }
        assert_eq!(cx.number(&uses).await, made, "{what}");
    }
}

/// All responses or none, and their places in the indexes.
pub async fn a_dropped_claim_is_whole_or_absent(cx: Cx) {
    let clicks = statistic("clicks", "all");
    for polls in 1..=POLLS {
        let responses: Vec<_> = (0..5).map(|_| cx.response()).collect();
        cx.insert(responses.clone()).await;
        let owner = format!("user-{polls}");
        let ids: Vec<_> = responses.iter().map(|response| response.id).collect();
        let changes = vec![claim(ids.clone(), &owner, 1), tally(&clicks, 1)];
        let store = cx.store();
        let batch = [Changeset::new(changes.clone())];
        drop_after(polls, store.commit(&batch)).await;
        let what = format!("dropped after {polls} polls");
        settle(&cx, changes, ids[0].into(), &what).await;
        for id in &ids {
            assert_eq!(cx.version(*id).await, Some(2), "{what}");
        }
        let found = cx.page(Index::ResponsesOfUser, &nobody().text(&owner), Range::newest(), 9).await;
        assert_eq!(found.len(), ids.len(), "{what}");
        assert_eq!(cx.number(&clicks).await, polls as i64, "{what}");
    }
}

/// Many at once, writes and reads: no connection, lock or transaction stays behind.
pub async fn dropped_calls_leave_a_usable_store(cx: Cx) {
    let link = cx.link();
    cx.insert([link.clone()]).await;
    for polls in (1..=POLLS).cycle().take(cx.rounds(POLLS)) {
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let (cx, id) = (cx.clone(), RecordId::from(link.id));
                tokio::spawn(async move {
                    let store = cx.store();
                    let batch = [Changeset::new([cx.witness(), count_any(&counter("uses"), 1)])];
                    drop_after(polls, store.commit(&batch)).await;
                    drop_after(polls, store.get(&[id])).await;
                    drop_after(polls, store.find(&[natural("none")])).await;
                    drop_after(polls, store.page(Index::Links, &nobody(), &Range::newest(), 9)).await;
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
    }
    let mut version = 1;
    for _ in 0..20 {
        cx.apply([update(link.clone(), version), count_any(&counter("after"), 1)]).await;
        version += 1;
    }
    assert_eq!((cx.version(link.id).await, cx.number(&counter("after")).await), (Some(version), 20));
}
