//! What one handle writes, another one reads at once, whatever it read before.

use referral_core::store::Store;

use crate::cx::Cx;
use crate::subject::{Subject, another, commit};

/// Two handles look for what is not there. One writes it, and the other one reads it at once, in every way.
pub async fn what_was_absent_is_read_on_each_handle_once_it_is_inserted(cx: Cx) {
    let Some(other) = another(&cx).await else { return };
    let handles = [cx.store(), other.store.clone()];
    for round in 0..cx.rounds(6) {
        let subject = Subject::new(&cx, &format!("absent {round}"));
        for handle in &handles {
            let shown = subject.shown(&**handle).await;
            assert_eq!(shown, subject.absent(), "round {round}: what is there before anybody wrote");
        }
        let (writer, reader) = (&*handles[round % 2], &*handles[(round + 1) % 2]);
        let (_, changeset, there) = subject.life().swap_remove(0);
        commit(writer, changeset).await;
        let shown = subject.shown(reader).await;
        assert_eq!(shown, there, "round {round}: what a handle shows that another handle inserted");
    }
}

/// Two handles read a record in every way. One updates, patches and deletes it, and the other one reads each change at
/// once.
pub async fn what_was_read_is_read_anew_on_each_handle_once_it_is_changed(cx: Cx) {
    let Some(other) = another(&cx).await else { return };
    let handles = [cx.store(), other.store.clone()];
    for round in 0..cx.rounds(6) {
        let subject = Subject::new(&cx, &format!("read {round}"));
        for (step, (what, changeset, there)) in subject.life().into_iter().enumerate() {
            // In half of the rounds one handle does it all, in the other half they take turns.
            let writer = if round % 4 < 2 { round % 2 } else { (round + step) % 2 };
            commit(&*handles[writer], changeset).await;
            for (handle, who) in [(1 - writer, "the other handle"), (writer, "the handle itself")] {
                let shown = subject.shown(&*handles[handle]).await;
                assert_eq!(shown, there, "round {round}: what {who} shows after one handle {what}");
            }
        }
    }
}

/// Two handles read numbers. Either one changes them, and the other one reads the sum at once.
pub async fn numbers_are_read_anew_on_each_handle(cx: Cx) {
    let Some(other) = another(&cx).await else { return };
    let handles = [cx.store(), other.store.clone()];
    let subject = Subject::new(&cx, "numbers");
    let mut sum = 0;
    for (step, add) in [1, 5, -6, 1, 2, -3, 10].into_iter().enumerate() {
        for handle in &handles {
            assert_eq!(subject.read_numbers(&**handle).await, [sum; 2], "step {step}: before it");
        }
        commit(&*handles[step % 2], subject.counted(cx.witness(), add)).await;
        sum += add;
        let shown = subject.read_numbers(&*handles[(step + 1) % 2]).await;
        assert_eq!(shown, [sum; 2], "step {step}: what a handle shows that another handle counted");
    }
}

/// A changeset is committed on one handle from the version and the key that the other one wrote a moment ago, over and
/// over. None of them is refused, because each handle decides by what is stored.
pub async fn each_handle_decides_by_what_another_one_wrote(cx: Cx) {
    let Some(other) = another(&cx).await else { return };
    let handles: [&dyn Store; 2] = [&*cx.store(), &*other.store];
    for round in 0..cx.rounds(4) {
        let name = format!("decided {round}");
        let subject = Subject::new(&cx, &name);
        for (step, (_, changeset, _)) in subject.life().into_iter().enumerate() {
            commit(handles[step % 2], changeset).await;
        }
        // Its id and its keys are free again for the handle that did not delete it.
        for (step, (_, changeset, _)) in subject.life().into_iter().enumerate() {
            commit(handles[step % 2], changeset).await;
        }
    }
}
