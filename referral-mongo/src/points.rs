//! Look-ups by `_id`, inside a transaction or outside: records, holders of unique keys, and everything that a batch
//! depends on.

use std::collections::{BTreeMap, HashMap};

use futures_util::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReadConcern;
use mongodb::{ClientSession, Collection};
use referral_core::store::plan::{self, Found};
use referral_core::store::{Changeset, CounterKey, Kind, Record, RecordId, UniqueKey};
use uuid::Uuid;

use crate::connection::Inner;
use crate::error::Failure;
use crate::schema::{self, COUNTER, KEYS};

/// The most documents that the server is asked to send at once.
const BATCH: u32 = 1000;
/// The most `_id`s of one look-up.
pub(crate) const POINTS: usize = 128;

/// The documents with these `_id`s, read in the transaction of the session if there is one. Without a transaction, one
/// look-up shows one moment, and several do not.
async fn documents(
    collection: &Collection<Document>,
    ids: &[Bson],
    mut session: Option<&mut ClientSession>,
) -> Result<Vec<Document>, Failure> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(POINTS) {
        let find = collection.find(doc! { "_id": { "$in": ids } }).batch_size(BATCH);
        match session.as_deref_mut() {
            None => {
                let find = find.read_concern(ReadConcern::snapshot());
                found.append(&mut find.await?.try_collect().await?);
            }
            Some(session) => {
                let mut cursor = find.session(&mut *session).await?;
                while let Some(document) = cursor.next(session).await.transpose()? {
                    found.push(document);
                }
            }
        }
    }
    Ok(found)
}

/// The records of these ids that exist.
pub(crate) async fn records(
    inner: &Inner,
    ids: &[RecordId],
    mut session: Option<&mut ClientSession>,
) -> Result<HashMap<RecordId, Record>, Failure> {
    let mut kinds: BTreeMap<Kind, Vec<Bson>> = BTreeMap::new();
    for id in ids {
        kinds.entry(id.kind).or_default().push(schema::id(id.uuid));
    }
    let mut found = HashMap::with_capacity(ids.len());
    for (kind, ids) in kinds {
        let collection = inner.collection(&schema::collection_name(kind));
        for document in documents(&collection, &ids, session.as_deref_mut()).await? {
            let record = schema::record(kind, &document)?;
            found.insert(record.id(), record);
        }
    }
    Ok(found)
}

/// The records that hold these keys, in their order.
pub(crate) async fn holders(
    inner: &Inner,
    keys: &[UniqueKey],
    session: Option<&mut ClientSession>,
) -> Result<Vec<Option<RecordId>>, Failure> {
    let ids: Vec<_> = keys.iter().map(schema::key_id).collect();
    let mut found: HashMap<Vec<u8>, Uuid> = HashMap::with_capacity(keys.len());
    for document in documents(&inner.collection(KEYS), &ids, session).await? {
        let holder = schema::uuid(document.get("holder").unwrap_or(&Bson::Null))?;
        found.insert(schema::id_bytes(document.get("_id")), holder);
    }
    let holder = |(key, id): (&UniqueKey, &Bson)| {
        let uuid = *found.get(&schema::id_bytes(Some(id)))?;
        Some(RecordId { kind: key.unique.kind(), uuid })
    };
    Ok(keys.iter().zip(&ids).map(holder).collect())
}

/// Reads what a batch depends on, in as few commands as possible.
pub(crate) async fn found(
    inner: &Inner,
    batch: &[Changeset],
    session: &mut ClientSession,
) -> Result<Found, Failure> {
    let (wanted, mut found) = (plan::wanted(batch), Found::default());
    let mut stored = records(inner, &wanted.records, Some(&mut *session)).await?;
    found.records.extend(wanted.records.into_iter().map(|id| (id, stored.remove(&id))));
    let keys = plan::wanted_keys(batch, &found);
    let holders = holders(inner, &keys, Some(&mut *session)).await?;
    found.holders.extend(keys.into_iter().zip(holders));
    let id = |key: &CounterKey| schema::counter_id(key, schema::stripe(key.family, inner.writer));
    let ids: Vec<Bson> = wanted.numbers.iter().map(id).collect();
    let numbers = documents(&inner.collection(COUNTER), &ids, Some(session)).await?;
    found.numbers.extend(wanted.numbers.into_iter().map(|key| (key, None)));
    for document in &numbers {
        let (key, value) = schema::counter(document)?;
        found.numbers.insert(key, Some(value));
    }
    Ok(found)
}
