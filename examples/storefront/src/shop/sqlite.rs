//! The shop in the same SQLite file as the referrals, in tables of its own.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use referral_core::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Executor, Row, SqliteConnection, SqlitePool};

use super::{Order, Placed, Refunded, SessionDigest, Shop, ShopError, User, fold};

/// Made at every start where they are missing: the example has no history to migrate.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS shop_user (
    folded TEXT PRIMARY KEY, name TEXT NOT NULL, since INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS shop_session (
    digest TEXT PRIMARY KEY, folded TEXT NOT NULL REFERENCES shop_user, until INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS shop_order (
    number TEXT PRIMARY KEY, user TEXT, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    refunded INTEGER NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS shop_order_of_user ON shop_order (user, at);
";

/// A shop in a SQLite file.
pub(crate) struct Sqlite {
    pool: SqlitePool,
}

impl Sqlite {
    /// Opens the file, and makes file and tables where they are missing.
    pub(crate) async fn open(path: &Path) -> Result<Self, ShopError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // The referrals write the same file through a connection of their own.
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        pool.execute(SCHEMA).await?;
        Ok(Self { pool })
    }
}

/// Adds a user through any connection, also that of a transaction that has more to do.
pub(crate) async fn add_user(connection: &mut SqliteConnection, user: &User) -> Result<bool, ShopError> {
    let insert = "INSERT INTO shop_user (folded, name, since) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    let added = sqlx::query(insert)
        .bind(fold(&user.name))
        .bind(&user.name)
        .bind(user.since.as_millis())
        .execute(connection)
        .await?;
    Ok(added.rows_affected() == 1)
}

fn user(row: &SqliteRow) -> Result<User, sqlx::Error> {
    Ok(User { name: row.try_get("name")?, since: Timestamp::from_millis(row.try_get("since")?) })
}

fn order(row: &SqliteRow) -> Result<Order, sqlx::Error> {
    Ok(Order {
        number: row.try_get("number")?,
        user: row.try_get("user")?,
        amount: row.try_get("amount")?,
        currency: row.try_get("currency")?,
        refunded: row.try_get("refunded")?,
        at: Timestamp::from_millis(row.try_get("at")?),
    })
}

/// Places an order through any connection.
pub(crate) async fn place(connection: &mut SqliteConnection, order: &Order) -> Result<Placed, ShopError> {
    let insert = "INSERT INTO shop_order (number, user, amount, currency, refunded, at) \
                  VALUES (?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING";
    let inserted = sqlx::query(insert)
        .bind(&order.number)
        .bind(&order.user)
        .bind(order.amount)
        .bind(&order.currency)
        .bind(order.at.as_millis())
        .execute(&mut *connection)
        .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Placed::New);
    }
    Ok(match find(connection, &order.number).await? {
        Some(before) if before.is_same(order) => Placed::Before(before),
        _ => Placed::Different,
    })
}

async fn find(connection: &mut SqliteConnection, number: &str) -> Result<Option<Order>, ShopError> {
    let select = "SELECT number, user, amount, currency, refunded, at FROM shop_order WHERE number = ?";
    let row = sqlx::query(select).bind(number).fetch_optional(connection).await?;
    Ok(row.as_ref().map(order).transpose()?)
}

/// Refunds through any connection.
pub(crate) async fn refund(
    connection: &mut SqliteConnection,
    number: &str,
    user: &str,
    amount: Option<i64>,
) -> Result<Refunded, ShopError> {
    // If two refunds come at once, the condition on the sum that was refunded before lets one of them try again.
    let update = "UPDATE shop_order SET refunded = ? WHERE number = ? AND refunded = ?";
    loop {
        let found = find(connection, number).await?.filter(|order| order.user.as_deref() == Some(user));
        let Some(before) = found else { return Ok(Refunded::Unknown) };
        let refunded = before.refund(amount);
        let Refunded::Done(after) = &refunded else { return Ok(refunded) };
        let update = sqlx::query(update).bind(after.refunded).bind(number).bind(before.refunded);
        if update.execute(&mut *connection).await?.rows_affected() == 1 {
            return Ok(refunded);
        }
    }
}

#[async_trait]
impl Shop for Sqlite {
    async fn add_user(&self, user: &User) -> Result<bool, ShopError> {
        let mut connection = self.pool.acquire().await?;
        add_user(&mut connection, user).await
    }

    async fn user(&self, name: &str) -> Result<Option<User>, ShopError> {
        let select = "SELECT name, since FROM shop_user WHERE folded = ?";
        let row = sqlx::query(select).bind(fold(name)).fetch_optional(&self.pool).await?;
        Ok(row.as_ref().map(user).transpose()?)
    }

    async fn open_session(&self, id: &SessionDigest, user: &str, until: Timestamp) -> Result<(), ShopError> {
        let insert = "INSERT INTO shop_session (digest, folded, until) VALUES (?, ?, ?)";
        let insert = sqlx::query(insert).bind(id).bind(fold(user)).bind(until.as_millis());
        insert.execute(&self.pool).await?;
        Ok(())
    }

    async fn session(&self, id: &SessionDigest, now: Timestamp) -> Result<Option<User>, ShopError> {
        let select = "SELECT name, since FROM shop_session JOIN shop_user USING (folded) \
                      WHERE digest = ? AND until > ?";
        let row = sqlx::query(select).bind(id).bind(now.as_millis()).fetch_optional(&self.pool).await?;
        Ok(row.as_ref().map(user).transpose()?)
    }

    async fn close_session(&self, id: &SessionDigest) -> Result<(), ShopError> {
        sqlx::query("DELETE FROM shop_session WHERE digest = ?").bind(id).execute(&self.pool).await?;
        Ok(())
    }

    async fn place(&self, order: &Order) -> Result<Placed, ShopError> {
        let mut connection = self.pool.acquire().await?;
        place(&mut connection, order).await
    }

    async fn order(&self, number: &str) -> Result<Option<Order>, ShopError> {
        let mut connection = self.pool.acquire().await?;
        find(&mut connection, number).await
    }

    async fn orders(&self, user: &str, limit: u32) -> Result<Vec<Order>, ShopError> {
        let select = "SELECT number, user, amount, currency, refunded, at FROM shop_order WHERE user = ? \
                      ORDER BY at DESC, number DESC LIMIT ?";
        let rows = sqlx::query(select).bind(user).bind(limit).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(order).collect::<Result<_, _>>()?)
    }

    async fn refund(&self, number: &str, user: &str, amount: Option<i64>) -> Result<Refunded, ShopError> {
        let mut connection = self.pool.acquire().await?;
        refund(&mut connection, number, user, amount).await
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
