//! Codes made of the owner's id.

use async_trait::async_trait;

use crate::link::code::generator::{CodeGenerator, GeneratorError};
use crate::link::code::random::RandomCode;
use crate::link::code::slug::Namesake;
use crate::link::draft::LinkDraft;
use crate::value::Code;

/// Codes made of the owner's id: `Ada` gets `ada`, and for further links or
/// namesakes `ada-2`, `ada-3`, `ada-4`, then `ada-k7m2xq`. A link without an owner
/// gets a random code.
///
/// Use it if user ids are names that everybody may see, because the URL shows the id.
/// If ids are e-mail addresses, use another generator.
///
/// The id is made into a slug the way [`Slug`](super::Slug) does it, so the code
/// always follows the grammar, whatever users are called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PerOwner {
    namesake: Namesake,
}

impl PerOwner {
    /// With this generator for links without an owner and for ids of which no
    /// letter or digit is left.
    pub fn with_fallback(fallback: RandomCode) -> Self {
        Self { namesake: Namesake::with_fallback(fallback) }
    }
}

#[async_trait]
impl CodeGenerator for PerOwner {
    async fn code(&self, draft: &LinkDraft, attempt: u32) -> Result<Code, GeneratorError> {
        match &draft.owner {
            Some(owner) => self.namesake.code(owner.as_str(), attempt),
            None => Ok(self.namesake.fallback.draw()),
        }
    }
}
