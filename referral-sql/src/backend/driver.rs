//! How statements reach a connection, and how their answers are read.

use std::future::Future;
use std::sync::Arc;

use sea_query::QueryBuilder;
use sea_query_sqlx::{SqlxBinder, SqlxValues};
use sqlx::migrate::Migrate;
use sqlx::{AssertSqlSafe, Connection};
use uuid::Uuid;

/// A statement in the dialect of a database, with its values.
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

    /// This statement behind a few words, for example those that ask for its plan instead of its rows.
    pub(crate) fn behind(self, words: &'static str) -> Self {
        Self { sql: format!("{words}{}", self.sql).into(), values: self.values }
    }

    // Safe to assert: only names of this library's own are in the text, and everything else is bound.
    pub(crate) fn into_parts(self) -> (AssertSqlSafe<Arc<str>>, SqlxValues) {
        (AssertSqlSafe(self.sql), self.values)
    }
}

/// A connection that statements are sent on.
pub trait Driver: Connection<Options: Sync> + Migrate + Send {
    type Cells: Cells;

    /// Runs a statement. The answer is the number of rows that it changed, on MySQL the number that it found.
    fn run(&mut self, statement: Statement) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Runs a statement that answers rows.
    fn rows(
        &mut self,
        statement: Statement,
    ) -> impl Future<Output = Result<Vec<Self::Cells>, sqlx::Error>> + Send;

    /// Runs a statement without values, unprepared where the protocol tells the difference.
    fn control(&mut self, sql: &'static str) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// The cells of a row, by their place.
pub trait Cells: Send {
    fn int(&self, at: usize) -> Result<Option<i64>, sqlx::Error>;

    fn uuid(&self, at: usize) -> Result<Option<Uuid>, sqlx::Error>;

    fn text(&self, at: usize) -> Result<Option<String>, sqlx::Error>;
}

/// The same few lines for every driver. Bounds on `&mut Connection` are not implied, so they cannot be generic.
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
                // Unchecked, because MySQL's VARBINARY holds our text and calls itself bytes.
                sqlx::Row::try_get_unchecked(self, at)
            }
        }
    };
}
pub(crate) use driver;
