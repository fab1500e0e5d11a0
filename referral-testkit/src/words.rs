//! Data in a few words, for the messages of cases. Nothing here is longer than somebody reads.

use std::fmt::{self, Debug, Write};

use referral_core::store::{
    Change, Changeset, Conflict, CounterKey, Outcome, Record, StoreError, UniqueKey, Value,
};

/// The most bytes of one side of a comparison, or of an answer.
const MOST: usize = 600;

/// The most bytes of a text or a name inside a line.
const TEXT: usize = 40;

/// The most things of a list that are named.
const NAMED: usize = 5;

/// Takes what fits, and then fails, so that nobody writes a megabyte of which a line is shown.
struct Room {
    text: String,
    left: usize,
}

impl Write for Room {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = text.floor_char_boundary(self.left);
        self.text.push_str(&text[..end]);
        self.left -= end;
        if end < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

/// What a value looks like, cut where it is long.
pub(crate) fn short(value: &dyn Debug) -> String {
    cut(value, MOST)
}

fn cut(value: &dyn Debug, most: usize) -> String {
    let mut room = Room { text: String::new(), left: most };
    if write!(room, "{value:?}").is_err() {
        room.text.push('…');
    }
    room.text
}

/// The first things of a list, and how many more there are.
pub(crate) fn some<T>(list: &[T], say: impl Fn(&T) -> String) -> String {
    let named: Vec<_> = list.iter().take(NAMED).map(say).collect();
    let more = match list.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("[{}{more}]", named.join(", "))
}

/// Both sides of a comparison. Long ones begin shortly before the place from which they differ.
pub(crate) fn sides(came: &dyn Debug, expected: &dyn Debug) -> String {
    // Enough for the records of a page, and no end of memory for the heaviest changesets.
    const SEEN: usize = 1 << 20;
    let (came, expected) = (cut(came, SEEN), cut(expected, SEEN));
    let alike = came.bytes().zip(expected.bytes()).take_while(|(one, other)| one == other).count();
    let from = if came.len().max(expected.len()) > MOST { alike.saturating_sub(MOST / 3) } else { 0 };
    let side = |text: &str| {
        let from = text.floor_char_boundary(from);
        let until = text.floor_char_boundary(from + MOST);
        let before = if from > 0 { "… " } else { "" };
        let after = if until < text.len() { " …" } else { "" };
        format!("{before}{}{after}", &text[from..until])
    };
    format!("expected {}\n    came {}", side(&expected), side(&came))
}

/// Ends the case: what came is not what was expected.
#[cold]
#[track_caller]
pub(crate) fn differ(words: &str, came: &dyn Debug, expected: &dyn Debug) -> ! {
    let end = words.floor_char_boundary(MOST);
    let more = if end < words.len() { "…" } else { "" };
    panic!("{}{more}\n{}", &words[..end], sides(came, expected))
}

/// A changeset, by its changes.
pub(crate) fn changeset(changeset: &Changeset) -> String {
    some(changeset.changes(), change)
}

fn change(change: &Change) -> String {
    match change {
        Change::Insert(record) => format!("Insert {}", record.id()),
        Change::Update { record, was } => format!("Update {} at version {was}", record.id(), was = was.get()),
        Change::Delete { id, was } => format!("Delete {id} at version {}", was.get()),
        Change::Expect { id, was } => format!("Expect {id} at version {}", was.get()),
        Change::Patch { kind, of, .. } => {
            let of = some(of, |(uuid, was)| format!("{uuid} at version {}", was.get()));
            format!("Patch {} {of}", kind.name())
        }
        Change::Count { counter, add, within } => {
            let (from, until) = (end(within.min), end(within.max));
            format!("Count {} {add:+} within {from}..={until}", number(counter))
        }
        Change::Tally { counter, add } => format!("Tally {} {add:+}", number(counter)),
    }
}

fn end(bound: i64) -> String {
    if bound == i64::MIN || bound == i64::MAX { String::new() } else { bound.to_string() }
}

/// The name of a number.
pub(crate) fn number(key: &CounterKey) -> String {
    let parts = key.parts.each_ref().map(|part| text(part.as_str()));
    format!("{:?} {}, bucket {}{}", key.family, parts.join(" / "), key.bucket, of(key.tenant.as_str()))
}

/// A unique key.
pub(crate) fn key(key: &UniqueKey) -> String {
    format!("{:?} {}{}", key.unique, some(&key.parts, value), of(key.tenant.as_str()))
}

/// A part of a key.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Text(part) => text(part),
        other => cut(other, TEXT),
    }
}

fn of(tenant: &str) -> String {
    if tenant.is_empty() { String::new() } else { format!(" of tenant {}", text(tenant)) }
}

fn text(text: &str) -> String {
    if text.len() <= TEXT {
        return format!("{text:?}");
    }
    let end = text.floor_char_boundary(TEXT);
    format!("{:?}… of {} bytes", &text[..end], text.len())
}

/// The record of a point, by its id and version.
pub(crate) fn record(record: Option<&Record>) -> String {
    record.map_or_else(|| "none".to_owned(), |r| format!("{} at version {}", r.id(), r.version().get()))
}

/// What a store said to a changeset.
pub(crate) fn answer(answer: &Result<Outcome, StoreError>) -> String {
    match answer {
        Ok(Outcome::Applied) => "Applied".to_owned(),
        Ok(Outcome::Conflict { index, conflict }) => {
            let why = match conflict {
                Conflict::Stale { id, now } => {
                    let now = now.map_or_else(|| "absent".to_owned(), |v| format!("at version {}", v.get()));
                    format!("Stale, {id} is {now}")
                }
                Conflict::Taken { key: taken, holder } => format!("Taken, {holder} holds {}", key(taken)),
                Conflict::OutOfBounds { counter, value } => {
                    format!("OutOfBounds, {} is {value}", number(counter))
                }
            };
            format!("Conflict at change {index}: {why}")
        }
        Err(error) => self::error(error),
    }
}

/// A failure of a store.
pub(crate) fn error(error: &StoreError) -> String {
    format!("the error {:?} ({error})", error.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sides_are_shown_from_where_they_differ() {
        let long = |end: &str| format!("{}{end}", "a".repeat(5000));
        let sides = sides(&long("came"), &long("expected"));
        assert!(sides.contains("came\""), "{sides}");
        assert!(sides.contains("expected\""), "{sides}");
        assert!(sides.len() < 2 * MOST + 100, "{}", sides.len());
        assert_eq!(super::sides(&1, &2), "expected 2\n    came 1");
    }

    #[test]
    fn a_list_names_a_few_and_counts_the_rest() {
        let list: Vec<u8> = (0..100).collect();
        assert_eq!(some(&list, u8::to_string), "[0, 1, 2, 3, 4, and 95 more]");
        assert_eq!(some(&list[..2], u8::to_string), "[0, 1]");
    }

    #[test]
    fn no_value_is_written_beyond_its_room() {
        assert_eq!(cut(&"ä".repeat(9), 6), "\"ää…");
    }
}
