//! Reads that need several statements, in a transaction that shows one moment.

use std::sync::Arc;

use referral_core::store::StoreError;
use sqlx::Connection;

use crate::backend::Backend;
use crate::error::{DbError, lost_read};
use crate::pools::Pools;
use crate::read::Reading;
use crate::retry::retried;

/// Runs a read in a transaction, in its own task. If the caller is dropped, the transaction still ends.
pub(crate) async fn at_one_moment<B, T, F>(
    pools: &Arc<Pools<B>>,
    operation: &'static str,
    read: F,
) -> Result<T, StoreError>
where
    B: Backend,
    T: Send + 'static,
    F: for<'c> Fn(&'c mut B::Connection) -> Reading<'c, T> + Send + Sync + 'static,
{
    let pools = pools.clone();
    let task = tokio::spawn(async move { retried::<B, _, _>(|| attempt(&pools, &read)).await });
    match task.await {
        Ok(found) => found.map_err(|error| error.into_error::<B>(operation)),
        Err(lost) => Err(lost_read::<B>(operation, lost)),
    }
}

async fn attempt<B, T, F>(pools: &Pools<B>, read: &F) -> Result<T, DbError>
where
    B: Backend,
    F: for<'c> Fn(&'c mut B::Connection) -> Reading<'c, T>,
{
    let found = pools.in_time(|deadline| async move {
        let mut connection = pools.connection(&pools.read, deadline).await?;
        let found = transaction::<B, T, F>(&mut connection, read).await;
        if found.as_ref().is_err_and(|error| !error.is_transient::<B>() && !error.is_of_one_row()) {
            // As after a commit that failed: what is open on the connection is not known.
            connection.discard();
        }
        connection.done(found)
    });
    found.await
}

async fn transaction<B, T, F>(connection: &mut B::Connection, read: &F) -> Result<T, DbError>
where
    B: Backend,
    F: for<'c> Fn(&'c mut B::Connection) -> Reading<'c, T>,
{
    let mut transaction = connection.begin_with(B::BEGIN_SNAPSHOT).await?;
    let found = read(&mut transaction).await?;
    // There is nothing to commit.
    transaction.rollback().await?;
    Ok(found)
}
