//! Codes made of the link's label.

use async_trait::async_trait;

use crate::link::code::generator::{CodeGenerator, GeneratorError};
use crate::link::code::random::{RandomCode, UNAMBIGUOUS};
use crate::link::draft::LinkDraft;
use crate::value::Code;

/// The longest slug before anything is appended, which leaves room for a suffix.
const STEM_MAX: usize = 40;

/// From this attempt on counting up would take as many attempts as there are
/// namesakes, so a random suffix takes over.
const COUNT_UNTIL: u32 = 4;

/// Codes made of the link's label: `Summer Sale!` becomes `summer-sale`, then
/// `summer-sale-2` and so on while that is taken, and after a few attempts
/// `summer-sale-k7m2xq`.
///
/// Letters are lowered, the common accents of Latin letters dropped, and everything
/// else turned into single hyphens. A label of which nothing is left gets a random
/// code; one of which fewer than three symbols are left gets a random suffix.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slug {
    namesake: Namesake,
}

impl Slug {
    /// Makes slugs, and uses this generator for labels of which nothing is left.
    pub fn with_fallback(fallback: RandomCode) -> Self {
        Self { namesake: Namesake::with_fallback(fallback) }
    }
}

#[async_trait]
impl CodeGenerator for Slug {
    async fn code(&self, draft: &LinkDraft, attempt: u32) -> Result<Code, GeneratorError> {
        self.namesake.code(draft.label.as_str(), attempt)
    }
}

/// Codes that begin with a text and tell namesakes apart by the attempt number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Namesake {
    pub(super) fallback: RandomCode,
    suffix: RandomCode,
}

impl Default for Namesake {
    fn default() -> Self {
        Self::with_fallback(RandomCode::default())
    }
}

impl Namesake {
    pub(super) fn with_fallback(fallback: RandomCode) -> Self {
        Self { fallback, suffix: RandomCode::of(UNAMBIGUOUS, 6) }
    }

    pub(super) fn code(&self, text: &str, attempt: u32) -> Result<Code, GeneratorError> {
        let stem = slug(text);
        if stem.is_empty() {
            return Ok(self.fallback.draw());
        }
        let code = match attempt {
            0 if stem.len() >= Code::CHOSEN_MIN => stem,
            1..COUNT_UNTIL if stem.len() >= Code::CHOSEN_MIN => format!("{stem}-{}", attempt + 1),
            _ => format!("{stem}-{}", self.suffix.draw()),
        };
        Ok(Code::new(code)?)
    }
}

/// The text in `[a-z0-9-]`, at most [`STEM_MAX`] bytes, without a hyphen at
/// either end or two in a row.
fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(STEM_MAX);
    // A label is short; the bound is for whoever passes something longer.
    for letter in text.chars().take(4 * STEM_MAX).flat_map(char::to_lowercase) {
        let plain = plain(letter);
        if plain.is_empty() {
            if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        } else if plain != "\0" {
            slug.push_str(plain);
        }
        if slug.len() >= STEM_MAX {
            break;
        }
    }
    slug.truncate(STEM_MAX);
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// A lower-case letter in ASCII; empty where a hyphen takes its place, and NUL
/// where nothing does, as with an apostrophe or a combining accent.
fn plain(letter: char) -> &'static str {
    const ASCII: &str = "0123456789abcdefghijklmnopqrstuvwxyz";
    if let Some(at) = ASCII.find(letter) {
        return ASCII.get(at..=at).unwrap_or_default();
    }
    match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ð' | 'đ' | 'ď' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => "o",
        'œ' => "oe",
        'ř' => "r",
        'ś' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ť' | 'ţ' | 'ț' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' | 'ų' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        '\'' | '’' | '\u{300}'..='\u{36f}' => "\0",
        _ => "",
    }
}
