//! Words that no code may be.

use std::collections::BTreeSet;

use crate::value::{Code, CodeError, fold_symbol};

/// Words that no code may look like.
///
/// The [folded](Code::fold) forms are compared, so `AP1` is reserved because `api` is.
/// The default holds a few words that are often used for routes beside `/r/{code}`.
/// Which words are offensive depends on the language and the shop, so that list is
/// empty. Add your own with [`with_fragment`](Self::with_fragment).
///
/// ```
/// # use referral_core::Code;
/// # use referral_core::link::ReservedWords;
/// let words = ReservedWords::default().with_word("staff").with_fragment("darn");
/// assert!(words.check(&Code::new("STAFF")?).is_err());
/// assert!(words.check(&Code::new("gosh-darn-it")?).is_err());
/// assert!(words.check(&Code::new("staffel")?).is_ok());
/// # Ok::<(), referral_core::CodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedWords {
    words: BTreeSet<String>,
    fragments: BTreeSet<String>,
}

/// The list is short on purpose, because nobody can have a code that stands here.
const ROUTES: [&str; 8] = ["admin", "api", "edit", "invite", "invited", "login", "new", "signup"];

impl ReservedWords {
    /// Reserves nothing.
    pub const fn none() -> Self {
        Self { words: BTreeSet::new(), fragments: BTreeSet::new() }
    }

    /// Reserves a word: a code that folds to the same may not be used. An empty
    /// word reserves nothing.
    #[must_use]
    pub fn with_word(mut self, word: &str) -> Self {
        self.words.insert(fold(word));
        self
    }

    /// Reserves several words, see [`with_word`](Self::with_word).
    #[must_use]
    pub fn with_words<'a>(self, words: impl IntoIterator<Item = &'a str>) -> Self {
        words.into_iter().fold(self, Self::with_word)
    }

    /// Reserves every code in whose folded form this stands anywhere, for words
    /// that nobody wants to read even by chance. An empty fragment reserves nothing.
    #[must_use]
    pub fn with_fragment(mut self, fragment: &str) -> Self {
        if !fragment.is_empty() {
            self.fragments.insert(fold(fragment));
        }
        self
    }

    /// Does the code look like a reserved word?
    pub fn contains(&self, code: &Code) -> bool {
        if self.words.is_empty() && self.fragments.is_empty() {
            return false;
        }
        let folded = code.fold();
        self.words.contains(&folded)
            || self.fragments.iter().any(|fragment| folded.contains(fragment.as_str()))
    }

    /// Lets a code through unless it looks like a reserved word.
    ///
    /// # Errors
    ///
    /// [`CodeError::Reserved`].
    pub fn check(&self, code: &Code) -> Result<(), CodeError> {
        if self.contains(code) { Err(CodeError::Reserved) } else { Ok(()) }
    }
}

impl Default for ReservedWords {
    fn default() -> Self {
        Self::none().with_words(ROUTES)
    }
}

fn fold(word: &str) -> String {
    word.chars().map(fold_symbol).collect()
}
