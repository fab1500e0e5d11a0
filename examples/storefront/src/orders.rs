//! Orders and refunds, each with the action that credits whoever brought the buyer.

use referral_core::{Error, Target};
use referral_sql::SqliteStore;
use referral_tower::Visitor;
use sqlx::{Sqlite, Transaction};

use crate::actions;
use crate::context::{Context, or_nothing};
use crate::error_page::ErrorPage;
use crate::shop::{Order, Placed, Refunded, ShopError, sqlite};

/// Something that happened to an order, with a name of its own. If it is recorded again under this name, it counts
/// once. That matters most where the shop and the referrals have two databases, and somebody tries again after the
/// first half was done.
struct Happened {
    action: &'static str,
    target: Target,
    request: String,
}

impl Happened {
    fn placed(order: &Order) -> Result<Self, Error> {
        let request = format!("order {} placed", order.number);
        Ok(Self { action: actions::ORDERED, target: target(&order.number)?, request })
    }

    /// An order can go back in parts. After each of them another sum is refunded, which names it.
    fn refunded(order: &Order) -> Result<Self, Error> {
        let request = format!("order {} refunded to {}", order.number, order.refunded);
        Ok(Self { action: actions::REFUNDED, target: target(&order.number)?, request })
    }

    /// Says whether somebody was credited.
    async fn record(self, visitor: &Visitor) -> Result<bool, Error> {
        let visitor = visitor.with_request(self.request)?;
        Ok(visitor.record(self.action, Some(self.target)).await?.is_some())
    }
}

fn target(number: &str) -> Result<Target, Error> {
    Ok(Target::new("order", number.to_owned())?)
}

/// Places an order and records it; says whether somebody was credited.
pub(crate) async fn place(context: &Context, order: &Order) -> Result<(Placed, bool), ErrorPage> {
    let happened = Happened::placed(order)?;
    let Some(store) = &context.app.sqlite else {
        let placed = context.app.shop.place(order).await?;
        let credited = placed == Placed::New && apart(context, happened).await;
        return Ok((placed, credited));
    };
    let mut transaction = store.begin().await.map_err(Error::from)?;
    let placed = sqlite::place(&mut transaction, order).await?;
    // A form that was sent twice makes one order and one action.
    let credited = placed == Placed::New && together(context, store, transaction, happened).await?;
    Ok((placed, credited))
}

/// Sends back what is asked for, or all that is left, and records it.
pub(crate) async fn refund(
    context: &Context,
    number: &str,
    user: &str,
    amount: Option<i64>,
) -> Result<Refunded, ErrorPage> {
    let Some(store) = &context.app.sqlite else {
        let refunded = context.app.shop.refund(number, user, amount).await?;
        if let Refunded::Done(order) = &refunded {
            apart(context, Happened::refunded(order)?).await;
        }
        return Ok(refunded);
    };
    let mut transaction = store.begin().await.map_err(Error::from)?;
    let refunded = sqlite::refund(&mut transaction, number, user, amount).await?;
    if let Refunded::Done(order) = &refunded {
        together(context, store, transaction, Happened::refunded(order)?).await?;
    }
    Ok(refunded)
}

/// Records an action after the change that it is about. If that fails, the buyer keeps the order.
async fn apart(context: &Context, happened: Happened) -> bool {
    or_nothing(happened.record(&context.visitor).await.map(Some)).unwrap_or(false)
}

/// Records an action in the transaction of what it is about, and commits both: either both are there afterwards, or
/// neither, and whoever sends the form again gets both.
async fn together(
    context: &Context,
    store: &SqliteStore,
    transaction: Transaction<'static, Sqlite>,
    happened: Happened,
) -> Result<bool, ErrorPage> {
    let joined = store.join(transaction);
    let scope = context.app.referrals.within(joined.clone());
    let inside = context.visitor.within(&scope);
    let credited = happened.record(&inside).await?;
    let effects = scope.into_effects();
    let transaction = joined.release().await.map_err(Error::from)?;
    transaction.commit().await.map_err(ShopError::from)?;
    context.app.referrals.committed(effects).await;
    inside.committed();
    Ok(credited)
}
