//! Typed reads, for every [`Read`](crate::store::Read): one trait per aggregate, plus pages and their cursors.

mod cursor;
mod links;
mod numbers;
mod responses;

pub use cursor::{Cursor, CursorError, Page, PageRequest};
pub use links::LinkReads;
pub use numbers::NumberReads;
pub use responses::{ResponseFilter, ResponseReads};

pub(crate) use cursor::ListError;
pub(crate) use links::{all_links, links_of_owner};
pub(crate) use numbers::link_part;
pub(crate) use responses::responses_by;
