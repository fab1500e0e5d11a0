//! Does the steps of a history on a store, and compares each with the model.

use std::sync::Arc;

use referral_core::store::{Family, MAX_PAGE, Record, Store, StoreError, StoreErrorKind};

use crate::compare::{self, Mentioned};
use crate::cx::Cx;
use crate::harness::Harness;
use crate::model::Model;
use crate::replay::{Step, What};
use crate::settings::{Settings, runtime};

/// A store, and what the model has of the same history.
pub(crate) struct Player {
    handles: Vec<Arc<dyn Store>>,
    pub(crate) model: Model,
    mentioned: Mentioned,
}

impl Player {
    /// On the store of a case, with a second handle where there is one.
    pub(crate) async fn new(cx: &Cx) -> Self {
        let mut handles = vec![cx.store()];
        if cx.facts().shared {
            handles.extend(cx.second_handle().await);
        }
        Self::over(handles)
    }

    pub(crate) fn over(handles: Vec<Arc<dyn Store>>) -> Self {
        Self { handles, model: Model::default(), mentioned: Mentioned::default() }
    }

    pub(crate) fn handles(&self) -> Vec<Arc<dyn Store>> {
        self.handles.clone()
    }

    fn handle(&self, number: usize) -> &dyn Store {
        &*self.handles[number % self.handles.len()]
    }

    /// Does one step. Reads go through the last handle.
    pub(crate) async fn step(&mut self, step: &Step) -> Result<(), String> {
        let reader = self.handle(self.handles.len() - 1);
        match &step.0 {
            What::Commit { handle, batch } => {
                let batch: Vec<_> = batch.iter().map(|written| written.changeset()).collect();
                let answers = self.handle(*handle).commit(&batch).await;
                if answers.len() != batch.len() {
                    return Err(format!("{} answers came to {} changesets", answers.len(), batch.len()));
                }
                for (place, (changeset, answer)) in batch.iter().zip(answers).enumerate() {
                    let verdict = self.model.commit(changeset);
                    self.mentioned.note(changeset, &self.model);
                    if !verdict.admits(&answer) {
                        return Err(format!(
                            "changeset {place} was answered {answer:?} instead of {verdict:?}"
                        ));
                    }
                }
                Ok(())
            }
            What::Page { index, prefix, range, limit } => {
                let found = reader.page(*index, prefix, range, *limit).await;
                let expected = self.model.page(*index, prefix, range, *limit as usize);
                same("the page", found, expected, *limit > MAX_PAGE)
            }
            What::Numbers { prefix, range } => {
                let found = reader.counters(prefix, range).await;
                same("the numbers", found, self.model.counters(prefix, range), range.limit > MAX_PAGE)
            }
            What::Get { ids } => {
                let expected: Vec<Option<Record>> =
                    ids.iter().map(|id| self.model.records.get(id).cloned()).collect();
                same("the records", reader.get(ids).await, expected, ids.len() > MAX_PAGE as usize)
            }
        }
    }

    /// Compares everything that the history could have touched, as each handle shows it.
    pub(crate) async fn end(&mut self) -> Result<(), String> {
        let tenants: Vec<_> = self.mentioned.families.iter().map(|(tenant, _)| tenant.clone()).collect();
        for tenant in tenants {
            // Where numbers of one family were written, there are none of another one.
            self.mentioned.families.extend(Family::ALL.iter().map(|family| (tenant.clone(), *family)));
        }
        for handle in &self.handles {
            compare::everything(&**handle, &self.model, &self.mentioned).await?;
            compare::two_by_two(&**handle, &self.model).await?;
        }
        Ok(())
    }
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: Result<Vec<T>, StoreError>,
    expected: Vec<T>,
    too_much: bool,
) -> Result<(), String> {
    match found {
        Err(error) if too_much && error.kind() == StoreErrorKind::Invalid => Ok(()),
        Ok(found) if !too_much && found == expected => Ok(()),
        found if too_much => Err(format!("{what} should have been Invalid: {found:?}")),
        found => Err(format!("{what} came as {found:?} instead of {expected:?}")),
    }
}

/// Does these steps on a fresh store, and compares each answer and at the end everything with the model.
///
/// # Panics
/// Where the store is not open to this machine, and where it answers something else than the model.
pub fn replay(harness: impl Harness, steps: impl IntoIterator<Item = Step>) {
    let steps: Vec<Step> = steps.into_iter().collect();
    runtime().block_on(async move {
        let Some(opened) = harness.open().await else { panic!("{}", harness.setup()) };
        let cx = Cx::new(Arc::new(harness), Settings::default(), opened, Arc::default());
        let mut player = Player::new(&cx).await;
        for (place, step) in steps.iter().enumerate() {
            if let Err(problem) = player.step(step).await {
                panic!("step {place}: {problem}");
            }
        }
        if let Err(problem) = player.end().await {
            panic!("after the last step: {problem}");
        }
    });
}
