//! Who proposes codes.

use std::error::Error;

use async_trait::async_trait;

use crate::link::draft::LinkDraft;
use crate::value::{Code, CodeError};

/// Proposes the code of a new link.
///
/// It is called with the draft of the link and an attempt number. The number begins
/// at 0 and grows by one each time the proposal was taken or reserved. After a
/// bounded number of attempts the link is not made. A generator never looks a code
/// up, because only the store knows what is free, and only at the moment of the
/// write.
///
/// A plain closure is a generator too:
///
/// ```
/// # use referral_core::{Code, CodeGenerator};
/// # use referral_core::link::GeneratorError;
/// # use referral_core::LinkDraft;
/// fn takes(_: impl CodeGenerator) {}
///
/// takes(|_: &LinkDraft, attempt: u32| Ok(Code::new(format!("summer-{attempt}"))?));
/// ```
///
/// Implement the trait itself if the code comes from somewhere else:
///
/// ```
/// # use async_trait::async_trait;
/// # use referral_core::{Code, CodeGenerator};
/// # use referral_core::link::GeneratorError;
/// # use referral_core::LinkDraft;
/// struct Voucher;
///
/// #[async_trait]
/// impl CodeGenerator for Voucher {
///     async fn code(&self, _draft: &LinkDraft, _attempt: u32) -> Result<Code, GeneratorError> {
///         let printed: String = ask_the_printer().await.map_err(GeneratorError::new)?;
///         Ok(Code::new(printed)?)
///     }
/// }
/// # async fn ask_the_printer() -> Result<String, std::io::Error> { Ok("A1B2".to_owned()) }
/// ```
#[async_trait]
pub trait CodeGenerator: Send + Sync {
    /// Proposes a code for this draft. For another `attempt` it should be another code,
    /// because the same one would be refused again.
    ///
    /// # Errors
    ///
    /// Whatever keeps the generator from proposing a code. The link is then not made.
    async fn code(&self, draft: &LinkDraft, attempt: u32) -> Result<Code, GeneratorError>;
}

#[async_trait]
impl<F> CodeGenerator for F
where
    F: Fn(&LinkDraft, u32) -> Result<Code, GeneratorError> + Send + Sync,
{
    async fn code(&self, draft: &LinkDraft, attempt: u32) -> Result<Code, GeneratorError> {
        self(draft, attempt)
    }
}

/// Why a generator proposed nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GeneratorError {
    /// What it proposed is no code.
    #[error("the generator proposed something that is no code")]
    Code(#[from] CodeError),
    /// The generator itself failed.
    #[error("the code generator failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

impl GeneratorError {
    /// Wraps an error of the generator's own, which may be a text.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(source.into())
    }
}
