//! The statements on records of any kind.

use referral_core::store::{
    ColumnType, Index, Kind, Part, Prefix, Range, RecordId, Seek, UniqueKey, Value, Version,
};
use sea_query::{Expr, ExprTrait, LockType, OnConflict, Order, Query, SelectStatement, UnionType};
use uuid::Uuid;

use super::build::build;
use crate::backend::{Backend, Statement};
use crate::schema;

/// Values to look for, filled up to a power of two with copies of the last one. The copies do not change the
/// answer. So there are few distinct lengths, because each length is another statement to prepare.
fn padded(mut values: Vec<Expr>) -> Vec<Expr> {
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    values
}

fn one_of(column: &'static str, values: impl Iterator<Item = Uuid>) -> Expr {
    Expr::col(column).is_in(padded(values.map(Expr::val).collect()))
}

fn bound(value: Value, holds: ColumnType) -> sea_query::Value {
    match (value, holds) {
        // PostgreSQL needs to know the type of a null.
        (Value::Null, ColumnType::Uuid) => sea_query::Value::Uuid(None),
        (Value::Null, ColumnType::Int) => sea_query::Value::BigInt(None),
        (Value::Null, ColumnType::Text(_)) => sea_query::Value::String(None),
        (Value::Int(number), _) => number.into(),
        (Value::Uuid(uuid), _) => uuid.into(),
        (Value::Text(text), _) => text.into_owned().into(),
    }
}

fn operand(value: &Value) -> Expr {
    match value {
        Value::Null => Expr::val(Option::<String>::None),
        Value::Int(number) => Expr::val(*number),
        Value::Uuid(uuid) => Expr::val(*uuid),
        Value::Text(text) => Expr::val(text.as_ref()),
    }
}

fn select(kind: Kind) -> SelectStatement {
    let mut query = Query::select();
    query.from(schema::table(kind)).columns(kind.columns().iter().map(|column| column.name));
    query
}

/// Inserts records of one kind. If the database can do that, a held key is not an error and the row is left out.
pub(crate) fn insert<B: Backend>(kind: Kind, rows: impl Iterator<Item = Vec<Value>>) -> Statement {
    let columns = kind.columns();
    let mut query = Query::insert();
    query.into_table(schema::table(kind)).columns(columns.iter().map(|column| column.name));
    for row in rows {
        let mut row = row.into_iter();
        // There is one value for each column, whatever was given, so this cannot panic.
        query.values_panic(
            columns.iter().map(|column| Expr::val(bound(row.next().unwrap_or(Value::Null), column.holds))),
        );
    }
    if B::ON_CONFLICT {
        query.on_conflict(OnConflict::new().do_nothing().to_owned());
    }
    build::<B>(&query)
}

/// Replaces a record that is at this version. Tenant and `created_at` are never changed.
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
    build::<B>(&query)
}

/// Removes a record that is at this version.
pub(crate) fn delete<B: Backend>(id: RecordId, was: Version) -> Statement {
    let mut query = Query::delete();
    query
        .from_table(schema::table(id.kind))
        .and_where(Expr::col("id").eq(id.uuid))
        .and_where(Expr::col("version").eq(was.get()));
    build::<B>(&query)
}

/// Reads the version of a record. If `held` is true, the record is locked until the transaction ends.
pub(crate) fn version<B: Backend>(id: RecordId, held: bool) -> Statement {
    let mut query = Query::select();
    query.from(schema::table(id.kind)).column("version").and_where(Expr::col("id").eq(id.uuid));
    if held {
        // Exclusive, because two holders of a shared lock that both want to write deadlock. MariaDB also spells
        // shared locks differently.
        query.lock(LockType::Update);
    }
    build::<B>(&query)
}

/// Reads id and version of records, and locks them in the order of their ids until the transaction ends. SQLite
/// locks the whole database anyway.
pub(crate) fn versions<B: Backend>(kind: Kind, ids: impl Iterator<Item = Uuid>) -> Statement {
    let mut query = Query::select();
    query.from(schema::table(kind)).columns(["id", "version"]).and_where(one_of("id", ids));
    // The primary key is named so that the locks are taken in its order, and not in that of another index.
    B::read_from(&mut query, "PRIMARY");
    query.order_by("id", Order::Asc).lock(LockType::Update);
    build::<B>(&query)
}

/// Sets columns of records and moves each to its next version. The caller has checked their versions.
pub(crate) fn patch<B: Backend>(
    kind: Kind,
    ids: impl Iterator<Item = Uuid>,
    set: &[(&'static str, Value)],
) -> Statement {
    let mut query = Query::update();
    query.table(schema::table(kind)).value("version", Expr::col("version").add(1_i64));
    for column in kind.columns() {
        for (_, value) in set.iter().filter(|(name, _)| *name == column.name) {
            query.value(column.name, bound(value.clone(), column.holds));
        }
    }
    query.and_where(one_of("id", ids));
    build::<B>(&query)
}

/// Reads records of one kind by their ids, in any order.
pub(crate) fn get<B: Backend>(kind: Kind, ids: &[Uuid]) -> Statement {
    let mut query = select(kind);
    query.and_where(one_of("id", ids.iter().copied()));
    build::<B>(&query)
}

/// Reads the records of one kind that hold these keys, in any order. A record that holds several keys may come
/// several times.
///
/// There is one SELECT for each key, with `=` only. With a list after `IN`, SQLite without statistics would choose
/// another index of the tenant.
pub(crate) fn find<B: Backend>(kind: Kind, keys: &[&UniqueKey]) -> Statement {
    let mut parts = keys.iter().map(|key| {
        let mut one = select(kind);
        one.and_where(Expr::col("tenant").eq(key.tenant.as_str()));
        for (column, value) in key.unique.columns().iter().zip(&key.parts) {
            one.and_where(Expr::col(*column).eq(operand(value)));
        }
        one
    });
    let mut query = parts.next().unwrap_or_else(|| select(kind).limit(0).to_owned());
    for one in parts {
        query.union(UnionType::All, one);
    }
    build::<B>(&query)
}

/// Reads one page of an index.
pub(crate) fn page<B: Backend>(index: Index, prefix: &Prefix, range: &Range, limit: u32) -> Statement {
    let shape = index.shape();
    let mut query = select(shape.kind);
    B::read_from(&mut query, &schema::index_name(index));
    query.and_where(Expr::col("tenant").eq(prefix.tenant.as_str()));
    let order = if range.ascending { Order::Asc } else { Order::Desc };
    let mut parts = prefix.parts.iter();
    for wanted in shape.parts {
        match wanted {
            Part::Is(column) => {
                query.and_where_option(parts.next().map(|value| Expr::col(*column).eq(operand(value))));
            }
            Part::Null(column) => {
                query.and_where(Expr::col(*column).is_null());
                if B::ORDERS_BY_NULLS {
                    query.order_by(*column, order.clone());
                }
            }
        }
    }
    // There is one bound at each end. With two, a planner may begin the scan at the worse one: with `at >= 0 AND at
    // > 900` it may begin at 0.
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
    query.order_by(shape.order, order.clone()).order_by("id", order).limit(u64::from(limit));
    build::<B>(&query)
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
