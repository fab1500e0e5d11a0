//! What a host may choose about links.

use super::code::{CodeGenerator, RandomCode, ReservedWords};

/// What a host chose about links.
pub(crate) struct LinkSettings {
    pub(crate) codes: Box<dyn CodeGenerator>,
    pub(crate) reserved: ReservedWords,
    /// How often a generator is asked for one link, and how often a lost race is tried again.
    pub(crate) attempts: u32,
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self { codes: Box::new(RandomCode::default()), reserved: ReservedWords::default(), attempts: 10 }
    }
}
