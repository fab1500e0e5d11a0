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
    /// The number that the buyer's form carried: sending the form twice orders once.
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

/// A session's id as it is stored: SHA-256 in hex, so that who reads the table cannot take a session over.
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

    /// Nothing comes after this.
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
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn order(number: &str, user: Option<&str>, millis: i64) -> Order {
        Order {
            number: number.into(),
            user: user.map(Into::into),
            amount: 500,
            currency: "EUR".into(),
            refunded: 0,
            at: at(millis),
        }
    }

    async fn walk(shop: &dyn Shop) {
        let ada = User { name: "Ada".into(), since: at(1) };
        assert!(shop.add_user(&ada).await.unwrap());
        assert!(!shop.add_user(&User { name: "aDA".into(), since: at(2) }).await.unwrap());
        assert_eq!(shop.user("ADA").await.unwrap(), Some(ada.clone()));
        assert_eq!(shop.user("bob").await.unwrap(), None);

        let id = "digest".to_owned();
        shop.open_session(&id, "Ada", at(100)).await.unwrap();
        assert_eq!(shop.session(&id, at(99)).await.unwrap(), Some(ada));
        assert_eq!(shop.session(&id, at(100)).await.unwrap(), None);
        shop.close_session(&id).await.unwrap();
        assert_eq!(shop.session(&id, at(99)).await.unwrap(), None);

        let first = order("A1", Some("Ada"), 10);
        assert_eq!(shop.place(&first).await.unwrap(), Placed::New);
        assert_eq!(shop.place(&order("A1", Some("Ada"), 11)).await.unwrap(), Placed::Before(first.clone()));
        assert_eq!(shop.place(&order("A1", None, 11)).await.unwrap(), Placed::Different);
        assert_eq!(shop.place(&order("A2", Some("Ada"), 20)).await.unwrap(), Placed::New);
        let numbers: Vec<_> = shop.orders("Ada", 9).await.unwrap().into_iter().map(|o| o.number).collect();
        assert_eq!(numbers, ["A2", "A1"]);

        assert_eq!(shop.refund("A1", "bob", None).await.unwrap(), Refunded::Unknown);
        assert_eq!(shop.refund("A1", "Ada", Some(501)).await.unwrap(), Refunded::TooMuch { left: 500 });
        assert_eq!(shop.refund("A1", "Ada", Some(-1)).await.unwrap(), Refunded::TooMuch { left: 500 });
        let part = Order { refunded: 200, ..first };
        assert_eq!(shop.refund("A1", "Ada", Some(200)).await.unwrap(), Refunded::Done(part));
        assert!(matches!(shop.refund("A1", "Ada", None).await.unwrap(), Refunded::Done(o) if o.left() == 0));
        assert_eq!(shop.refund("A1", "Ada", None).await.unwrap(), Refunded::TooMuch { left: 0 });
        assert_eq!(shop.order("A1").await.unwrap().map(|o| o.refunded), Some(500));
    }

    #[tokio::test]
    async fn both_shops_keep_users_sessions_and_orders_alike() {
        walk(&Memory::default()).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        walk(&Sqlite::open(&path).await.unwrap()).await;
        // What is written is there after a restart.
        let again = Sqlite::open(&path).await.unwrap();
        assert!(again.user("ada").await.unwrap().is_some());
    }
}
