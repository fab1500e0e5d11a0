//! Orders and refunds, each with the action that credits whoever brought the buyer.

use referral_core::{Error, Target};
use referral_sql::SqliteStore;
use sqlx::{Sqlite, Transaction};

use crate::app::actions;
use crate::context::Context;
use crate::fault::Fault;
use crate::shop::{Order, Placed, Refunded, ShopError, sqlite};

/// Places an order and records it; says whether somebody was credited.
pub(crate) async fn place(context: &Context, order: &Order) -> Result<(Placed, bool), Fault> {
    let target = target(&order.number)?;
    let Some(store) = &context.app.sqlite else {
        let placed = context.app.shop.place(order).await?;
        let credited = placed == Placed::New && context.record(actions::ORDERED, target).await;
        return Ok((placed, credited));
    };
    let mut transaction = store.begin().await.map_err(Error::from)?;
    let placed = sqlite::place(&mut transaction, order).await?;
    // The form was sent twice: one order, one action.
    let credited =
        placed == Placed::New && commit(context, store, transaction, actions::ORDERED, target).await?;
    Ok((placed, credited))
}

/// Sends back what is asked for, or all that is left, and records it.
pub(crate) async fn refund(
    context: &Context,
    number: &str,
    user: &str,
    amount: Option<i64>,
) -> Result<Refunded, Fault> {
    let target = target(number)?;
    let Some(store) = &context.app.sqlite else {
        let refunded = context.app.shop.refund(number, user, amount).await?;
        if let Refunded::Done(_) = &refunded {
            context.record(actions::REFUNDED, target).await;
        }
        return Ok(refunded);
    };
    let mut transaction = store.begin().await.map_err(Error::from)?;
    let refunded = sqlite::refund(&mut transaction, number, user, amount).await?;
    if let Refunded::Done(_) = &refunded {
        commit(context, store, transaction, actions::REFUNDED, target).await?;
    }
    Ok(refunded)
}

fn target(number: &str) -> Result<Target, Error> {
    Ok(Target::new("order", number.to_owned())?)
}

/// Records an action in the transaction of what it is about, and commits both: either both are there afterwards, or
/// neither, and whoever sends the form again gets both.
async fn commit(
    context: &Context,
    store: &SqliteStore,
    transaction: Transaction<'static, Sqlite>,
    action: &str,
    target: Target,
) -> Result<bool, Fault> {
    let joined = store.join(transaction);
    let scope = context.app.referrals.within(joined.clone());
    let inside = context.visitor.within(&scope);
    let recorded = inside.record(action, Some(target)).await?;
    let effects = scope.into_effects();
    let transaction = joined.release().await.map_err(Error::from)?;
    transaction.commit().await.map_err(ShopError::from)?;
    context.app.referrals.committed(effects).await;
    inside.committed();
    Ok(recorded.is_some())
}
