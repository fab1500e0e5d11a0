//! Sends statements on a connection and reads their answers.

use std::future::Future;
use std::sync::Arc;

use sea_query::QueryBuilder;
use sea_query_sqlx::{SqlxBinder, SqlxValues};
use sqlx::migrate::Migrate;
use sqlx::{AssertSqlSafe, Connection};
use uuid::Uuid;

/// A statement in the dialect of a database, with its bound values.
#[derive(Debug)]
pub struct Statement {
    sql: Arc<str>,
    values: SqlxValues,
}

impl Statement {
    /// A query in a dialect.
    pub(crate) fn build(query: &impl SqlxBinder, dialect: impl QueryBuilder) -> Self {
        let (sql, values) = query.build_sqlx(dialect);
        Self { sql: sql.into(), values }
    }

    /// A statement of this crate's own, without values.
    pub(crate) fn fixed(sql: &'static str) -> Self {
        Self { sql: sql.into(), values: SqlxValues(sea_query::Values(Vec::new())) }
    }

    /// This statement with words in front of it, such as `EXPLAIN`.
    #[cfg(feature = "harness")]
    pub(crate) fn behind(self, words: &'static str) -> Self {
        Self { sql: format!("{words}{}", self.sql).into(), values: self.values }
    }

    // The assertion holds: the text contains only names of this library, and every value is bound.
    pub(crate) fn into_parts(self) -> (AssertSqlSafe<Arc<str>>, SqlxValues) {
        (AssertSqlSafe(self.sql), self.values)
    }
}

/// A connection that statements are sent on.
pub trait Driver: Connection<Options: Sync> + Migrate + Send {
    type Cells: Cells;

    /// Runs a statement and returns the number of rows that it changed. On MySQL it is the number of rows that it
    /// found.
    fn run(&mut self, statement: Statement) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Runs a statement and returns its rows.
    fn rows(
        &mut self,
        statement: Statement,
    ) -> impl Future<Output = Result<Vec<Self::Cells>, sqlx::Error>> + Send;

    /// Runs a statement without values. It is not prepared, if the protocol knows such statements.
    fn control(&mut self, sql: &'static str) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// The cells of a row, by position.
pub trait Cells: Send {
    fn int(&self, at: usize) -> Result<Option<i64>, sqlx::Error>;

    fn uuid(&self, at: usize) -> Result<Option<Uuid>, sqlx::Error>;

    fn text(&self, at: usize) -> Result<Option<String>, sqlx::Error>;
}

/// Implements the traits for one driver. The lines are the same for each, but they cannot be generic: the compiler
/// does not imply bounds on a reference, such as `&mut PgConnection`.
macro_rules! driver {
    ($connection:ty, $row:ty) => {
        impl crate::backend::driver::Driver for $connection {
            type Cells = $row;

            async fn run(
                &mut self,
                statement: crate::backend::driver::Statement,
            ) -> Result<u64, sqlx::Error> {
                let (sql, values) = statement.into_parts();
                Ok(sqlx::query_with(sql, values).execute(self).await?.rows_affected())
            }

            async fn rows(
                &mut self,
                statement: crate::backend::driver::Statement,
            ) -> Result<Vec<$row>, sqlx::Error> {
                let (sql, values) = statement.into_parts();
                sqlx::query_with(sql, values).fetch_all(self).await
            }

            async fn control(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
                sqlx::Executor::execute(self, sql).await.map(drop)
            }
        }

        impl crate::backend::driver::Cells for $row {
            fn int(&self, at: usize) -> Result<Option<i64>, sqlx::Error> {
                sqlx::Row::try_get(self, at)
            }

            fn uuid(&self, at: usize) -> Result<Option<uuid::Uuid>, sqlx::Error> {
                sqlx::Row::try_get(self, at)
            }

            fn text(&self, at: usize) -> Result<Option<String>, sqlx::Error> {
                // Unchecked, because MySQL keeps our text in VARBINARY columns, whose type is bytes and not text.
                sqlx::Row::try_get_unchecked(self, at)
            }
        }
    };
}
pub(crate) use driver;
