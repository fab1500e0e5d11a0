//! What a transaction writes: inserts, updates and deletes, each kind of them one command for a collection.

use std::collections::BTreeMap;

use mongodb::bson::{Bson, Document, doc};
use mongodb::{ClientSession, Database};
use referral_core::store::{Change, Changeset, CounterKey, UniqueKey};
use referral_core::store::{Record, Version};

use crate::draft::{Draft, Slot};
use crate::error::{self, Fault};
use crate::schema::{self, COUNTER, GUARD, KEYS};

/// The most statements of one command.
const STATEMENTS: usize = 1000;
/// The most bytes of one command, about; the server takes sixteen million.
const BYTES: usize = 8 * 1024 * 1024;

/// What to do with statements, in the order in which it is done: what is let go, goes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Verb {
    Delete,
    Update,
    Insert,
}

impl Verb {
    /// The name of the command and that of its statements.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Delete => ("delete", "deletes"),
            Self::Update => ("update", "updates"),
            Self::Insert => ("insert", "documents"),
        }
    }
}

/// The statements of a transaction.
#[derive(Debug, Default)]
pub(crate) struct Writes(BTreeMap<(Verb, String), Vec<Document>>);

impl Writes {
    fn add(&mut self, verb: Verb, collection: impl Into<String>, statement: Document) {
        self.0.entry((verb, collection.into())).or_default().push(statement);
    }

    fn insert(&mut self, collection: impl Into<String>, document: Document) {
        self.add(Verb::Insert, collection, document);
    }

    /// The guard says what the document still has to be. A snapshot makes sure of it; this is the second lock.
    fn update(&mut self, collection: impl Into<String>, guard: Document, update: Document) {
        self.add(Verb::Update, collection, doc! { "q": guard, "u": update });
    }

    fn delete(&mut self, collection: impl Into<String>, guard: Document) {
        self.add(Verb::Delete, collection, doc! { "q": guard, "limit": 1 });
    }

    fn insert_record(&mut self, record: &Record) {
        let id = record.id();
        self.insert(schema::collection_name(id.kind), schema::document(record, record.version()));
    }

    /// What changesets write that only insert and tally, without a look at what is there: if it fails, they are
    /// decided one after another. `None` if they do more than that.
    pub(crate) fn plain(batch: &[Changeset], writer: u8) -> Option<Self> {
        let mut writes = Self::default();
        let mut tallies: BTreeMap<&CounterKey, i64> = BTreeMap::new();
        for change in batch.iter().flat_map(|changeset| &changeset.changes) {
            match change {
                Change::Insert(record) => {
                    writes.insert_record(&record.clone().at_version(Version::FIRST));
                    for key in UniqueKey::all_of(record) {
                        let holder = record.id().uuid;
                        writes.insert(KEYS, schema::key_document(schema::key_id(&key), key.unique, holder));
                    }
                }
                Change::Tally { counter, add } => {
                    let sum = tallies.entry(counter).or_default();
                    // Up and down is not down and up where the end of the range is near.
                    if sum.signum() * add.signum() < 0 {
                        return None;
                    }
                    *sum = sum.checked_add(*add)?;
                }
                Change::Update { .. }
                | Change::Delete { .. }
                | Change::Expect { .. }
                | Change::Claim { .. }
                | Change::Count { .. } => return None,
            }
        }
        for (counter, add) in tallies.into_iter().filter(|(_, add)| *add != 0) {
            let stripe = schema::stripe(counter.family, writer);
            let update = doc! {
                "$inc": { "value": add },
                "$setOnInsert": schema::counter_fields(counter, stripe),
            };
            let id = schema::counter_id(counter, stripe);
            writes.add(Verb::Update, COUNTER, doc! { "q": { "_id": id }, "u": update, "upsert": true });
        }
        Some(writes)
    }

