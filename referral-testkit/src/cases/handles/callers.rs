//! Many callers of one handle, and the runtimes that they may come from.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use referral_core::store::{CounterRange, Family, Index, MAX_PAGE, Outcome, Range};
use tokio::sync::oneshot;

use crate::cx::{Cx, assert_invalid};
use crate::make::{count, counter, delete, natural, nobody, numbers_of};
use crate::race::race;
use crate::subject::{Subject, another, commit};

/// Many more callers at once than any pool has connections write and read. Each of them is served.
pub async fn many_more_callers_than_connections_are_all_served(cx: Cx) {
    const CALLERS: usize = 96;
    for round in 0..cx.rounds(1) {
        let user = cx.clone();
        race(CALLERS, move |caller| {
            let cx = user.clone();
            async move {
                let subject = Subject::new(&cx, &format!("caller {round} {caller}"));
                let ((_, changeset, there), store) = (subject.life().swap_remove(0), cx.store());
                // Half of them read first, so that reads and writes hold connections at the same time.
                if caller % 2 == 0 {
                    assert_eq!(subject.shown(&*store).await, subject.absent(), "caller {caller}");
                }
                commit(&*store, changeset).await;
                assert_eq!(subject.shown(&*store).await, there, "caller {caller} reads what it wrote");
                commit(&*store, subject.counted(cx.witness(), 1)).await;
                assert_eq!(subject.read_numbers(&*store).await, [1, 1], "caller {caller} counted once");
            }
        })
        .await;
    }
}

/// Calls that are refused, more of them than any pool has connections, leave a handle that works.
pub async fn calls_that_are_refused_leave_a_handle_that_works(cx: Cx) {
    const CALLS: usize = 70;
    let (store, link, cap) = (cx.store(), cx.link(), counter("cap"));
    cx.insert([link.clone()]).await;
    for _ in 0..CALLS {
        // A conflict of a record, and one of a number behind a write.
        cx.stale([delete(link.id, 7)], 0, link.id, Some(1)).await;
        let (index, _) = cx.refused([cx.witness(), count(&cap, 1, 5, 9)]).await;
        assert_eq!(index, 1, "the count is refused");
    }
    for _ in 0..CALLS {
        let ids = vec![link.id.into(); MAX_PAGE as usize + 1];
        assert_invalid(store.get(&ids).await, "a read of 1,001 ids");
        let keys = vec![natural("any"); MAX_PAGE as usize + 1];
        assert_invalid(store.find(&keys).await, "a read of 1,001 keys");
        let page = store.page(Index::Links, &nobody(), &Range::newest(), MAX_PAGE + 1).await;
        assert_invalid(page, "a page of 1,001 records");
        let many = CounterRange::first(MAX_PAGE + 1);
        assert_invalid(store.counters(&numbers_of("", Family::LinkUses, &[]), &many).await, "1,001 numbers");
        let invalid = cx.commit([delete(link.id, 1), delete(link.id, 1)]).await;
        assert_invalid(invalid, "a changeset that touches a record twice");
    }
    assert!(matches!(cx.commit([]).await, Ok(Outcome::Applied)), "an empty changeset is applied");
    Subject::new(&cx, "afterwards").everything(&cx, &*store).await;
}

/// Runs the work on a runtime with one thread, which ends with it.
async fn on_one_thread<F>(work: impl FnOnce() -> F + Send + 'static)
where
    F: Future<Output = ()>,
{
    let (tell, told) = oneshot::channel();
    let thread = std::thread::Builder::new().name("one thread".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work())));
        drop(runtime);
        let _ = tell.send(ended);
    });
    thread.expect("a thread");
    told.await.expect("the thread tells how the work ended").unwrap_or_else(|panic| resume_unwind(panic));
}

/// Every call works on a runtime with one thread, alone and among others: on a handle of its own, where the store is
/// shared, and otherwise on the handle that was opened on another runtime.
pub async fn a_runtime_with_one_thread_is_enough(cx: Cx) {
    // A handle that was opened while one runtime lived says nothing about the next one, so each opens its own.
    for round in 0..2 {
        let here = cx.clone();
        on_one_thread(move || async move {
            let own = another(&here).await;
            let store = own.as_ref().map_or_else(|| here.store(), |own| own.store.clone());
            Subject::new(&here, &format!("alone {round}")).everything(&here, &*store).await;
            let user = here.clone();
            race(12, move |caller| {
                let (cx, store) = (user.clone(), store.clone());
                async move {
                    Subject::new(&cx, &format!("of many {round} {caller}")).everything(&cx, &*store).await;
                }
            })
            .await;
        })
        .await;
    }
    Subject::new(&cx, "many threads").everything(&cx, &*cx.store()).await;
}
