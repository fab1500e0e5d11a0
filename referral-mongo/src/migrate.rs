//! Collections and indexes: made on request, looked for on the first use.

use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{Error, ErrorKind as Driver};
use referral_core::store::{StoreError, StoreErrorKind};

use crate::error::{Failure, NAME, UNMIGRATED};
use crate::schema::{self, SCHEMA};

/// The `_id` of the one document of [`SCHEMA`].
const BOOK: &str = "referral";
/// The form of the documents. A library of a later form may write what this one cannot read.
const FORMAT: i32 = 1;

const NAMESPACE_EXISTS: i32 = 48;
const INDEX_OPTIONS_CONFLICT: i32 = 85;
const INDEX_KEY_SPECS_CONFLICT: i32 = 86;

/// Makes what is missing. Everything may be made twice, so it may be interrupted, run again and raced.
pub(crate) async fn migrate(database: &Database) -> Result<(), Failure> {
    let found = book(database).await?;
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
    // Behind all else: whoever finds a name here finds the thing itself.
    let made = doc! { "$max": { "format": FORMAT }, "$addToSet": { "made": { "$each": names() } } };
    let books = database.collection::<Document>(SCHEMA);
    // Two first ones at once: one of them inserts, and the other one's insert is a duplicate.
    let mut left = 2;
    loop {
        match books.update_one(doc! { "_id": BOOK }, made.clone()).upsert(true).await.map_err(Failure::from) {
            Err(failure) if failure.is_transient() && left > 0 => left -= 1,
            other => return other.map(drop),
        }
    }
}

/// Whether the database is one that this version of the library works on.
pub(crate) async fn check(database: &Database) -> Result<(), Failure> {
    let found = book(database).await?;
    refuse_newer(found.as_ref())?;
    let made = found.as_ref().and_then(|book| book.get_array("made").ok());
    let there = |name: &String| made.is_some_and(|made| made.contains(&Bson::String(name.clone())));
    if names().iter().all(there) { Ok(()) } else { Err(refuse(UNMIGRATED)) }
}

/// Every collection and every index.
fn names() -> Vec<String> {
    let indexes = |indexes: Vec<mongodb::IndexModel>| {
        indexes.into_iter().filter_map(|index| index.options.and_then(|options| options.name))
    };
    let layout = schema::layout().into_iter();
    layout.flat_map(|(collection, made)| std::iter::once(collection).chain(indexes(made))).collect()
}

async fn book(database: &Database) -> Result<Option<Document>, Failure> {
    Ok(database.collection::<Document>(SCHEMA).find_one(doc! { "_id": BOOK }).await?)
}

fn refuse_newer(book: Option<&Document>) -> Result<(), Failure> {
    match book.map(|book| book.get_i32("format")) {
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
