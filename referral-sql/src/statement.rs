//! Every statement, once: built from core's description of each kind, in the dialect of the database.

use std::sync::Arc;

use referral_core::store::{CounterKey, CounterPrefix, CounterRange, Index, Part, Prefix, Range, Seek, Unique};
use referral_core::{ColumnType, KeyPart, Kind, RecordId, Tenant, Timestamp, UserId, Value, Version};
use sea_query::{
    Alias, CaseStatement, Expr, ExprTrait, InsertStatement, LockType, OnConflict, Order, Query,
    SelectStatement, UnionType,
};
use sea_query_sqlx::{SqlxBinder, SqlxValues};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::backend::Backend;
use crate::schema::{self, COUNTER};

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

/// Values to look for, filled up to a power of two with the last one, which changes no answer; few distinct numbers,
/// because each is a statement to prepare.
fn padded(mut values: Vec<Expr>) -> Vec<Expr> {
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    values
}

fn bound(value: Value, holds: ColumnType) -> sea_query::Value {
    match (value, holds) {
        // PostgreSQL wants to know what it is that is null.
        (Value::Null, ColumnType::Uuid) => sea_query::Value::Uuid(None),
        (Value::Null, ColumnType::Int) => sea_query::Value::BigInt(None),
        (Value::Null, ColumnType::Text(_)) => sea_query::Value::String(None),
        (Value::Int(number), _) => number.into(),
        (Value::Uuid(uuid), _) => uuid.into(),
        (Value::Text(text), _) => text.into_owned().into(),
    }
}

fn part(value: &Value) -> Expr {
    match value {
        Value::Null => Expr::val(Option::<String>::None),
        Value::Int(number) => Expr::val(*number),
        Value::Uuid(uuid) => Expr::val(*uuid),
        Value::Text(text) => Expr::val(text.as_ref()),
    }
}

fn all_of(kind: Kind) -> SelectStatement {
    let mut query = Query::select();
    query.from(schema::table(kind)).columns(kind.columns().iter().map(|column| column.name));
    query
}

/// Inserts records of one kind; meets held keys without an error where the database can.
pub(crate) fn insert<B: Backend>(kind: Kind, rows: impl Iterator<Item = Vec<Value>>) -> Statement {
    let columns = kind.columns();
    let mut query = Query::insert();
    query.into_table(schema::table(kind)).columns(columns.iter().map(|column| column.name));
    for row in rows {
        let mut row = row.into_iter();
        // One for each column, whatever was given, so it cannot panic.
        query.values_panic(columns.iter().map(|column| {
            Expr::val(bound(row.next().unwrap_or(Value::Null), column.holds))
        }));
    }
    if B::ON_CONFLICT {
        query.on_conflict(OnConflict::new().do_nothing().to_owned());
    }
    Statement::of::<B>(&query)
}

/// Replaces a record that is at a version. Tenant and `created_at` stay, whatever the new record says.
pub(crate) fn update<B: Backend>(id: RecordId, values: Vec<Value>, was: Version) -> Statement {
    let mut query = Query::update();
    query.table(schema::table(id.kind));
    for (value, column) in values.into_iter().zip(id.kind.columns()) {
        match column.name {
            "id" | "tenant" | "created_at" => {}
            "version" => drop(query.value(column.name, was.next().get())),
            name => drop(query.value(name, bound(value, column.holds))),
        }
    }
    query.and_where(Expr::col("id").eq(id.uuid)).and_where(Expr::col("version").eq(was.get()));
    Statement::of::<B>(&query)
}

/// Removes a record that is at a version.
pub(crate) fn delete<B: Backend>(id: RecordId, was: Version) -> Statement {
    let mut query = Query::delete();
    query
        .from_table(schema::table(id.kind))
        .and_where(Expr::col("id").eq(id.uuid))
        .and_where(Expr::col("version").eq(was.get()));
    Statement::of::<B>(&query)
}

/// The version that a record is at; `held` until the transaction ends, where it does not hold the whole database.
pub(crate) fn version<B: Backend>(id: RecordId, held: bool) -> Statement {
    let mut query = Query::select();
    query.from(schema::table(id.kind)).column("version").and_where(Expr::col("id").eq(id.uuid));
    if held {
        // Not shared: MariaDB has another word for that, and two who share may not both go on to write.
        query.lock(LockType::Update);
    }
    Statement::of::<B>(&query)
}

