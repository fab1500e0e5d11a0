//! Every ordered pair of changes that can touch the same record, key or number, one after another and at once. The pairs
//! are made from one table, and what may be answered comes from the model.

mod field;
mod ground;
mod ways;

use std::sync::Arc;

use futures_util::future::join;
use referral_core::store::{Changeset, Store};
use tokio::sync::Barrier;

use crate::cases::races::handles;
use crate::cx::Cx;
use crate::serial::{Call, Clock};
use field::{Field, SIDES};
use ground::{Ground, commit};

/// What one side does.
type Batch = Vec<(usize, Changeset)>;

/// The one change is committed, and then the other one. Each is answered as the model answers it.
pub async fn two_changes_made_one_after_another_are_answered_as_by_the_model(cx: Cx) {
    in_turn(&cx, &[cx.store(), cx.store()]).await;
}

/// The one change is committed on one handle, and then the other one on another handle, which has read everything before.
pub async fn two_changes_made_on_two_handles_are_answered_as_by_the_model(cx: Cx) {
    if let Some(handles) = handles(&cx).await {
        in_turn(&cx, &handles).await;
    }
}

async fn in_turn(cx: &Cx, handles: &[Arc<dyn Store>; 2]) {
    for turn in 0..cx.rounds(1) {
        let mut ground = Ground::new(cx, turn, 2, |_| true).await;
        ground.read(&handles[0]).await;
        ground.read(&handles[1]).await;
        for at in 0..ground.fields.len() {
            for (side, handle) in handles.iter().enumerate() {
                let changeset = Changeset::new(ground.fields[at].touched(side, side));
                let calls = commit(handle, &ground.clock, side, vec![(at, changeset)]).await;
                ground.add(calls);
            }
        }
        ground.settle(handles).await;
    }
}

/// Both changes are in one changeset. It is answered as the model answers it, also where it breaks a rule.
pub async fn two_changes_of_one_changeset_are_answered_as_by_the_model(cx: Cx) {
    for turn in 0..cx.rounds(1) {
        let mut ground = Ground::new(&cx, turn, 2, |_| true).await;
        let both = |field: &Field| field.touched(0, 0).into_iter().chain(field.touched(1, 1));
        let all: Batch =
            ground.fields.iter().enumerate().map(|(at, field)| (at, Changeset::new(both(field)))).collect();
        for some in all.chunks(16) {
            let calls = commit(&cx.store(), &ground.clock, 0, some.to_vec()).await;
            ground.add(calls);
        }
        ground.settle(&[cx.store()]).await;
    }
}

/// Both changes are made twice in one batch. Each is answered as the model answers it.
pub async fn two_changes_of_one_batch_are_answered_as_by_the_model(cx: Cx) {
    for turn in 0..cx.rounds(1) {
        let mut ground = Ground::new(&cx, turn, SIDES, |_| true).await;
        let mut all = Batch::new();
        for (at, field) in ground.fields.iter().enumerate() {
            all.extend((0..SIDES).map(|side| (at, Changeset::new(field.touched(side % 2, side)))));
        }
        for some in all.chunks(16) {
            let calls = commit(&cx.store(), &ground.clock, 0, some.to_vec()).await;
            ground.add(calls);
        }
        ground.settle(&[cx.store()]).await;
    }
}

/// The two changes are committed at once, by two callers.
pub async fn two_changes_made_at_once_have_a_serial_order(cx: Cx) {
    at_once(&cx, &[cx.store(), cx.store()]).await;
}

/// The two changes are committed at once, on two handles.
pub async fn two_changes_made_at_once_on_two_handles_have_a_serial_order(cx: Cx) {
    if let Some(handles) = handles(&cx).await {
        at_once(&cx, &handles).await;
    }
}

async fn at_once(cx: &Cx, handles: &[Arc<dyn Store>; 2]) {
    for turn in 0..cx.rounds(2) {
        let mut ground = Ground::new(cx, turn, 2, Field::is_contest).await;
        let duels = ground
            .fields
            .iter()
            .enumerate()
            .map(|(at, field)| [0, 1].map(|side| vec![(at, Changeset::new(field.touched(side, side)))]));
        let calls = duel(handles, &ground.clock, duels.collect(), turn).await;
        ground.add(calls);
        ground.settle(handles).await;
    }
}

