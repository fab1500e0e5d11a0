//! Tests with errors that a real server or its stand-in makes.

use mongodb::bson::{Document, doc};
use mongodb::error::{ErrorKind as Driver, WriteFailure};

use crate::error::{Reason, reason};
use crate::harness::MongoHarness;

/// Makes the server return a duplicate in each of its three forms.
#[tokio::test]
async fn a_duplicate_is_known_in_each_of_its_three_shapes() {
    let harness = MongoHarness::from_env();
    let Some((store, _scratch)) = harness.scratch().await else { return };
    let things = store.database().collection::<Document>("things");
    things.insert_one(doc! { "_id": 1 }).await.unwrap();
    let write = things.insert_one(doc! { "_id": 1 }).await.unwrap_err();
    assert!(matches!(write.kind.as_ref(), Driver::Write(WriteFailure::WriteError(_))), "{write:?}");
    let many = things.insert_many([doc! { "_id": 2 }, doc! { "_id": 1 }]).await.unwrap_err();
    assert!(matches!(many.kind.as_ref(), Driver::InsertMany(_)), "{many:?}");
    // The filter finds nothing, so the upsert inserts an `_id` that exists.
    let upsert = things.find_one_and_update(doc! { "_id": 1, "x": 1 }, doc! { "$set": { "y": 1 } });
    let command = upsert.upsert(true).await.unwrap_err();
    assert!(matches!(command.kind.as_ref(), Driver::Command(_)), "{command:?}");
    for error in [write, many, command] {
        assert_eq!(reason(&error), Reason::Duplicate, "{error:?}");
    }
}
