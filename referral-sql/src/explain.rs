//! Shows how the database would run a read, for tests of its query plans.

use referral_core::store::{
    CounterPrefix, CounterRange, Index, Prefix, Range, RecordId, StoreError, UniqueKey, check_counters,
    check_keys, check_points,
};

use crate::backend::{Backend, Cells, Driver};
use crate::error::DbError;
use crate::read::{gets, lookups};
use crate::statement;
use crate::store::SqlStore;

/// One of the four reads, to be explained instead of run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Question<'a> {
    /// [`Read::get`](referral_core::store::Read::get).
    Get(&'a [RecordId]),
    /// [`Read::find`](referral_core::store::Read::find).
    Find(&'a [UniqueKey]),
    /// [`Read::page`](referral_core::store::Read::page).
    Page(Index, &'a Prefix, &'a Range, u32),
    /// [`Read::counters`](referral_core::store::Read::counters).
    Counters(&'a CounterPrefix, &'a CounterRange),
}

impl<B: Backend> SqlStore<B> {
    /// Returns the database's plan for a read, one line for each step. The statements are the ones that the read
    /// itself runs.
    ///
    /// # Errors
    /// The same as those of the read.
    pub async fn explain(&self, question: Question<'_>) -> Result<Vec<String>, StoreError> {
        let statements: Vec<_> = match question {
            Question::Get(ids) => {
                check_points("explain", ids.len())?;
                gets::<B>(ids).into_iter().map(|(_, statement)| statement).collect()
            }
            Question::Find(keys) => {
                check_keys(keys)?;
                lookups::<B>(keys).into_iter().map(|(_, statement)| statement).collect()
            }
            Question::Page(index, prefix, range, limit) => {
                index.check(prefix, limit)?;
                vec![statement::page::<B>(index, prefix, range, limit)]
            }
            Question::Counters(prefix, range) => {
                check_counters(prefix, range)?;
                statement::counters::<B>(prefix, range).into_iter().collect()
            }
        };
        let work = self.pools.in_time(|deadline| async move {
            let mut connection = self.pools.connection(&self.pools.read, deadline).await?;
            let mut steps = Vec::new();
            for statement in statements {
                for row in connection.rows(statement.behind(B::EXPLAIN.0)).await? {
                    steps.push(row.text(B::EXPLAIN.1)?.unwrap_or_default());
                }
            }
            connection.done(Ok(steps))
        });
        work.await.map_err(|error: DbError| error.into_error::<B>("explain"))
    }
}
