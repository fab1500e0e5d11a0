//! The grammar of codes and their folded form.

use std::fmt;
use std::str::FromStr;

/// What stands in the URL of a link: 1 to 64 of `A-Z a-z 0-9 _ -`.
///
/// Codes are compared byte for byte. Two codes that a person could mistake for
/// each other have the same [`fold`](Code::fold), and stores keep a second unique
/// key of it.
///
/// ```
/// # use referral_core::Code;
/// let code = Code::new("Hello-World")?;
/// assert_eq!(code.as_str(), "Hello-World");
/// assert_eq!(code.fold(), "he110-w0r1d");
/// assert!(Code::new("a/b").is_err());
/// # Ok::<(), referral_core::CodeError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(String);

impl Code {
    /// The most symbols that a code has. Each symbol is one byte.
    pub const MAX: usize = 64;

    /// The fewest symbols that a code has if a person chose it, see [`Code::chosen`].
    pub const CHOSEN_MIN: usize = 3;

    /// Takes a code as it stands in a URL or a table.
    ///
    /// # Errors
    ///
    /// [`CodeError::Empty`], [`CodeError::TooLong`], or [`CodeError::Symbol`] with the
    /// first symbol that a code may not have.
    pub fn new(code: impl Into<String>) -> Result<Self, CodeError> {
        let code = code.into();
        if code.is_empty() {
            return Err(CodeError::Empty);
        }
        // By bytes, because this is on the path of every click. What comes before the
        // first offending one is ASCII, so its position is that of the character too.
        if let Some(position) = code.bytes().position(|byte| !is_symbol(char::from(byte))) {
            let symbol = code.get(position..).and_then(|rest| rest.chars().next());
            return Err(CodeError::Symbol { position, symbol: symbol.unwrap_or_default() });
        }
        // Only ASCII is left, so bytes are symbols.
        if code.len() > Self::MAX {
            return Err(CodeError::TooLong { length: code.len() });
        }
        Ok(Self(code))
    }

    /// For generators, which put only symbols of the grammar
    /// together, at least one and at most 64.
    pub(crate) const fn of_symbols(symbols: String) -> Self {
        Self(symbols)
    }

    /// Takes a code that a person chose: the same grammar, but at least
    /// [`Code::CHOSEN_MIN`] symbols, so that the first users do not take all short codes.
    ///
    /// # Errors
    ///
    /// As [`Code::new`], and [`CodeError::TooShort`].
    pub fn chosen(code: impl Into<String>) -> Result<Self, CodeError> {
        let code = Self::new(code)?;
        if code.0.len() < Self::CHOSEN_MIN {
            return Err(CodeError::TooShort { length: code.0.len() });
        }
        Ok(code)
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which look-alikes are the same: letters become lower case, then
    /// `o` becomes `0`, and `i` and `l` become `1`.
    ///
    /// Folding twice gives the same as folding once, and a folded code is a code.
    pub fn fold(&self) -> String {
        self.0.chars().map(fold_symbol).collect()
    }
}

/// Is this a symbol that codes are made of?
pub(crate) const fn is_symbol(symbol: char) -> bool {
    symbol.is_ascii_alphanumeric() || matches!(symbol, '_' | '-')
}

/// One symbol of [`Code::fold`].
pub(crate) const fn fold_symbol(symbol: char) -> char {
    match symbol.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({})", self.0)
    }
}

impl FromStr for Code {
    type Err = CodeError;

    fn from_str(code: &str) -> Result<Self, CodeError> {
        Self::new(code)
    }
}

impl TryFrom<&str> for Code {
    type Error = CodeError;

    fn try_from(code: &str) -> Result<Self, CodeError> {
        Self::new(code)
    }
}

impl TryFrom<String> for Code {
    type Error = CodeError;

    fn try_from(code: String) -> Result<Self, CodeError> {
        Self::new(code)
    }
}

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.0
    }
}

/// Why a text is no code, or is a code that may not be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// The text is empty.
    #[error("a code cannot be empty")]
    Empty,
    /// More than [`Code::MAX`] symbols.
    #[error("a code has at most {max} symbols, not {length}", max = Code::MAX)]
    TooLong {
        /// How many symbols were given.
        length: usize,
    },
    /// A person chose fewer than [`Code::CHOSEN_MIN`] symbols.
    #[error("a chosen code has at least {min} symbols, not {length}", min = Code::CHOSEN_MIN)]
    TooShort {
        /// How many symbols were given.
        length: usize,
    },
    /// A symbol that is not one of `A-Z a-z 0-9 _ -`.
    #[error("{symbol:?} at position {position} cannot stand in a code")]
    Symbol {
        /// Where it stands, in characters from 0.
        position: usize,
        /// The first character that a code may not have.
        symbol: char,
    },
    /// The code reads like a reserved word, see [`ReservedWords`](crate::link::ReservedWords).
    #[error("the code is reserved")]
    Reserved,
}
