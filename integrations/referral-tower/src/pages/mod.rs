//! The pages that people see, and how to replace them.

mod item;
mod model;
#[expect(clippy::module_inception, reason = "the folder is about pages, and this is the trait of them")]
mod pages;

pub use item::LinkItem;
pub use model::{DeadLinkPage, LinkForm, LinksPage, ProblemPage};
pub use pages::{DefaultPages, PageError, Pages};
