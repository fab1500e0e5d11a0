//! A handle that ends takes nothing from the others, and what was closed can be opened again.

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::sync::Barrier;

use crate::cx::Cx;
use crate::race::race;
use crate::subject::{Subject, another};

/// While callers use one handle, others are opened, used and dropped. No call of the first one fails, neither one that is
/// under way nor a later one.
pub async fn a_handle_that_ends_takes_nothing_from_another(cx: Cx) {
    const CALLERS: usize = 8;
    for round in 0..cx.rounds(4) {
        let Some(other) = another(&cx).await else { return };
        Subject::new(&cx, &format!("other {round}")).everything(&cx, &*other.store).await;
        let meet = Arc::new(Barrier::new(CALLERS + 1));
        let (user, here) = (cx.clone(), meet.clone());
        let callers = tokio::spawn(race(CALLERS, move |caller| {
            let (cx, here) = (user.clone(), here.clone());
            async move {
                here.wait().await;
                let subject = Subject::new(&cx, &format!("caller {round} {caller}"));
                subject.everything(&cx, &*cx.store()).await;
            }
        }));
        meet.wait().await;
        // Now the callers are about their first calls.
        drop(other);
        callers.await.unwrap_or_else(|lost| resume_unwind(lost.into_panic()));
        Subject::new(&cx, &format!("later {round}")).everything(&cx, &*cx.store()).await;
    }
}

/// The handle that was opened first ends and is opened again, and the one that was opened second goes on all the time.
pub async fn the_first_handle_that_ends_takes_nothing_from_the_second(cx: Cx) {
    let Some(second) = another(&cx).await else { return };
    for round in 0..cx.rounds(2) {
        Subject::new(&cx, &format!("both {round}")).everything(&cx, &*cx.store()).await;
        cx.close();
        Subject::new(&cx, &format!("alone {round}")).everything(&cx, &*second.store).await;
        assert!(cx.reopen().await, "the harness opens the data that another handle has open");
        Subject::new(&cx, &format!("again {round}")).everything(&cx, &*cx.store()).await;
        Subject::new(&cx, &format!("still {round}")).everything(&cx, &*second.store).await;
    }
}

/// Data are closed and opened again, time after time, and work each time. Where several handles may be open, a handle
/// is opened and ended beside the first one as well.
pub async fn data_that_were_closed_can_be_opened_again(cx: Cx) {
    for round in 0..cx.rounds(6) {
        if let Some(handle) = another(&cx).await {
            Subject::new(&cx, &format!("beside {round}")).everything(&cx, &*handle.store).await;
        } else if cx.facts().durable {
            assert!(cx.reopen().await, "the harness opens the data that were closed");
        }
        Subject::new(&cx, &format!("opened {round}")).everything(&cx, &*cx.store()).await;
    }
}
