//! What differs between the databases. Everything else is written once, over the trait [`Backend`].

mod dialect;
mod driver;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use dialect::Backend;
pub(crate) use dialect::{Durability, ErrorClass};
pub(crate) use driver::{Cells, Driver, Statement};
