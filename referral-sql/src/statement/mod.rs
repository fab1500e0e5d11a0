//! Every statement, once: built from core's description of each kind, in the dialect of the database.

mod numbers;
mod records;

use std::sync::Arc;

use sea_query::{Alias, Expr, ExprTrait, Order, Query};
use sea_query_sqlx::{SqlxBinder, SqlxValues};
use sqlx::AssertSqlSafe;

pub(crate) use self::numbers::{count, count_existing, counter, counters, hold_counters, tally};
pub(crate) use self::records::{claim, claimable, delete, find, get, insert, page, update, version};
use crate::backend::Backend;
use crate::schema::BOOKKEEPING;

/// The most rows that one insert writes; more gain nothing and are slow to prepare.
pub(crate) const ROWS: usize = 64;

/// A statement in the dialect of a database, with its values.
#[derive(Debug)]
pub struct Statement {
    sql: Arc<str>,
    values: SqlxValues,
}

impl Statement {
    fn of<B: Backend>(query: &impl SqlxBinder) -> Self {
        let (sql, values) = query.build_sqlx(B::Dialect::default());
        Self { sql: sql.into(), values }
    }

    /// A statement of this crate's own, without values.
    pub(crate) fn fixed(sql: &'static str) -> Self {
        Self { sql: sql.into(), values: SqlxValues(sea_query::Values(Vec::new())) }
    }

    /// Asks for the plan of this statement instead of its rows.
    pub(crate) fn explained<B: Backend>(self) -> Self {
        Self { sql: format!("{}{}", B::EXPLAIN.0, self.sql).into(), values: self.values }
    }

    // Safe to assert: only names of this library's own are in the text, everything else is bound.
    pub(crate) fn into_parts(self) -> (AssertSqlSafe<Arc<str>>, SqlxValues) {
        (AssertSqlSafe(self.sql), self.values)
    }
}

/// How many of `left` rows the next statement takes. Few distinct numbers, because each is a statement to prepare.
pub(crate) fn chunk(left: usize) -> usize {
    match left {
        0..8 => left,
        ROWS.. => ROWS,
        _ => 1 << left.ilog2(),
    }
}

/// Version and name of the migrations that are wholly applied, oldest first.
pub(crate) fn applied<B: Backend>() -> Statement {
    let mut query = Query::select();
    query
        .from(Alias::new(BOOKKEEPING))
        .columns(["version", "description"])
        .and_where(Expr::col("success").eq(true))
        .order_by("version", Order::Asc);
    Statement::of::<B>(&query)
}

/// Forgets a migration that was interrupted, so that it is run again.
pub(crate) fn forget_interrupted<B: Backend>() -> Statement {
    let mut query = Query::delete();
    query.from_table(Alias::new(BOOKKEEPING)).and_where(Expr::col("success").eq(false));
    Statement::of::<B>(&query)
}