    /// What a decided batch writes.
    pub(crate) fn of(draft: &Draft<'_>, writer: u8) -> Self {
        let mut writes = Self::default();
        for (id, slot) in &draft.records.slots {
            let collection = schema::collection_name(id.kind);
            let at = |record: &Record| doc! { "_id": schema::id(id.uuid), "version": record.version().get() };
            match slot {
                Slot { held: false, .. } | Slot { before: None, now: None, .. } => {}
                Slot { before: None, now: Some(new), .. } => writes.insert_record(new),
                Slot { before: Some(old), now: None, .. } => writes.delete(collection, at(old)),
                Slot { before: Some(old), now: Some(new), .. } => {
                    let difference = schema::difference(old, new);
                    let update = if difference.is_empty() { guarded() } else { difference };
                    writes.update(collection, at(old), update);
                }
            }
        }
        for (key, slot) in &draft.keys.slots {
            let id = schema::key_id(key);
            match (slot.before, slot.now) {
                (None, None) => {}
                (None, Some(holder)) => writes.insert(KEYS, schema::key_document(id, key.unique, holder)),
                (Some(old), None) => writes.delete(KEYS, doc! { "_id": id, "holder": schema::id(old) }),
                (Some(old), Some(new)) if old == new => {}
                (Some(old), Some(new)) => writes.update(
                    KEYS,
                    doc! { "_id": id, "holder": schema::id(old) },
                    doc! { "$set": { "holder": schema::id(new) } },
                ),
            }
        }
        for (counter, slot) in &draft.numbers.slots {
            writes.number(counter, slot, schema::stripe(counter.family, writer));
        }
        writes.in_order();
        writes
    }

    fn number(&mut self, counter: &CounterKey, slot: &Slot<i64>, stripe: u8) {
        if !slot.held {
            return;
        }
        let id = schema::counter_id(counter, stripe);
        let now = slot.now.unwrap_or_default();
        let Some(before) = slot.before else {
            let mut document = doc! { "_id": id };
            document.extend(schema::counter_fields(counter, stripe));
            // Also a zero: that nobody else makes it something else meanwhile is what the count rests on.
            document.insert("value", now);
            return self.insert(COUNTER, document);
        };
        let at = doc! { "_id": id, "value": before };
        if now == before {
            self.update(COUNTER, at, guarded());
        } else if now == 0 {
            self.delete(COUNTER, at);
        } else {
            self.update(COUNTER, at, doc! { "$set": { "value": now } });
        }
    }

    /// In an order that all writers share, so that of two who meet one gets everywhere first.
    fn in_order(&mut self) {
        let id = |statement: &Document| {
            let guard = statement.get_document("q").unwrap_or(statement);
            match guard.get("_id") {
                Some(Bson::Binary(binary)) => binary.bytes.clone(),
                _ => Vec::new(),
            }
        };
        for statements in self.0.values_mut() {
            statements.sort_by_cached_key(id);
        }
    }

    /// Writes everything. Anything that is not as it was read is a fault.
    pub(crate) async fn run(self, database: &Database, session: &mut ClientSession) -> Result<(), Fault> {
        for ((verb, collection), statements) in self.0 {
            let (command, list) = verb.names();
            for some in pieces(statements) {
                let count = some.len();
                let command = doc! { command: &collection, "ordered": true, list: some };
                let answer = database.run_command(command).session(&mut *session).await?;
                error::check(&answer, count)?;
            }
        }
        Ok(())
    }
}

/// A change to a document that changes nothing of its record. Reads of a snapshot alone do not keep others from
/// changing what was read.
fn guarded() -> Document {
    doc! { "$inc": { GUARD: 1_i64 } }
}

/// Statements in lists that fit into a command.
fn pieces(statements: Vec<Document>) -> Vec<Vec<Bson>> {
    let mut pieces: Vec<Vec<Bson>> = Vec::new();
    let mut bytes = BYTES;
    for statement in statements {
        let size = size(&statement);
        bytes = bytes.saturating_add(size);
        match pieces.last_mut() {
            Some(piece) if bytes <= BYTES && piece.len() < STATEMENTS => piece.push(statement.into()),
            _ => {
                bytes = size;
                pieces.push(vec![statement.into()]);
            }
        }
    }
    pieces
}

/// About how many bytes a document takes.
fn size(document: &Document) -> usize {
    let of = |(field, value): (&String, &Bson)| {
        let value = match value {
            Bson::String(text) => text.len(),
            Bson::Binary(binary) => binary.bytes.len(),
            Bson::Document(inner) => size(inner),
            _ => 8,
        };
        field.len().saturating_add(value).saturating_add(8)
    };
    document.iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_cut_by_number_and_by_size() {
        let lengths = |statements| pieces(statements).iter().map(Vec::len).collect::<Vec<_>>();
        assert!(lengths(Vec::new()).is_empty());
        assert_eq!(lengths(vec![doc! { "a": 1 }; 2500]), [1000, 1000, 500]);
        let heavy = doc! { "a": "x".repeat(3 * 1024 * 1024) };
        assert_eq!(lengths(vec![heavy; 5]), [2, 2, 1]);
    }
}
