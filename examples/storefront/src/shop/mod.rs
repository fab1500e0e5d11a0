//! The shop's own data: users, sessions and orders. Nothing of it knows about referrals.

mod memory;
pub(crate) mod sqlite;

use async_trait::async_trait;
use referral_core::Timestamp;

pub(crate) use memory::Memory;
pub(crate) use sqlite::Sqlite;

/// Somebody with an account. There is no password: the shop is a demonstration, and says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct User {
    /// As typed at sign-up; this is the user id that the referrals know.
    pub(crate) name: String,
    pub(crate) since: Timestamp,
}

/// One order. Nothing is paid, nothing is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Order {
    /// The number that the buyer's form carried, so that a form that is sent twice orders once.
    pub(crate) number: String,
    /// Who ordered; a guest's order has nobody.
    pub(crate) user: Option<String>,
    /// What it costs, in cents.
    pub(crate) amount: i64,
    pub(crate) currency: String,
    /// How many cents of it went back.
    pub(crate) refunded: i64,
    pub(crate) at: Timestamp,
}

/// What became of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Placed {
    New,
    /// The same order was placed before; this is how it stands.
    Before(Order),
    /// The number belongs to an order of somebody else, or of other contents.
    Different,
}

/// What became of a refund.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Refunded {
    Done(Order),
    /// More than what is left of the order.
    TooMuch {
        left: i64,
    },
    /// The user has no such order.
    Unknown,
}

/// The shop's database failed.
#[derive(Debug, thiserror::Error)]
#[error("the shop's database failed")]
pub(crate) struct ShopError(#[from] pub(crate) sqlx::Error);

/// A session's id as it is stored: SHA-256 in hex, so that somebody who reads the table cannot take over a session.
pub(crate) type SessionDigest = String;

/// What a shop keeps. Every method is atomic.
#[async_trait]
pub(crate) trait Shop: Send + Sync {
    /// Adds a user, unless the name is taken in whatever spelling.
    async fn add_user(&self, user: &User) -> Result<bool, ShopError>;
    /// The user of a name in whatever spelling.
    async fn user(&self, name: &str) -> Result<Option<User>, ShopError>;

    async fn open_session(&self, id: &SessionDigest, user: &str, until: Timestamp) -> Result<(), ShopError>;
    /// Who is signed in with a session that has not ended.
    async fn session(&self, id: &SessionDigest, now: Timestamp) -> Result<Option<User>, ShopError>;
    async fn close_session(&self, id: &SessionDigest) -> Result<(), ShopError>;

    /// Places an order once.
    async fn place(&self, order: &Order) -> Result<Placed, ShopError>;
    async fn order(&self, number: &str) -> Result<Option<Order>, ShopError>;
    /// The latest orders of a user, newest first.
    async fn orders(&self, user: &str, limit: u32) -> Result<Vec<Order>, ShopError>;
    /// Takes back so many cents of a user's order, or all that is left.
    async fn refund(&self, number: &str, user: &str, amount: Option<i64>) -> Result<Refunded, ShopError>;

    /// Closes the database. No method may be called after this one.
    async fn close(&self);
}

impl Order {
    /// What the buyer still has paid.
    pub(crate) const fn left(&self) -> i64 {
        self.amount.saturating_sub(self.refunded)
    }

    fn is_same(&self, other: &Self) -> bool {
        self.user == other.user && self.amount == other.amount && self.currency == other.currency
    }

    /// The order after a refund.
    fn refund(&self, amount: Option<i64>) -> Refunded {
        let amount = amount.unwrap_or_else(|| self.left());
        if amount <= 0 || amount > self.left() {
            return Refunded::TooMuch { left: self.left() };
        }
        Refunded::Done(Self { refunded: self.refunded.saturating_add(amount), ..self.clone() })
    }
}

/// Two names that differ only in case are the same name.
fn fold(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests;