/// Gives unclaimed responses to a user.
pub(crate) fn claim<B: Backend>(
    responses: impl Iterator<Item = Uuid>,
    user: &UserId,
    at: Timestamp,
) -> Statement {
    let mut query = Query::update();
    query
        .table(schema::table(Kind::Response))
        .value("user", user.as_str())
        .value("claimed_at", at.as_millis())
        .value("version", Expr::col("version").add(1_i64))
        .and_where(Expr::col("id").is_in(padded(responses.map(Expr::val).collect())))
        .and_where(Expr::col("visitor").is_not_null())
        .and_where(Expr::col("user").is_null());
    Statement::of::<B>(&query)
}

/// Id and version of the responses, and whether each is unclaimed.
pub(crate) fn claimable<B: Backend>(responses: impl Iterator<Item = Uuid>) -> Statement {
    let mut query = Query::select();
    let unclaimed = Expr::col("visitor").is_not_null().and(Expr::col("user").is_null());
    let number = CaseStatement::new().case(unclaimed, 1_i64).finally(0_i64);
    query
        .from(schema::table(Kind::Response))
        .columns(["id", "version"])
        .expr(number)
        .and_where(Expr::col("id").is_in(padded(responses.map(Expr::val).collect())));
    Statement::of::<B>(&query)
}

/// Records of one kind by their ids, in any order.
pub(crate) fn get<B: Backend>(kind: Kind, ids: &[Uuid]) -> Statement {
    let mut query = all_of(kind);
    query.and_where(Expr::col("id").is_in(padded(ids.iter().copied().map(Expr::val).collect())));
    Statement::of::<B>(&query)
}

/// Unique keys of one rule that agree in all parts but the last.
#[derive(PartialEq, Eq, Hash, Debug)]
pub(crate) struct KeyGroup<'a> {
    pub(crate) unique: Unique,
    pub(crate) tenant: &'a Tenant,
    pub(crate) first: &'a [Value],
}

/// The records of one kind that hold keys, in any order; one that holds several may come several times.
pub(crate) fn find<'a, B: Backend>(
    kind: Kind,
    groups: impl Iterator<Item = (&'a KeyGroup<'a>, &'a Vec<&'a Value>)>,
) -> Statement {
    let mut query: Option<SelectStatement> = None;
    for (group, last) in groups {
        let mut one = all_of(kind);
        one.and_where(Expr::col("tenant").eq(group.tenant.as_str()));
        let mut columns = group.unique.columns().iter().copied();
        for (column, value) in columns.by_ref().zip(group.first) {
            one.and_where(Expr::col(column).eq(part(value)));
        }
        if let Some(column) = columns.next() {
            one.and_where(Expr::col(column).is_in(padded(last.iter().map(|value| part(value)).collect())));
        }
        query = Some(match query.take() {
            Some(mut all) => all.union(UnionType::All, one).to_owned(),
            None => one,
        });
    }
    Statement::of::<B>(&query.unwrap_or_else(|| all_of(kind)))
}

/// One page of an index.
pub(crate) fn page<B: Backend>(index: Index, prefix: &Prefix, range: &Range, limit: u32) -> Statement {
    let shape = index.shape();
    let mut query = all_of(shape.kind);
    if let Some(tenant) = &prefix.tenant {
        query.and_where(Expr::col("tenant").eq(tenant.as_str()));
    }
    let mut parts = prefix.parts.iter();
    for wanted in shape.parts {
        match wanted {
            Part::Is(column) => {
                query.and_where_option(parts.next().map(|value| Expr::col(*column).eq(part(value))));
            }
            Part::Null(column) => drop(query.and_where(Expr::col(*column).is_null())),
        }
    }
    // One bound at each end: given two, a planner may begin the scan at the worse one.
    let (mut from, mut until, mut after) = (range.from, range.until, range.after);
    if let Some(seek) = after {
        if range.ascending {
            if from.is_some_and(|from| from > seek.at) { after = None } else { from = None }
        } else if until.is_some_and(|until| until <= seek.at) {
            after = None;
        } else {
            until = None;
        }
    }
    query.and_where_option(from.map(|from| Expr::col(shape.order).gte(from)));
    query.and_where_option(until.map(|until| Expr::col(shape.order).lt(until)));
    query.and_where_option(after.map(|seek| behind::<B>(shape.order, seek, range.ascending)));
    let order = if range.ascending { Order::Asc } else { Order::Desc };
    query.order_by(shape.order, order.clone()).order_by("id", order).limit(u64::from(limit));
    Statement::of::<B>(&query)
}

fn behind<B: Backend>(order: &'static str, seek: Seek, ascending: bool) -> Expr {
    let compare = |column: Expr, value: Expr| if ascending { column.gt(value) } else { column.lt(value) };
    if B::ROW_RANGES {
        let columns = Expr::tuple([Expr::col(order), Expr::col("id")]);
        return compare(columns, Expr::tuple([Expr::val(seek.at), Expr::val(seek.id)]));
    }
    let at = Expr::col(order);
    let edge = if ascending { at.clone().gte(seek.at) } else { at.clone().lte(seek.at) };
    edge.and(compare(at, Expr::val(seek.at)).or(compare(Expr::col("id"), Expr::val(seek.id))))
}

