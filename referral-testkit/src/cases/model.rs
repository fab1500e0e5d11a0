//! Random histories are compared with the model. One that fails is made smaller, and kept to be tried first the
//! next time.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestError, TestRunner};
use referral_core::store::{
    Changeset, CounterRange, Family, Index, MAX_PAGE, Prefix, Range, Record, UniqueKey,
};

use crate::cx::Cx;
use crate::model::Model;
use crate::plan::{History, Look, Plan, World};

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
        ..Config::default()
    };
    let histories = Cell::new(0);
    let outcome = tokio::task::block_in_place(|| {
        TestRunner::new(config).run(&plans, |plan| {
            // Not a store for each history: tenants, ids and times of its own keep it apart from the others.
            histories.set(histories.get() + 1);
            tokio::runtime::Handle::current().block_on(one(cx, World::new(histories.get()), &plan))
        })
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, plan)) => panic!("{what}: {reason}\nin the history {plan:#?}"),
        Err(TestError::Abort(reason)) => panic!("{what}: {reason}"),
    }
}

async fn one(cx: &Cx, world: World, plan: &Plan) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    let mut history = History::default();
    for batch in &plan.batches {
        // Each is made for the state that those before it lead to, so that most of them fit.
        let mut ahead = model.clone();
        let make = |ops: &Vec<_>| {
            let changeset = world.changeset(&ahead, &mut history, ops);
            ahead.commit(&changeset);
            changeset
        };
        let batch: Vec<Changeset> = batch.iter().map(make).collect();
        let answers = cx.store().commit(&batch).await;
        expect_eq!(answers.len(), batch.len(), "a batch has one answer for each changeset");
        for (index, (changeset, answer)) in batch.iter().zip(answers).enumerate() {
            let verdict = model.commit(changeset);
            prop_assert!(
                verdict.admits(&answer),
                "changeset {index} of a batch: {changeset:#?}\nwas answered {answer:?}\ninstead of {verdict:?}"
            );
        }
    }
    for look in &plan.looks {
        read(cx, &world, &model, &history, look).await?;
    }
    everything(cx, &world, &model, &history).await
}

/// One random read.
async fn read(
    cx: &Cx,
    world: &World,
    model: &Model,
    history: &History,
    look: &Look,
) -> Result<(), TestCaseError> {
    match look {
        Look::Page { sample, index, range, limit } => {
            let record = world.record(*sample);
            let indexes: Vec<_> = Index::of(record.id().kind).collect();
            // A kind that nobody pages over has none.
            let Some(index) = indexes.iter().cycle().nth(usize::from(*index)).copied() else { return Ok(()) };
            let Some(entry) = index.entry(&record, &record.values()) else { return Ok(()) };
            let range = world.range(index, range);
            page(cx, model, index, &entry.prefix, range, u32::from(*limit)).await
        }
        Look::Numbers { counter, parts, from, until, after, limit } => {
            let key = world.counter(*counter);
            let prefix = referral_core::store::CounterPrefix {
                tenant: key.tenant,
                family: key.family,
                parts: key.parts.into_iter().take(usize::from(*parts % 3)).collect(),
            };
            let range = CounterRange {
                from: from.map(i64::from),
                until: until.map(i64::from),
                after: after.map(|after| world.counter(after)),
                limit: u32::from(*limit),
            };
            let found = cx.numbers(&prefix, &range).await;
            expect_eq!(found, model.counters(&prefix, &range), "{:?} {:?}", prefix, range);
            Ok(())
        }
        Look::Points { ids } => {
            let ids: Vec<_> = ids.iter().map(|sample| world.record(*sample).id()).collect();
            let found = cx.store().get(&ids).await.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let expected: Vec<_> = ids.iter().map(|id| model.records.get(id).cloned()).collect();
            expect_eq!(found, expected, "the records of {:?}", ids);
            keys(cx, model, &history.keys().rev().take(5).cloned().collect::<Vec<_>>()).await
        }
    }
}

/// Everything that the history could have touched.
async fn everything(cx: &Cx, world: &World, model: &Model, history: &History) -> Result<(), TestCaseError> {
    let ids = world.ids(history);
    for ids in ids.chunks(MAX_PAGE as usize) {
        let found = cx.store().get(ids).await.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let expected: Vec<Option<Record>> = ids.iter().map(|id| model.records.get(id).cloned()).collect();
        expect_eq!(found, expected, "the records at the end");
    }
    keys(cx, model, &history.keys().cloned().collect::<Vec<_>>()).await?;
    for (index, prefix) in history.places() {
        for ascending in [true, false] {
            let range = world.range(*index, &Range { ascending, ..Range::newest() });
            page(cx, model, *index, prefix, range, MAX_PAGE).await?;
            in_pages(cx, model, *index, prefix, range).await?;
        }
    }
    for tenant in world.tenants() {
        for family in Family::ALL {
            let prefix = referral_core::store::CounterPrefix {
                tenant: tenant.clone(),
                family: *family,
                parts: Vec::new(),
            };
            let range = CounterRange::first(MAX_PAGE);
            let found = cx.numbers(&prefix, &range).await;
            expect_eq!(found, model.counters(&prefix, &range), "the numbers at the end");
        }
    }
    Ok(())
}

async fn keys(cx: &Cx, model: &Model, keys: &[UniqueKey]) -> Result<(), TestCaseError> {
    for keys in keys.chunks(MAX_PAGE as usize) {
        let found = cx.store().find(keys).await.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let expected: Vec<_> = keys.iter().map(|key| model.find(key)).collect();
        expect_eq!(found, expected, "the holders of {:?}", keys);
    }
    Ok(())
}

async fn page(
    cx: &Cx,
    model: &Model,
    index: Index,
    prefix: &Prefix,
    range: Range,
    limit: u32,
) -> Result<(), TestCaseError> {
    let found = cx.records(index, prefix, range, limit).await;
    let expected = model.page(index, prefix, &range, limit as usize);
    expect_eq!(found, expected, "{} of {:?} {:?} in {:?}", limit, index, prefix, range);
    Ok(())
}

/// The same two by two.
async fn in_pages(
    cx: &Cx,
    model: &Model,
    index: Index,
    prefix: &Prefix,
    mut range: Range,
) -> Result<(), TestCaseError> {
    let whole = model.page(index, prefix, &range, usize::MAX);
    let mut found = Vec::new();
    while found.len() <= whole.len() {
        let records = cx.records(index, prefix, range, 2).await;
        let Some(last) = records.last() else { break };
        range.after = index.entry(last, &last.values()).map(|entry| entry.seek);
        found.extend(records);
    }
    expect_eq!(found, whole, "the pages of {:?} {:?}", index, prefix);
    Ok(())
}