/// Two changesets touch the same two things at once: what the one does to the first thing the other one does to the second
/// one.
pub async fn two_changesets_that_cross_have_a_serial_order(cx: Cx) {
    crossed(&cx, &[cx.store(), cx.store()]).await;
}

/// Two changesets cross on two handles.
pub async fn two_changesets_that_cross_on_two_handles_have_a_serial_order(cx: Cx) {
    if let Some(handles) = handles(&cx).await {
        crossed(&cx, &handles).await;
    }
}

async fn crossed(cx: &Cx, handles: &[Arc<dyn Store>; 2]) {
    for turn in 0..cx.rounds(2) {
        // Each pair comes in both orders, and is its own mirror image here.
        let half = |field: &Field| field.is_contest() && field.ways[0].says <= field.ways[1].says;
        let mut ground = Ground::in_twos(cx, turn, half).await;
        let duels = ground.fields.chunks(2).enumerate().map(|(at, fields)| {
            [0, 1].map(|side| {
                let there = fields[0].touched(side, side);
                vec![(at, Changeset::new(there.into_iter().chain(fields[1].touched(1 - side, side))))]
            })
        });
        let calls = duel(handles, &ground.clock, duels.collect(), turn).await;
        ground.add(calls);
        ground.settle(handles).await;
    }
}

/// Two batches, each of which makes both changes to several things, are committed at once.
pub async fn two_batches_made_at_once_have_a_serial_order(cx: Cx) {
    batches(&cx, &[cx.store(), cx.store()]).await;
}

/// Two batches are committed at once, on two handles.
pub async fn two_batches_made_at_once_on_two_handles_have_a_serial_order(cx: Cx) {
    if let Some(handles) = handles(&cx).await {
        batches(&cx, &handles).await;
    }
}

async fn batches(cx: &Cx, handles: &[Arc<dyn Store>; 2]) {
    for turn in 0..cx.rounds(2) {
        let half = |field: &Field| field.is_contest() && field.ways[0].says <= field.ways[1].says;
        let mut ground = Ground::new(cx, turn, SIDES, half).await;
        let all: Vec<usize> = (0..ground.fields.len()).collect();
        let duels = all.chunks(3).map(|places| {
            [0, 1].map(|side| {
                let touch = |way: usize, side: usize| {
                    let fields = &ground.fields;
                    move |at: &usize| (*at, Changeset::new(fields[*at].touched(way, side)))
                };
                let first = places.iter().map(touch(side, side));
                first.chain(places.iter().map(touch(1 - side, side + 2))).collect::<Batch>()
            })
        });
        let calls = duel(handles, &ground.clock, duels.collect(), turn).await;
        ground.add(calls);
        ground.settle(handles).await;
    }
}

/// Two callers go through duels, and begin each at once: in one task, where they take turns at each await, and in two.
async fn duel(
    handles: &[Arc<dyn Store>; 2],
    clock: &Clock,
    duels: Vec<[Batch; 2]>,
    turn: usize,
) -> Vec<(usize, Call)> {
    let mut calls = Vec::new();
    if turn.is_multiple_of(2) {
        for [left, right] in duels {
            let (left, right) =
                join(commit(&handles[0], clock, 0, left), commit(&handles[1], clock, 1, right)).await;
            calls.extend(left.into_iter().chain(right));
        }
        return calls;
    }
    let barrier = Arc::new(Barrier::new(2));
    let (lefts, rights): (Vec<Batch>, Vec<Batch>) =
        duels.into_iter().map(|[left, right]| (left, right)).unzip();
    let sides = [lefts, rights].into_iter().enumerate().map(|(side, batches)| {
        let (handle, clock, barrier) = (handles[side].clone(), clock.clone(), barrier.clone());
        tokio::spawn(async move {
            let mut calls = Vec::new();
            for batch in batches {
                barrier.wait().await;
                calls.extend(commit(&handle, &clock, side, batch).await);
            }
            calls
        })
    });
    for side in sides.collect::<Vec<_>>() {
        calls.extend(side.await.unwrap_or_else(|lost| std::panic::resume_unwind(lost.into_panic())));
    }
    calls
}
