//! The statements on the table of migrations.

use sea_query::{Alias, Expr, ExprTrait, Order, Query};

use super::build::build;
use crate::backend::{Backend, Statement};
use crate::schema::MIGRATIONS;

/// Reads version and name of the migrations that were applied to the end, oldest first.
pub(crate) fn applied<B: Backend>() -> Statement {
    let mut query = Query::select();
    query
        .from(Alias::new(MIGRATIONS))
        .columns(["version", "description"])
        .and_where(Expr::col("success").eq(true))
        .order_by("version", Order::Asc);
    build::<B>(&query)
}

/// Removes the note of an interrupted migration, so that the migration is run again.
pub(crate) fn forget_interrupted<B: Backend>() -> Statement {
    let mut query = Query::delete();
    query.from_table(Alias::new(MIGRATIONS)).and_where(Expr::col("success").eq(false));
    build::<B>(&query)
}
