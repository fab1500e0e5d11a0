//! Makes the collections and indexes on request, and checks on the first use that they exist.

use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, ErrorKind as Driver};
use referral_core::store::{StoreError, StoreErrorKind};

use crate::error::{Failure, NAME, UNMIGRATED};
use crate::schema::{self, SCHEMA};

/// The `_id` of the one document of [`SCHEMA`].
const SCHEMA_ID: &str = "referral";
/// The version of the document format. A library with a later format may write documents that this one cannot read.
const FORMAT: i32 = 1;

const NAMESPACE_EXISTS: i32 = 48;
const INDEX_OPTIONS_CONFLICT: i32 = 85;
const INDEX_KEY_SPECS_CONFLICT: i32 = 86;

/// Makes what is missing. Every step may be repeated, so this may be interrupted, run again, and run by several
/// processes at once.
pub(crate) async fn migrate(database: &Database) -> Result<(), Failure> {
    let found = schema_document(database).await?;
    refuse_newer(found.as_ref())?;
    for (collection, indexes) in schema::layout() {
        match database.create_collection(&collection).await {
            Err(error) if code(&error) == Some(NAMESPACE_EXISTS) => {}
            other => other?,
        }
        if !indexes.is_empty() {
            let collection = database.collection::<Document>(&collection);
            collection.create_indexes(indexes).await.map_err(explain)?;
        }
    }
    // This comes last, so that a name that is noted here belongs to something that exists.
    let made = doc! { "$max": { "format": FORMAT }, "$addToSet": { "made": { "$each": names() } } };
    let documents = database.collection::<Document>(SCHEMA);
    // If two processes migrate a new database at once, one inserts the document and the other gets a duplicate. It
    // tries again.
    let mut left = 2;
    loop {
        match documents
            .update_one(doc! { "_id": SCHEMA_ID }, made.clone())
            .upsert(true)
            .await
            .map_err(Failure::from)
        {
            Err(failure) if failure.is_transient() && left > 0 => left -= 1,
            other => return other.map(drop),
        }
    }
}

/// Fails unless the collections and indexes are those of this version of the library.
pub(crate) async fn check(database: &Database) -> Result<(), Failure> {
    let found = schema_document(database).await?;
    refuse_newer(found.as_ref())?;
    let made = found.as_ref().and_then(|document| document.get_array("made").ok());
    let there = |name: &String| made.is_some_and(|made| made.contains(&Bson::String(name.clone())));
    if names().iter().all(there) { Ok(()) } else { Err(refuse(UNMIGRATED)) }
}

/// The names of all collections and indexes.
fn names() -> Vec<String> {
    let indexes = |indexes: Vec<mongodb::IndexModel>| {
        indexes.into_iter().filter_map(|index| index.options.and_then(|options| options.name))
    };
    let layout = schema::layout().into_iter();
    layout.flat_map(|(collection, made)| std::iter::once(collection).chain(indexes(made))).collect()
}

async fn schema_document(database: &Database) -> Result<Option<Document>, Failure> {
    Ok(database.collection::<Document>(SCHEMA).find_one(doc! { "_id": SCHEMA_ID }).await?)
}

fn refuse_newer(found: Option<&Document>) -> Result<(), Failure> {
    match found.map(|document| document.get_i32("format")) {
        Some(Ok(format)) if format > FORMAT => {
            Err(refuse("the schema is newer than this library: update the library"))
        }
        _ => Ok(()),
    }
}

fn refuse(message: &'static str) -> Failure {
    Failure::Store(StoreError::new(StoreErrorKind::Corrupt, NAME, "open", message))
}

fn explain(error: Error) -> Failure {
    match code(&error) {
        Some(INDEX_OPTIONS_CONFLICT | INDEX_KEY_SPECS_CONFLICT) => {
            let message = "an index of ours is there in another shape: drop it and call migrate() again";
            let refused = StoreError::new(StoreErrorKind::Corrupt, NAME, "migrate", message);
            Failure::Store(refused.with_source(error))
        }
        _ => error.into(),
    }
}

fn code(error: &Error) -> Option<i32> {
    match error.kind.as_ref() {
        Driver::Command(error) => Some(error.code),
        _ => None,
    }
}