/// The columns of a number's name, after tenant and family.
const NAME: [&str; 3] = ["part1", "part2", "bucket"];

/// Numbers that are not 0, in the order of their names.
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
    for (column, value) in NAME.iter().zip(&prefix.parts) {
        query.and_where(Expr::col(*column).eq(value.as_str()));
    }
    if let Some(after) = &range.after {
        let wanted = (&prefix.tenant, prefix.family, prefix.parts.as_slice());
        let start = (&after.tenant, after.family, after.parts.get(..given).unwrap_or_default());
        match start.cmp(&wanted) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Greater => return None,
            std::cmp::Ordering::Equal => {
                let [first, second] = after.parts.each_ref().map(|part| Expr::val(part.as_str()));
                let values = [first, second, Expr::val(after.bucket)].into_iter().skip(given);
                let columns = NAME.into_iter().skip(given).map(Expr::col);
                query.and_where(Expr::tuple(columns).gt(Expr::tuple(values)));
            }
        }
    }
    for column in NAME {
        query.order_by(column, Order::Asc);
    }
    Some(Statement::of::<B>(query.limit(u64::from(range.limit))))
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

/// Adds to statistics; a sum stays at the end of the range that it would leave.
pub(crate) fn tally<'a, B: Backend>(rows: impl Iterator<Item = (&'a CounterKey, i64)>) -> Statement {
    let add = || B::incoming("value");
    let high = add().gt(0_i64).and(stored().gt(Expr::val(i64::MAX).sub(add())));
    let low = add().lt(0_i64).and(stored().lt(Expr::val(i64::MIN).sub(add())));
    let sum = CaseStatement::new().case(high, i64::MAX).case(low, i64::MIN).finally(stored().add(add()));
    let mut query = numbers(rows);
    query.on_conflict(upsert().value("value", sum).to_owned());
    Statement::of::<B>(&query)
}

/// Adds to a counter whose value lies in a range, or makes it, if 0 lies there.
pub(crate) fn count<B: Backend>(key: &CounterKey, add: i64, least: i64, most: i64) -> Statement {
    let mut query = numbers([(key, add)].into_iter());
    query.on_conflict(
        upsert()
            .value("value", stored().add(B::incoming("value")))
            .action_and_where(stored().between(least, most))
            .to_owned(),
    );
    Statement::of::<B>(&query)
}

/// Makes a counter of 0, unless it is there.
pub(crate) fn make_counter<B: Backend>(key: &CounterKey) -> Statement {
    let mut query = numbers([(key, 0)].into_iter());
    query.on_conflict(upsert().value("value", stored()).to_owned());
    Statement::of::<B>(&query)
}

/// Adds to a counter that is there and whose value lies in a range.
pub(crate) fn count_existing<B: Backend>(key: &CounterKey, add: i64, least: i64, most: i64) -> Statement {
    let mut query = Query::update();
    query
        .table(COUNTER)
        .value("value", Expr::col("value").add(add))
        .cond_where(named(key))
        .and_where(Expr::col("value").between(least, most));
    Statement::of::<B>(&query)
}

/// The value of a counter.
pub(crate) fn counter<B: Backend>(key: &CounterKey) -> Statement {
    let mut query = Query::select();
    query.from(COUNTER).column("value").cond_where(named(key));
    Statement::of::<B>(&query)
}

fn named(key: &CounterKey) -> sea_query::Condition {
    let [first, second] = key.parts.each_ref().map(KeyPart::as_str);
    sea_query::Cond::all()
        .add(Expr::col("tenant").eq(key.tenant.as_str()))
        .add(Expr::col("family").eq(i64::from(key.family.code())))
        .add(Expr::col("part1").eq(first))
        .add(Expr::col("part2").eq(second))
        .add(Expr::col("bucket").eq(key.bucket))
}

/// The migrations that are wholly applied, oldest first.
pub(crate) fn applied<B: Backend>() -> Statement {
    let mut query = Query::select();
    query
        .from(Alias::new(schema::BOOKKEEPING))
        .column("version")
        .and_where(Expr::col("success").eq(true))
        .order_by("version", Order::Asc);
    Statement::of::<B>(&query)
}

/// Forgets a migration that was interrupted, so that it is run again.
pub(crate) fn forget_interrupted<B: Backend>() -> Statement {
    let mut query = Query::delete();
    query.from_table(Alias::new(schema::BOOKKEEPING)).and_where(Expr::col("success").eq(false));
    Statement::of::<B>(&query)
}
