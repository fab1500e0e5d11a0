//! Random histories are compared with the model. One that fails is made smaller, and kept to be tried first the
//! next time. It is printed as a test to be pasted, see [`replay`].

use std::cell::Cell;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestError, TestRunner};
use referral_core::store::Store;

use crate::cx::Cx;
use crate::plan::{Plan, World};
use crate::replay::{self, Player, Step};

/// Random batches are answered as the model answers them. Afterwards everything that can be read equals what the
/// model has.
pub async fn random_changesets_are_answered_as_by_the_model(cx: Cx) {
    let plans = crate::plan::plans(1..12, 0..1);
    hold(&cx, "changesets", 16, plans).await;
}

/// Random ranges, seeks, directions and limits of every index and of the numbers are answered as the model answers
/// them.
pub async fn random_reads_are_answered_as_by_the_model(cx: Cx) {
    let plans = crate::plan::plans(1..5, 4..24);
    hold(&cx, "reads", 12, plans).await;
}

async fn hold(cx: &Cx, what: &str, histories: usize, plans: impl Strategy<Value = Plan>) {
    let persistence = cx.settings().regressions.as_ref().map(|path| {
        // Proptest wants a path for ever; there is one for each process and case.
        let path: &'static str = Box::leak(path.to_string_lossy().into_owned().into_boxed_str());
        Box::new(FileFailurePersistence::Direct(path)) as Box<_>
    });
    let config = Config {
        cases: u32::try_from(cx.rounds(histories)).unwrap_or(u32::MAX),
        failure_persistence: persistence,
        max_shrink_iters: 600,
        // A large history that fails is told in time, even if it could be smaller.
        max_shrink_time: 10_000,
        ..Config::default()
    };
    let histories = Cell::new(0);
    let handles = Player::new(cx).await.handles();
    let outcome = tokio::task::block_in_place(|| {
        TestRunner::new(config).run(&plans, |plan| {
            // Not a store for each history: tenants, ids and times of its own keep it apart from the others.
            histories.set(histories.get() + 1);
            let steps = World::steps(&plan, histories.get());
            let held = tokio::runtime::Handle::current().block_on(one(handles.clone(), &steps));
            held.map_err(TestCaseError::fail)
        })
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, plan)) => {
            let test = replay::print("a_random_history_that_failed", &World::steps(&plan, 1));
            panic!("{what}: {reason}\nThe history as a test to be pasted:\n\n{test}")
        }
        Err(TestError::Abort(reason)) => panic!("{what}: {reason}"),
    }
}

/// The steps of one history, and everything that they could have touched.
async fn one(handles: Vec<Arc<dyn Store>>, steps: &[Step]) -> Result<(), String> {
    let mut player = Player::over(handles);
    for (place, step) in steps.iter().enumerate() {
        player.step(step).await.map_err(|problem| format!("step {place}: {problem}"))?;
    }
    player.end().await.map_err(|problem| format!("after the last step: {problem}"))
}
