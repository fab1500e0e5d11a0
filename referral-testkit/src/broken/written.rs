//! How a broken store writes a record.

use referral_core::store::{ColumnType, Record, Value};

use super::defect::Defect;

/// A record as the store writes it.
pub(super) fn written(record: Record, defect: Option<Defect>) -> Record {
    let kind = record.id().kind;
    let change = |(position, value): (usize, Value)| {
        let column = &kind.columns()[position];
        match (defect, value) {
            (Some(Defect::EmptyIsAbsent), Value::Text(text)) if text.is_empty() && column.nullable => {
                Value::Null
            }
            (Some(Defect::TextCut), Value::Text(text)) => {
                Value::Text(text.get(..text.floor_char_boundary(255)).unwrap_or_default().to_owned().into())
            }
            (Some(Defect::TextTrimmed), Value::Text(text)) => Value::Text(text.trim_end().to_owned().into()),
            (Some(Defect::ThreeByteText), Value::Text(text)) => {
                Value::Text(text.replace(|c: char| c.len_utf8() == 4, "?").into())
            }
            (Some(Defect::Seconds), Value::Int(number)) if column.name.ends_with("_at") => {
                Value::Int(number - number % 1000)
            }
            (Some(Defect::FloatNumbers), Value::Int(number)) => Value::Int(number as f64 as i64),
            (_, value) => value,
        }
    };
    let absent_is_empty = |(position, value): (usize, Value)| match (value, kind.columns()[position].holds) {
        (Value::Null, ColumnType::Text(_)) => Value::Text("".into()),
        (value, _) => value,
    };
    let values = record.values().into_iter().enumerate();
    let values: Vec<Value> = match defect {
        Some(Defect::AbsentIsEmpty) => values.map(absent_is_empty).collect(),
        _ => values.map(change).collect(),
    };
    Record::from_values(kind, values.clone()).unwrap_or_else(|_| one_by_one(record, &values))
}

/// The record with those of these values that its columns take: text that has to have a form keeps it.
fn one_by_one(record: Record, wanted: &[Value]) -> Record {
    let kind = record.id().kind;
    wanted.iter().enumerate().fold(record, |record, (position, value)| {
        let mut values = record.values();
        values[position] = value.clone();
        Record::from_values(kind, values).unwrap_or(record)
    })
}

/// What a patch puts into a column.
fn set_to(value: &Value, defect: Option<Defect>) -> Value {
    match (defect, value) {
        (Some(Defect::PatchTextCut), Value::Text(text)) => {
            Value::Text(text.get(..text.floor_char_boundary(60)).unwrap_or_default().to_owned().into())
        }
        (Some(Defect::PatchAscii), Value::Text(text)) => {
            Value::Text(text.replace(|c: char| !c.is_ascii(), "?").into())
        }
        (Some(Defect::PatchTimesFromZero), Value::Int(number)) => Value::Int((*number).max(0)),
        (_, value) => value.clone(),
    }
}

/// A record as the store writes it that a patch has changed; its version is still the old one.
pub(super) fn patched(old: &Record, set: &[(&'static str, Value)], defect: Option<Defect>) -> Record {
    let kind = old.id().kind;
    let mut values = old.values();
    for (at, (name, value)) in set.iter().enumerate() {
        let skipped = match defect {
            Some(Defect::PatchSetsFirst) => at > 0,
            Some(Defect::PatchSkipsNull) => *value == Value::Null,
            _ => false,
        };
        if let Some(position) = kind.position(name).filter(|_| !skipped) {
            values[position] = set_to(value, defect);
        }
    }
    if defect == Some(Defect::PatchReplaces) {
        for (position, column) in kind.columns().iter().enumerate() {
            let named = set.iter().any(|(name, _)| *name == column.name);
            if column.nullable && !named && kind.is_patchable(column.name) {
                values[position] = Value::Null;
            }
        }
    }
    Record::from_values(kind, values).unwrap_or_else(|_| old.clone())
}
