//! Two live processes on the same data, where the store says that they may share it.

use referral_core::store::Outcome;

use crate::cx::{Cx, assert_applied};
use crate::partner::{BOUND, KEYS, Partner, contend, contender, count_up, numbers, prize, show};
use crate::subject::Subject;

/// What a process answers whose changeset was applied.
fn applied() -> String {
    format!("{:?}", [Ok::<_, referral_core::store::StoreError>(Outcome::Applied)])
}

/// Two processes look for what is not there, and read it at each step of its life. One of them writes, in turn, and the
/// other one reads it at once, in every way.
pub async fn what_one_process_writes_another_one_reads_at_once(cx: Cx) {
    let Some(mut partner) = Partner::start(&cx).await else { return };
    for round in 0..cx.rounds(4) as u64 {
        let subject = Subject::numbered(round);
        let mut expected = format!("{:?} {:?}", subject.absent(), [0; 2]);
        let mut sum = 0;
        for (step, (what, changeset, there)) in subject.life().into_iter().enumerate() {
            assert_eq!(show(&*cx.store(), &subject).await, expected, "here, before one {what}");
            assert_eq!(partner.asked(&format!("show {round}")).await, expected, "there, before one {what}");
            let is_ours = (round as usize + step).is_multiple_of(2);
            if is_ours {
                assert_applied(&cx.commit_set(changeset).await);
                let witness = cx.witness();
                assert_applied(&cx.commit_set(subject.counted(witness, 1)).await);
            } else {
                let said = partner.asked(&format!("step {round} {step}")).await;
                assert_eq!(said, applied(), "what the other process was answered that {what}");
                let number = (1 << 32) + round * 16 + step as u64;
                let said = partner.asked(&format!("count {round} {number}")).await;
                assert_eq!(said, applied(), "what the other process was answered that counted");
            }
            sum += 1;
            expected = format!("{there:?} {:?}", [sum; 2]);
            let (here, who) = if is_ours {
                (partner.asked(&format!("show {round}")).await, "the other process shows, after this one")
            } else {
                (show(&*cx.store(), &subject).await, "this process shows, after the other one")
            };
            assert_eq!(here, expected, "round {round}: what {who} {what}");
        }
    }
    // The audit would take what the other process wrote for an error.
    cx.history().forget();
}

/// Two processes insert the same codes at once. Each code has one winner, and both processes find it.
pub async fn of_two_processes_one_wins_each_key(cx: Cx) {
    let Some(mut partner) = Partner::start(&cx).await else { return };
    for round in 0..cx.rounds(3) as u64 {
        let store = cx.store();
        let (here, there) = partner.contest(&format!("keys {round}"), || contend(&store, round, 1)).await;
        let both: Vec<_> = here.chars().zip(there.chars()).collect();
        assert_eq!(both.len(), KEYS as usize, "each process tells of each key: {here:?} and {there:?}");
        for (key, both) in (0..).zip(both) {
            let winner = match both {
                ('+', '-') => 1,
                ('-', '+') => 2,
                _ => panic!("round {round}: key {key} has one winner: {here} here and {there} there"),
            };
            let holder = cx.find(prize(round, key)).await.map(|record| record.id());
            let winner = contender(round, key, winner).id;
            assert_eq!(holder, Some(winner.into()), "round {round}: who holds key {key}");
        }
    }
    cx.history().forget();
}

/// Two processes count up to a bound at once, and tally beside it. The bound is reached exactly, and each applied
/// changeset is in both numbers once.
pub async fn two_processes_count_together(cx: Cx) {
    let Some(mut partner) = Partner::start(&cx).await else { return };
    for round in 0..cx.rounds(2) as u64 {
        let store = cx.store();
        let (here, there) = partner.contest(&format!("numbers {round}"), || count_up(&store, round, 1)).await;
        let there: usize = there.parse().expect("a number");
        let [bounded, free] = numbers(round);
        let stored = (cx.number(&bounded).await, cx.number(&free).await);
        assert_eq!(stored, (BOUND, BOUND), "round {round}: the numbers that two processes counted up");
        let counted = (here + there) as i64;
        assert_eq!(counted, BOUND, "round {round}: {here} counts here and {there} there were applied");
    }
    cx.history().forget();
}
