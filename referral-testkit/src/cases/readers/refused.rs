//! What is not committed is never read, and who writes keeps nobody from reading.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use referral_core::store::{Change, Changeset, CounterRange, Family, Index, Outcome, Range};
use referral_core::{Link, Response};

use super::beside::{Pace, beside};
use crate::cx::{Cx, assert_applied};
use crate::make::{
    code, count_any, counter, expect, insert, natural, nobody, numbers_of, patch, statistic, tally, text,
    update, user, words,
};

/// Changesets write records and numbers and are refused by their last change, alone and in batches among others that
/// are applied. No read ever gives anything of them.
pub async fn nothing_of_a_refused_changeset_is_ever_read(cx: Cx) {
    let (link, beside_it) = (cx.link(), cx.response());
    cx.apply([insert(link.clone()), insert(beside_it.clone())]).await;
    let (uses, clicks) = (counter("uses"), statistic("clicks", "all"));
    let absent = cx.link().id;
    let (writer, of_link, of_response) = (cx.clone(), link.id, beside_it.id);
    let write = move |_, mut pace: Pace| {
        let (cx, link, response) = (writer.clone(), link.clone(), beside_it.clone());
        let (uses, clicks) = (counter("uses"), statistic("clicks", "all"));
        async move {
            for step in 0..cx.rounds(40) {
                pace.step().await;
                let refused = |turn: usize| {
                    let mut changes: Vec<Change> = vec![
                        insert(Response { user: Some(user("refused")), ..cx.response() }),
                        insert(cx.alias("refused")),
                        update(Link { label: text("refused"), ..link.clone() }, 1),
                        patch([(response.id, 1)], [("user", words("refused"))]),
                        count_any(&uses, 1000),
                        tally(&clicks, 1000),
                    ];
                    // The numbers may be written before the records or behind them, behind a witness.
                    changes[1..].rotate_left(turn % 5);
                    changes.push(expect(absent, 1));
                    Changeset::new(changes)
                };
                let applied = || Changeset::new([cx.witness(), count_any(&uses, 1), tally(&clicks, 1)]);
                let batch = match step % 3 {
                    0 => vec![refused(step)],
                    1 => vec![applied(), refused(step), applied()],
                    _ => vec![refused(step), refused(step + 1), applied()],
                };
                for (changeset, answer) in batch.iter().zip(cx.batch(&batch).await) {
                    if changeset.changes().len() == 3 {
                        assert_applied(&answer);
                    } else {
                        let refused = matches!(answer, Ok(Outcome::Conflict { index: 6, .. }));
                        assert!(refused, "the last change is refused: {answer:?}");
                    }
                }
            }
        }
    };
    let read = move |_| {
        let (cx, uses, clicks) = (cx.clone(), uses.clone(), clicks.clone());
        async move {
            let (used, clicked) = (cx.number(&uses).await, cx.number(&clicks).await);
            assert!(used < 1000, "a count of a refused changeset was read: {used}");
            assert!(clicked < 1000, "a tally of a refused changeset was read: {clicked}");
            let page =
                cx.records(Index::ResponsesOfUser, &nobody().text("refused"), Range::newest(), 9).await;
            assert_eq!(page, [], "what a page gives of changesets that were refused");
            let found = cx.find(code("refused")).await;
            assert_eq!(found, None, "who holds a key that only refused changesets take");
            let versions = (cx.version(of_link).await, cx.version(of_response).await);
            assert_eq!(versions, (Some(1), Some(1)), "the versions of what was never written");
        }
    };
    beside(1, write, read).await;
}

/// The most commits that may begin and end during one read.
const COMMITS: usize = 10_000;

/// Writers go on for as long as others read. Every read ends, and none of them fails.
pub async fn reads_end_while_writers_go_on(cx: Cx) {
    let (link, uses) = (cx.natural_link("busy"), counter("busy"));
    cx.insert([link.clone()]).await;
    let (commits, enough) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let (cx, commits, enough, uses) = (cx.clone(), commits.clone(), enough.clone(), uses.clone());
            tokio::spawn(async move {
                let own = cx.link();
                cx.insert([own.clone()]).await;
                for was in 1.. {
                    if enough.load(Ordering::SeqCst) {
                        break;
                    }
                    cx.apply([update(own.clone(), was), count_any(&uses, 1)]).await;
                    commits.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    // Whatever ends this ends the writers too.
    let stop = Stop(enough);
    for _ in 0..cx.rounds(12) {
        for what in ["get", "find", "page", "counters"] {
            let (reader, id, before) = (cx.clone(), link.id, commits.load(Ordering::SeqCst));
            let mut read = tokio::spawn(async move {
                match what {
                    "get" => reader.version(id).await.is_some(),
                    "find" => reader.find(natural("busy")).await.is_some(),
                    "page" => !reader.page(Index::Links, &nobody(), Range::oldest(), 9).await.is_empty(),
                    _ => {
                        let busy = numbers_of("", Family::LinkUses, &["busy"]);
                        reader.numbers(&busy, &CounterRange::first(9)).await.len() < 2
                    }
                }
            });
            let there = loop {
                tokio::select! {
                    biased;
                    ended = &mut read => {
                        break ended.unwrap_or_else(|lost| std::panic::resume_unwind(lost.into_panic()));
                    }
                    () = tokio::task::yield_now() => {
                        let meanwhile = commits.load(Ordering::SeqCst) - before;
                        assert!(meanwhile < COMMITS, "{what} has not ended while others committed {meanwhile} times");
                    }
                }
            };
            assert!(there, "{what} gives what is there all the time");
        }
    }
    drop(stop);
    for writer in writers {
        writer.await.unwrap_or_else(|lost| std::panic::resume_unwind(lost.into_panic()));
    }
}

struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
