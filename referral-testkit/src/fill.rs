//! Records of every kind, made from core's description of it: a kind that core gains is tested without a word here.

use referral_core::store::{
    Change, Changeset, Column, ColumnError, ColumnType, Kind, Part, Record, RecordId, Unique, Value, Version,
};
use uuid::Uuid;

/// How to fill the columns of a sample.
#[derive(Clone, Debug)]
pub(crate) struct Filling {
    /// What free text begins with; the rest of the column is filled up with it where `longest`.
    pub(crate) text: &'static str,
    pub(crate) longest: bool,
    pub(crate) number: i64,
    /// Which nullable columns are null.
    pub(crate) absent: Absent,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Absent {
    Nothing,
    Everything,
    Only(&'static str),
}

impl Filling {
    pub(crate) const PLAIN: Self = Self { text: "plain", longest: false, number: 7, absent: Absent::Nothing };
}

/// What may stand in a column, the value wanted most first.
pub(crate) type Candidates = Vec<Value>;

/// The first record that core accepts, of the candidates for each column. Where a column holds one of a few names, core
/// says which, and `pick` chooses among them.
pub(crate) fn fill(kind: Kind, mut candidates: Vec<Candidates>, pick: usize) -> Result<Record, ColumnError> {
    let mut chosen = vec![0; candidates.len()];
    let mut named = vec![false; candidates.len()];
    loop {
        let values = candidates.iter().zip(&chosen).map(|(values, i)| values[*i].clone()).collect();
        let refused = match Record::from_values(kind, values) {
            Ok(record) => return Ok(record),
            Err(refused) => refused,
        };
        let position = kind.position(refused.column).unwrap();
        let names = if named[position] { &[][..] } else { kind.columns()[position].names };
        if !names.is_empty() {
            named[position] = true;
            chosen[position] = 0;
            let first = pick % names.len();
            candidates[position] =
                names.iter().skip(first).take(1).map(|name| Value::Text((*name).into())).collect();
            continue;
        }
        chosen[position] += 1;
        if chosen[position] == candidates[position].len() {
            return Err(refused);
        }
    }
}

/// A record of a kind, filled as wanted; `mark` is its id. `None` where the kind cannot be filled like that: two columns
/// that are only ever absent together.
pub(crate) fn record(mark: Uuid, kind: Kind, filling: &Filling) -> Option<Record> {
    let columns = kind.columns().iter();
    let mut candidates: Vec<_> =
        columns.map(|column| pool(kind, column, filling, &mark.simple().to_string())).collect();
    // The id is not text and has to be the mark, so that no two samples meet.
    candidates[kind.position("id").unwrap()] = vec![Value::Uuid(mark)];
    match fill(kind, candidates, 0) {
        Ok(record) => Some(record),
        Err(_) if matches!(filling.absent, Absent::Only(_)) => None,
        Err(refused) => panic!("the testkit knows no value for {kind:?}.{}: {refused}", refused.column),
    }
}

fn pool(kind: Kind, column: &Column, filling: &Filling, mark: &str) -> Candidates {
    let absent = match filling.absent {
        Absent::Nothing => false,
        Absent::Everything => true,
        Absent::Only(name) => name == column.name,
    };
    if column.nullable && absent {
        return vec![Value::Null];
    }
    match column.holds {
        ColumnType::Uuid => vec![Value::Uuid(Uuid::from_u128(u128::MAX >> 3))],
        ColumnType::Int => [filling.number, i64::from(u32::MAX), 1, 0].map(Value::Int).to_vec(),
        ColumnType::Text(max) => {
            let max = max as usize;
            let unique = Unique::of(kind).any(|rule| rule.columns().contains(&column.name));
            // A column under a rule of uniqueness holds the mark, so that the samples do not refuse each other.
            let start = if unique { format!("{mark}{}", filling.text) } else { filling.text.to_owned() };
            let free = fit(&start, filling.text, max, filling.longest);
            let mut texts = vec![free];
            texts.extend(grammars(max, filling, mark));
            texts.into_iter().map(|text| Value::Text(text.into())).collect()
        }
    }
}

/// Texts of the grammars that a text column may want: a code or digest, a JSON object, a URL, an address, a currency.
fn grammars(max: usize, filling: &Filling, mark: &str) -> Vec<String> {
    let mut texts = vec![fit(mark, "-", max.min(64), filling.longest)];
    let quoted = filling.text.chars().filter(|c| !c.is_control() && !"\"\\".contains(*c)).collect::<String>();
    if let Some(room) = max.checked_sub(8) {
        let value = fit(&quoted, if quoted.is_empty() { "x" } else { &quoted }, room, filling.longest);
        texts.push(format!(r#"{{"k":"{value}"}}"#));
    }
    texts.extend(PLAIN_TEXTS.map(str::to_owned));
    texts.retain(|text| text.len() <= max);
    texts
}

const PLAIN_TEXTS: [&str; 6] = ["{}", "https://example.com/", "a@example.com", "EUR", "0", "x"];

/// A text that begins so, and is filled up or cut to what fits.
fn fit(start: &str, fill: &str, max: usize, longest: bool) -> String {
    let mut text = start.to_owned();
    if longest {
        while text.len() + fill.len() <= max {
            text.push_str(fill);
        }
        while text.len() < max {
            text.push('x');
        }
    }
    text.truncate(text.floor_char_boundary(max));
    text
}

/// A record with these values, and nothing where a column may hold nothing; elsewhere zero or a short text. Where a key is
/// unique, it is made of the id.
///
/// # Panics
/// Where core accepts no such record.
pub(crate) fn bare(kind: Kind, id: Uuid, values: &[(&str, Value)]) -> Record {
    let mark = id.simple().to_string();
    let candidates =
        kind.columns().iter().map(|column| match values.iter().find(|(name, _)| *name == column.name) {
            Some((_, value)) => vec![value.clone()],
            None if column.name == "id" => vec![Value::Uuid(id)],
            None if column.nullable => vec![Value::Null],
            None => {
                let is_key = Unique::of(kind).any(|rule| rule.columns().contains(&column.name));
                match column.holds {
                    ColumnType::Uuid => vec![Value::Uuid(if is_key { id } else { Uuid::from_u128(7) })],
                    ColumnType::Int => vec![Value::Int(0), Value::Int(1)],
                    ColumnType::Text(_) => {
                        let first = if is_key { mark.as_str() } else { "sample" };
                        let texts = [first].into_iter().chain(PLAIN_TEXTS);
                        texts.map(|text| Value::Text(text.to_owned().into())).collect()
                    }
                }
            }
        });
    fill(kind, candidates.collect(), 0).unwrap_or_else(|refused| panic!("no sample of {kind:?}: {refused}"))
}

/// The filling of [`small`] in which everything that may be absent is.
pub(crate) const BARE: u8 = 13;

/// A record for a random history. Its few fillings share keys and prefixes, so that records get in each other's way.
pub(crate) fn small(kind: Kind, id: Uuid, tenant: &str, time: i64, filling: u8) -> Record {
    let candidates = kind.columns().iter().enumerate().map(|(position, column)| {
        // Another choice for each column, and the same one for the same filling.
        let pick =
            usize::from(filling).wrapping_mul(5).wrapping_add(position.wrapping_mul(filling.into())) % 7;
        match column.name {
            "id" => vec![Value::Uuid(id)],
            "tenant" => vec![Value::Text(tenant.to_owned().into())],
            "version" => vec![Value::Int(i64::from(filling))],
            "created_at" => vec![Value::Int(time)],
            _ => few(column, pick, filling == BARE),
        }
    });
    fill(kind, candidates.collect(), filling.into())
        .unwrap_or_else(|refused| panic!("the testkit knows no value: {refused}"))
}

fn few(column: &Column, pick: usize, bare: bool) -> Candidates {
    let mut values = Vec::new();
    if column.nullable && (bare || pick.is_multiple_of(3)) {
        values.push(Value::Null);
    }
    match column.holds {
        ColumnType::Uuid => values.push(Value::Uuid(Uuid::from_u128(pick as u128 % 2 + 1))),
        ColumnType::Int => values.extend([pick as i64 % 3, 1, 0].map(Value::Int)),
        ColumnType::Text(max) => {
            let texts = ["abc", "ABC", "a0c", "aOc"].into_iter().cycle().skip(pick % 4).take(4);
            let texts = texts.chain([r#"{"k":"v"}"#]).chain(PLAIN_TEXTS);
            values
                .extend(texts.filter(|text| text.len() <= max as usize).map(|text| Value::Text(text.into())));
        }
    }
    if column.nullable {
        values.push(Value::Null);
    }
    values
}

/// The record with nothing in these columns.
pub(crate) fn without(record: &Record, parts: &[&Part]) -> Record {
    let kind = record.id().kind;
    let mut values = record.values();
    for part in parts {
        values[kind.position(part.column()).unwrap()] = Value::Null;
    }
    Record::from_values(kind, values).unwrap()
}

/// What a patch sets that makes other records like this one: all columns that it may set, or, where `pick` says so, some
/// of them. A field of several columns is always among them, because it is set as a whole.
pub(crate) fn patch(like: &Record, pick: Option<u8>) -> Vec<(&'static str, Value)> {
    let kind = like.id().kind;
    let named = kind.columns().iter().map(|column| column.name).zip(like.values());
    let all: Vec<_> = named.filter(|(name, _)| kind.is_patchable(name)).collect();
    let Some(pick) = pick else { return all };
    let picked = |position: usize| !(position + usize::from(pick)).is_multiple_of(3);
    let some = all.iter().enumerate().filter(|(position, set)| picked(*position) || !is_alone(like, set));
    some.map(|(_, set)| set.clone()).collect()
}

/// Several patches that make other records like this one: all columns at once, and each that is a field by itself.
pub(crate) fn patches(like: &Record) -> Vec<Vec<(&'static str, Value)>> {
    let all = patch(like, None);
    let alone = all.iter().filter(|set| is_alone(like, set)).map(|set| vec![set.clone()]);
    let mut patches: Vec<_> = alone.collect();
    patches.push(all);
    patches
}

/// Whether a patch may set this column and no other.
fn is_alone(like: &Record, set: &(&'static str, Value)) -> bool {
    let RecordId { kind, uuid } = like.id();
    Changeset::new([Change::Patch { kind, of: vec![(uuid, Version::FIRST)], set: vec![set.clone()] }])
        .check()
        .is_ok()
}

/// Values that are none of a column: nothing, another type, a text with NUL, one that is longer than the column.
pub(crate) fn impossible(column: &Column) -> Vec<Value> {
    let mut values = vec![Value::Null];
    match column.holds {
        ColumnType::Text(most) => {
            let most = most as usize;
            values.extend([Value::Int(1), Value::Uuid(Uuid::from_u128(1))]);
            values.extend(["\0", "a\0", "\0a"].map(|text| Value::Text(text.into())));
            values.push(Value::Text("x".repeat(most + 1).into()));
            values.push(Value::Text("\u{e9}".repeat(most / 2 + 1).into()));
        }
        ColumnType::Uuid => values.extend([Value::Int(7), Value::Text("7".into()), Value::Text("".into())]),
        ColumnType::Int => values.extend([Value::Uuid(Uuid::from_u128(1)), Value::Text("1".into())]),
    }
    values
}
