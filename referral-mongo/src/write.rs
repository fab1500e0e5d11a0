//! The writes of a transaction. All statements of one kind on one collection make one command.

use std::collections::BTreeMap;

use mongodb::bson::{Bson, Document, doc};
use mongodb::{ClientSession, Database};
use referral_core::store::plan::{self, Look, Plan, Transition};
use referral_core::store::{Change, Changeset, CounterKey, Outcome, Record, RecordId, StoreError, UniqueKey};

use crate::error::{self, Failure};
use crate::schema::{self, COUNTER, GUARD, KEYS};

/// The most statements of one command.
const STATEMENTS: usize = 1000;
/// About the most bytes of one command. The server's limit is sixteen million.
const BYTES: usize = 8 * 1024 * 1024;

/// The kinds of statements, in the order in which they run. Deletes run first, because they release unique keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Verb {
    Delete,
    Update,
    Insert,
    /// Deletes documents that were inserted only as a lock.
    Withdraw,
}

impl Verb {
    /// The name of the command and that of its statements.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Delete | Self::Withdraw => ("delete", "deletes"),
            Self::Update => ("update", "updates"),
            Self::Insert => ("insert", "documents"),
        }
    }
}

/// The statements of a transaction.
#[derive(Debug, Default)]
pub(crate) struct Writes(BTreeMap<(Verb, String), Vec<Document>>);

impl Writes {
    /// The writes of a plan. A snapshot alone does not keep other transactions from changing what was read. So
    /// every document that the plan depends on is written, even if its content stays the same.
    pub(crate) fn of(plan: &Plan, writer: u8) -> Self {
        let mut writes = Self::default();
        writes.records_and_keys(plan);
        for number in &plan.numbers {
            writes.number(number, schema::stripe(number.key.family, writer));
        }
        writes.in_order();
        writes
    }

    /// The writes of changesets that only insert and tally, without reading first. If these writes fail, the caller
    /// reads and decides. It is `None` if the changesets do more than that, or conflict with each other, or a sum
    /// may overflow.
    pub(crate) fn plain(batch: &[Changeset], writer: u8) -> Option<Self> {
        let is_plain = |change: &Change| match change {
            Change::Insert(_) => true,
            // Only additions, because at the ends of i64 the order of +1 and -1 changes the sum.
            Change::Tally { add, .. } => *add >= 0,
            Change::Update { .. }
            | Change::Delete { .. }
            | Change::Expect { .. }
            | Change::Patch { .. }
            | Change::Count { .. } => false,
        };
        if !batch.iter().flat_map(Changeset::changes).all(is_plain) {
            return None;
        }
        let plan = plan::decide(batch, &NothingStored);
        // Two changesets may want the same key.
        if !plan.answers.iter().all(|answer| matches!(answer, Ok(Outcome::Applied))) {
            return None;
        }
        let mut writes = Self::default();
        writes.records_and_keys(&plan);
        for number in &plan.numbers {
            match number.after {
                // The sum may have been cut off at the end of i64.
                Some(i64::MAX) => return None,
                Some(add) => writes.increase(&number.key, add, schema::stripe(number.key.family, writer)),
                None => {}
            }
        }
        Some(writes)
    }

    fn records_and_keys(&mut self, plan: &Plan) {
        for Transition { key, before, after } in &plan.records {
            let collection = schema::collection_name(key.kind);
            let id = schema::id(key.uuid);
            let at = |old: &Record| doc! { "_id": schema::id(key.uuid), "version": old.version().get() };
            match (before, after) {
                (None, None) => self.insert_and_withdraw(&collection, id),
                (None, Some(new)) => self.add(Verb::Insert, &collection, schema::document(new)),
                (Some(old), None) => self.delete(&collection, at(old)),
                (Some(old), Some(new)) => {
                    let difference = schema::difference(old, new);
                    let update = if difference.is_empty() { guarded() } else { difference };
                    self.update(&collection, at(old), update);
                }
            }
        }
        for Transition { key, before, after } in &plan.holders {
            let id = schema::key_id(key);
            let at = |old: &RecordId| doc! { "_id": schema::key_id(key), "holder": schema::id(old.uuid) };
            match (before, after) {
                (None, None) => self.insert_and_withdraw(KEYS, id),
                (None, Some(new)) => {
                    self.add(Verb::Insert, KEYS, schema::key_document(id, key.unique, new.uuid));
                }
                (Some(old), None) => self.delete(KEYS, at(old)),
                (Some(old), Some(new)) if old == new => self.update(KEYS, at(old), guarded()),
                (Some(old), Some(new)) => {
                    self.update(KEYS, at(old), doc! { "$set": { "holder": schema::id(new.uuid) } });
                }
            }
        }
    }

    fn number(&mut self, number: &Transition<CounterKey, i64>, stripe: u8) {
        let id = schema::counter_id(&number.key, stripe);
        let Some(before) = number.before else {
            let mut document = doc! { "_id": id };
            document.extend(schema::counter_fields(&number.key, stripe));
            // A zero is inserted too, so that no other transaction can make this number meanwhile.
            document.insert("value", number.after.unwrap_or_default());
            return self.add(Verb::Insert, COUNTER, document);
        };
        let at = doc! { "_id": id, "value": before };
        match number.after {
            None => self.delete(COUNTER, at),
            Some(now) if now == before => self.update(COUNTER, at, guarded()),
            Some(now) => self.update(COUNTER, at, doc! { "$set": { "value": now } }),
        }
    }

