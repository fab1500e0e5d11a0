//! The statements on counters and tallies, which the code calls numbers.

use std::cmp::Ordering;

use referral_core::store::{CounterKey, CounterPrefix, CounterRange, KeyPart};
use sea_query::{CaseStatement, Condition, Expr, ExprTrait, InsertStatement, OnConflict, Order, Query};

use super::build::build;
use crate::backend::{Backend, Statement};
use crate::schema::COUNTER;

/// The columns of a number's key, after tenant and family.
const NAME: [&str; 3] = ["part1", "part2", "bucket"];

/// Reads numbers that are not 0, in the order of their keys.
pub(crate) fn counters<B: Backend>(prefix: &CounterPrefix, range: &CounterRange) -> Option<Statement> {
    let given = prefix.parts.len();
    let mut query = Query::select();
    query
        .from(COUNTER)
        .columns(NAME)
        .column("value")
        .and_where(Expr::col("tenant").eq(prefix.tenant.as_str()))
        .and_where(Expr::col("family").eq(i64::from(prefix.family.code())))
        .and_where(Expr::col("value").ne(0_i64))
        .and_where_option(range.from.map(|from| Expr::col("bucket").gte(from)))
        .and_where_option(range.until.map(|until| Expr::col("bucket").lt(until)));
    B::read_from(&mut query, "PRIMARY");
    for (column, value) in NAME.iter().zip(&prefix.parts) {
        query.and_where(Expr::col(*column).eq(value.as_str()));
    }
    if let Some(after) = &range.after {
        let wanted = (&prefix.tenant, prefix.family, prefix.parts.as_slice());
        let start = (&after.tenant, after.family, after.parts.get(..given).unwrap_or_default());
        match start.cmp(&wanted) {
            Ordering::Less => {}
            Ordering::Greater => return None,
            Ordering::Equal => {
                let [first, second] = after.parts.each_ref().map(|part| Expr::val(part.as_str()));
                let values = [first, second, Expr::val(after.bucket)].into_iter().skip(given);
                let columns = NAME.into_iter().skip(given).map(Expr::col);
                if let (false, Some(column), Some(value)) =
                    (B::ROW_RANGES, columns.clone().next(), values.clone().next())
                {
                    // The database does not read a comparison of rows as a range. This condition says where to
                    // begin.
                    query.and_where(column.gte(value));
                }
                query.and_where(Expr::tuple(columns).gt(Expr::tuple(values)));
            }
        }
    }
    // The columns of the prefix have one value and need no order. If ORDER BY names them, MariaDB may sort a small
    // family instead of reading the index.
    for column in NAME.into_iter().skip(given) {
        query.order_by(column, Order::Asc);
    }
    Some(build::<B>(query.limit(u64::from(range.limit))))
}

fn numbers<'a>(rows: impl Iterator<Item = (&'a CounterKey, i64)>) -> InsertStatement {
    let mut query = Query::insert();
    query.into_table(COUNTER).columns(["tenant", "family", "part1", "part2", "bucket", "value"]);
    for (key, value) in rows {
        let [first, second] = key.parts.each_ref().map(KeyPart::as_str);
        query.values_panic([
            Expr::val(key.tenant.as_str()),
            Expr::val(i64::from(key.family.code())),
            Expr::val(first),
            Expr::val(second),
            Expr::val(key.bucket),
            Expr::val(value),
        ]);
    }
    query
}

fn upsert() -> OnConflict {
    OnConflict::columns(["tenant", "family", "part1", "part2", "bucket"])
}

fn stored() -> Expr {
    Expr::col((COUNTER, "value"))
}

/// Adds to tallies. A sum that would leave the range of i64 stays at its end.
pub(crate) fn tally<'a, B: Backend>(rows: impl Iterator<Item = (&'a CounterKey, i64)>) -> Statement {
    let add = || B::incoming("value");
    let high = add().gt(0_i64).and(stored().gt(Expr::val(i64::MAX).sub(add())));
    let low = add().lt(0_i64).and(stored().lt(Expr::val(i64::MIN).sub(add())));
    let sum = CaseStatement::new().case(high, i64::MAX).case(low, i64::MIN).finally(stored().add(add()));
    let mut query = numbers(rows);
    query.on_conflict(upsert().value("value", sum).to_owned());
    build::<B>(&query)
}

/// Adds to a counter whose value is in a range. It makes a missing counter; the caller checks that 0 is in the
/// range.
pub(crate) fn count<B: Backend>(key: &CounterKey, add: i64, least: i64, most: i64) -> Statement {
    let mut query = numbers([(key, add)].into_iter());
    query.on_conflict(
        upsert()
            .value("value", stored().add(B::incoming("value")))
            .action_and_where(stored().between(least, most))
            .to_owned(),
    );
    build::<B>(&query)
}

/// Makes missing counters with the value 0, and locks them all in the given order.
pub(crate) fn hold_counters<B: Backend>(keys: &[&CounterKey]) -> Statement {
    let mut query = numbers(keys.iter().map(|key| (*key, 0)));
    query.on_conflict(upsert().value("value", stored()).to_owned());
    build::<B>(&query)
}

/// Adds to a counter that exists and whose value is in a range.
pub(crate) fn count_existing<B: Backend>(key: &CounterKey, add: i64, least: i64, most: i64) -> Statement {
    let mut query = Query::update();
    query
        .table(COUNTER)
        .value("value", Expr::col("value").add(add))
        .cond_where(named(key))
        .and_where(Expr::col("value").between(least, most));
    build::<B>(&query)
}

/// The value of a counter.
pub(crate) fn counter<B: Backend>(key: &CounterKey) -> Statement {
    let mut query = Query::select();
    query.from(COUNTER).column("value").cond_where(named(key));
    build::<B>(&query)
}

fn named(key: &CounterKey) -> Condition {
    let [first, second] = key.parts.each_ref().map(KeyPart::as_str);
    Condition::all()
        .add(Expr::col("tenant").eq(key.tenant.as_str()))
        .add(Expr::col("family").eq(i64::from(key.family.code())))
        .add(Expr::col("part1").eq(first))
        .add(Expr::col("part2").eq(second))
        .add(Expr::col("bucket").eq(key.bucket))
}
