//! Referral on MongoDB.
mod commit;
mod draft;
mod error;
mod gate;
mod migrate;
mod read;
mod retry;
pub mod schema;
mod store;
mod write;

pub use mongodb;
pub use store::MongoStore;
