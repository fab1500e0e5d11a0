//! Links: codes with an owner and a destination, and where codes come from.

mod alias;
mod cache;
mod code;
mod create;
mod draft;
mod edit;
#[expect(clippy::module_inception, reason = "the folder is about links, and this is the record")]
mod link;
mod reads;

pub use alias::{Alias, AliasId};
pub use cache::{CacheLimits, LinkCache};
pub use code::{
    AlphabetError, CodeGenerator, GeneratorError, PerOwner, RandomCode, ReservedWords, Slug, UNAMBIGUOUS,
    guide,
};
pub use create::{Existing, Preview};
pub use draft::LinkDraft;
pub use edit::LinkEdit;
pub use link::{Limits, Link, LinkId, NaturalKey, Status};
pub use reads::LinkReads;
pub(crate) use reads::{all_links, links_of_owner};
