//! Records of every kind, made from core's description of it: a kind that core gains is tested without a word
//! here, unless one of its columns wants a text of a grammar that [`grammars`] does not know.

use referral_core::store::{Change, Changeset, RecordId, Unique, Version};
use referral_core::store::{Column, ColumnType, Kind, Record, Value};
use referral_core::{Status, Via};

use crate::cx::Cx;

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

/// Texts that differ as bytes and that databases, drivers and collations like to change or to confuse.
pub(crate) const TEXTS: &[&str] = &[
    "abc",
    "ABC",
    "Abc",
    "abc ",
    "abc  ",
    " abc",
    "abc\t",
    "abc\n",
    "abc\r\n",
    "\u{e4}bc",
    "a\u{308}bc",
    "abc\u{308}",
    "ss",
    "\u{df}",
    "I",
    "\u{131}",
    "\u{130}",
    "\u{fb01}",
    "fi",
    "\u{212a}",
    "K",
    "k",
    "\u{ff21}",
    "\u{1f9d1}\u{200d}\u{1f680}",
    "\u{1f9d1}\u{1f680}",
    "\u{5d0}\u{5d1}\u{202e}\u{5d2}",
    "\u{639}\u{631}\u{628}\u{64a}",
    "\u{200b}abc",
    "\u{feff}abc",
    "\u{10ffff}",
    "\u{1}\u{7f}\u{85}",
    "%_\\",
    "a%c",
    "'; DROP TABLE link; --",
    "\"${jndi:x}\" $where {a.b}",
    "\\u0041\\x41\\0",
    "null",
    "NULL",
    "0",
    "00",
    "-0",
    "1e3",
];

/// What keys are put together with, and what sorts before and behind all that people write.
pub(crate) const SEPARATORS: &[&str] = &[
    ":",
    "/",
    "|",
    ",",
    ".",
    "\\",
    "\u{1}",
    "\u{1f}",
    "\u{7f}",
    "\u{ff}",
    "\u{ffff}",
    "\u{10ffff}",
    "%00",
    "\\0",
];

/// Numbers at which integers turn into something else.
pub(crate) const NUMBERS: &[i64] = &[
    0,
    1,
    -1,
    i32::MAX as i64 + 1,
    u32::MAX as i64,
    (1 << 53) + 1,
    -(1 << 53) - 1,
    253_402_300_800_000,
    -62_135_596_800_001,
    i64::MAX,
    i64::MIN,
];

/// A record of a kind, filled as wanted. `None` where the kind cannot be filled like that: two columns that are
/// only ever absent together.
pub(crate) fn record(cx: &Cx, kind: Kind, filling: &Filling) -> Option<Record> {
    let mark = cx.uuid();
    let columns = kind.columns();
    let mut pools: Vec<Vec<Value>> =
        columns.iter().map(|column| pool(kind, column, filling, &mark.simple().to_string())).collect();
    // The id is not text and has to be the mark, so that no two samples meet.
    pools[kind.position("id").unwrap()] = vec![Value::Uuid(mark)];
    let mut chosen = vec![0; columns.len()];
    loop {
        let values = pools.iter().zip(&chosen).map(|(pool, i)| pool[*i].clone()).collect();
        match Record::from_values(kind, values) {
            Ok(record) => return Some(record),
            Err(wrong) => {
                let position = kind.position(wrong.column).unwrap();
                chosen[position] += 1;
                if chosen[position] == pools[position].len() {
                    assert!(
                        matches!(filling.absent, Absent::Only(_)),
                        "the testkit knows no value for {kind:?}.{}: {wrong}",
                        wrong.column
                    );
                    return None;
                }
            }
        }
    }
}

/// What may stand in a column, the value wanted most first.
fn pool(kind: Kind, column: &Column, filling: &Filling, mark: &str) -> Vec<Value> {
    let absent = match filling.absent {
        Absent::Nothing => false,
        Absent::Everything => true,
        Absent::Only(name) => name == column.name,
    };
    if column.nullable && absent {
        return vec![Value::Null];
    }
    match column.holds {
        ColumnType::Uuid => vec![Value::Uuid(uuid::Uuid::from_u128(u128::MAX >> 3))],
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

/// Texts of the grammars that core's text columns may want.
fn grammars(max: usize, filling: &Filling, mark: &str) -> Vec<String> {
    let mut texts = vec![fit(mark, "-", max.min(64), filling.longest)];
    texts.extend(Status::ALL.iter().map(|status| status.name().to_owned()));
    texts.extend(Via::ALL.iter().map(|via| via.name().to_owned()));
    let quoted = filling.text.chars().filter(|c| !c.is_control() && !"\"\\".contains(*c)).collect::<String>();
    if let Some(room) = max.checked_sub(8) {
        let value = fit(&quoted, if quoted.is_empty() { "x" } else { &quoted }, room, filling.longest);
        texts.push(format!(r#"{{"k":"{value}"}}"#));
    }
    texts
}

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

/// The filling of [`small`] in which everything that may be absent is.
pub(crate) const BARE: u8 = 13;

/// A record for a random history. Its few fillings share keys and prefixes, so that records get in each other's way.
pub(crate) fn small(kind: Kind, id: uuid::Uuid, tenant: &str, time: i64, filling: u8) -> Record {
    let columns = kind.columns();
    let pools: Vec<Vec<Value>> = columns
        .iter()
        .enumerate()
        .map(|(position, column)| {
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
        })
        .collect();
    let mut chosen = vec![0; columns.len()];
    loop {
        let values = pools.iter().zip(&chosen).map(|(pool, i)| pool[*i].clone()).collect();
        match Record::from_values(kind, values) {
            Ok(record) => return record,
            Err(wrong) => {
                let position = kind.position(wrong.column).unwrap();
                chosen[position] += 1;
                assert!(chosen[position] < pools[position].len(), "the testkit knows no value: {wrong}");
            }
        }
    }
}

fn few(column: &Column, pick: usize, bare: bool) -> Vec<Value> {
    let mut values = Vec::new();
    if column.nullable && (bare || pick.is_multiple_of(3)) {
        values.push(Value::Null);
    }
    match column.holds {
        ColumnType::Uuid => values.push(Value::Uuid(uuid::Uuid::from_u128(pick as u128 % 2 + 1))),
        ColumnType::Int => values.push(Value::Int(pick as i64 % 3)),
        ColumnType::Text(_) => {
            let texts = ["abc", "ABC", "a0c", "aOc"].map(|text| Value::Text(text.into()));
            values.extend(texts.into_iter().cycle().skip(pick % 4).take(4));
            let status = Status::ALL.iter().map(|status| status.name());
            let names = status.chain(Via::ALL.iter().map(|via| via.name()));
            values.extend(names.map(|name| Value::Text(name.into())));
            values.push(Value::Text(r#"{"k":"v"}"#.into()));
        }
    }
    if column.nullable {
        values.push(Value::Null);
    }
    values
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
