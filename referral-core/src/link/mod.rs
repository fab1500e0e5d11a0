//! Links: codes with an owner and a destination, and where codes come from.

mod alias;
mod alive;
mod cache;
mod code;
mod create;
mod draft;
mod edit;
mod find;
#[expect(clippy::module_inception, reason = "the folder is about links, and this is the record")]
mod link;
mod links;
mod reads;
mod refusal;
mod settings;

pub use alias::{Alias, AliasId};
pub use alive::DeadCode;
pub use cache::{CacheLimits, LinkCache};
pub use code::{
    AlphabetError, CodeGenerator, GeneratorError, PerOwner, RandomCode, ReservedWords, Slug, UNAMBIGUOUS,
    guide,
};
pub use create::Existing;
pub use draft::LinkDraft;
pub use edit::LinkEdit;
pub use find::Preview;
pub use link::{Limits, Link, LinkId, NaturalKey, Status};
pub use links::Links;
pub use reads::LinkReads;
pub use refusal::LinkRefusal;
pub(crate) use settings::LinkSettings;