    /// Adds to a number, whatever its value is.
    fn increase(&mut self, key: &CounterKey, add: i64, stripe: u8) {
        let update = doc! { "$inc": { "value": add }, "$setOnInsert": schema::counter_fields(key, stripe) };
        let at = doc! { "_id": schema::counter_id(key, stripe) };
        self.add(Verb::Update, COUNTER, doc! { "q": at, "u": update, "upsert": true });
    }

    fn add(&mut self, verb: Verb, collection: &str, statement: Document) {
        self.0.entry((verb, collection.to_owned())).or_default().push(statement);
    }

    /// The guard is the state that the document must still have. The snapshot ensures this already; the guard
    /// checks it once more.
    fn update(&mut self, collection: &str, guard: Document, update: Document) {
        self.add(Verb::Update, collection, doc! { "q": guard, "u": update });
    }

    fn delete(&mut self, collection: &str, guard: Document) {
        self.add(Verb::Delete, collection, doc! { "q": guard, "limit": 1 });
    }

    /// Inserts and deletes a document. This leaves nothing, but conflicts with every other transaction that inserts
    /// the same `_id` meanwhile.
    fn insert_and_withdraw(&mut self, collection: &str, id: Bson) {
        self.add(Verb::Insert, collection, doc! { "_id": id.clone(), GUARD: 1_i64 });
        self.add(Verb::Withdraw, collection, doc! { "q": { "_id": id }, "limit": 1 });
    }

    /// Sorts the statements in an order that all writers share. So if two transactions write the same documents,
    /// one of them is first at all of them.
    fn in_order(&mut self) {
        let id = |statement: &Document| {
            let guard = statement.get_document("q").unwrap_or(statement);
            schema::id_bytes(guard.get("_id"))
        };
        for statements in self.0.values_mut() {
            statements.sort_by_cached_key(id);
        }
    }

    /// Runs all statements. It fails if a statement does not find the document as it was read.
    pub(crate) async fn run(self, database: &Database, session: &mut ClientSession) -> Result<(), Failure> {
        for ((verb, collection), statements) in self.0 {
            let (command, list) = verb.names();
            for piece in pieces(statements) {
                let count = piece.len();
                let command = doc! { command: &collection, "ordered": true, list: piece };
                let answer = database.run_command(command).session(&mut *session).await?;
                error::check(&answer, count)?;
            }
        }
        Ok(())
    }
}

/// An empty database, for a plan that is made without reading.
struct NothingStored;

impl Look for NothingStored {
    fn record(&self, _: RecordId) -> Result<Option<Record>, StoreError> {
        Ok(None)
    }

    fn holder(&self, _: &UniqueKey) -> Result<Option<RecordId>, StoreError> {
        Ok(None)
    }

    fn number(&self, _: &CounterKey) -> Result<Option<i64>, StoreError> {
        Ok(None)
    }
}

/// An update that changes only the guard field.
fn guarded() -> Document {
    doc! { "$inc": { GUARD: 1_i64 } }
}

/// Divides statements into lists that fit into one command.
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

/// The approximate size of a document in bytes.
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
    use referral_core::store::{Family, KeyPart, Version};
    use referral_core::{Alias, AliasId, Code, LinkId, Tenant, Timestamp};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_may_pass_the_end_of_the_range_is_not_added_blindly() {
        let key = CounterKey::new(Tenant::default(), Family::Responses, [KeyPart::NONE, KeyPart::NONE]);
        let alias = Alias {
            id: AliasId::from_uuid(Uuid::from_u128(1)),
            tenant: Tenant::default(),
            version: Version::FIRST,
            created_at: Timestamp::from_millis(1),
            code: Code::new("a".to_owned()).unwrap(),
            link: LinkId::from_uuid(Uuid::from_u128(7)),
            case_exact: false,
        };
        let is_plain = |adds: &[i64]| {
            let tallies = adds.iter().map(|add| Change::Tally { counter: key.clone(), add: *add });
            let changes = [Change::Insert(alias.clone().into())].into_iter().chain(tallies);
            Writes::plain(&[Changeset::new(changes)], 0).is_some()
        };
        assert!(is_plain(&[1, 2]));
        assert!(!is_plain(&[1, -2]));
        assert!(!is_plain(&[1, i64::MAX]));
    }

    #[test]
    fn statements_are_cut_by_number_and_by_size() {
        let lengths = |statements| pieces(statements).iter().map(Vec::len).collect::<Vec<_>>();
        assert!(lengths(Vec::new()).is_empty());
        assert_eq!(lengths(vec![doc! { "a": 1 }; 2500]), [1000, 1000, 500]);
        let heavy = doc! { "a": "x".repeat(3 * 1024 * 1024) };
        assert_eq!(lengths(vec![heavy; 5]), [2, 2, 1]);
    }
}
