//! Random codes.

use async_trait::async_trait;
use rand::Rng;

use crate::link::code::generator::{CodeGenerator, GeneratorError};
use crate::link::draft::LinkDraft;
use crate::value::{Code, is_symbol};

/// The 31 digits and lower-case letters that cannot be mistaken for one another:
/// no `0 o`, no `1 i l`. All of them are their own [fold](Code::fold).
pub const UNAMBIGUOUS: &str = "23456789abcdefghjkmnpqrstuvwxyz";

/// `A-Z a-z 0-9`.
const ALPHANUMERIC: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Codes drawn evenly from an alphabet by a cryptographically secure generator
/// that the operating system seeds.
///
/// The default is 10 symbols of [`UNAMBIGUOUS`], about 49 bits: among a million
/// links the chance that one more proposal is taken is one in 800 million. Where
/// the code alone must not be found by trying, ask for more:
/// `RandomCode::new(UNAMBIGUOUS, 14)?` has about 69 bits.
///
/// ```
/// # use referral_core::link::RandomCode;
/// let code = RandomCode::default().draw();
/// assert_eq!(code.as_str().len(), 10);
/// # let short = RandomCode::new("ab", 3)?.draw();
/// # assert_eq!(short.as_str().len(), 3);
/// # Ok::<(), referral_core::link::AlphabetError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RandomCode {
    // `new` checks that these are 2 to 64 different symbols of the grammar, all ASCII.
    alphabet: Box<[u8]>,
    // The smallest 2^n - 1 that reaches every place of the alphabet.
    mask: u8,
    length: usize,
}

impl RandomCode {
    /// Codes of `length` symbols, each drawn evenly from `alphabet`.
    ///
    /// # Errors
    ///
    /// [`AlphabetError`] unless the alphabet has at least two different symbols
    /// of the grammar, none of them twice, and the length is 1 to 64.
    pub fn new(alphabet: &str, length: usize) -> Result<Self, AlphabetError> {
        for (position, symbol) in alphabet.chars().enumerate() {
            if !is_symbol(symbol) {
                return Err(AlphabetError::Symbol { symbol });
            }
            // A symbol that is there twice would come up twice as often.
            if alphabet.chars().take(position).any(|earlier| earlier == symbol) {
                return Err(AlphabetError::Repeated { symbol });
            }
        }
        if alphabet.len() < 2 {
            return Err(AlphabetError::TooFew { symbols: alphabet.len() });
        }
        if length == 0 || length > Code::MAX {
            return Err(AlphabetError::Length { length });
        }
        Ok(Self::of(alphabet, length))
    }

    /// The codes of pinax-referrals: 40 symbols of `A-Z a-z 0-9`, about 238 bits,
    /// for those who want their new links to look like the imported ones.
    pub fn pinax() -> Self {
        Self::of(ALPHANUMERIC, 40)
    }

    /// For alphabets and lengths of this module, which are known to work.
    pub(super) fn of(alphabet: &str, length: usize) -> Self {
        let mut mask = 1_u8;
        while usize::from(mask) + 1 < alphabet.len() {
            mask = (mask << 1) | 1;
        }
        Self { alphabet: alphabet.as_bytes().into(), mask, length }
    }

    /// The next code.
    ///
    /// If a random value falls outside of the alphabet, another one is drawn. To wrap it
    /// round would favour the first symbols.
    pub fn draw(&self) -> Code {
        let mut symbols = String::with_capacity(self.length);
        let mut noise = [0_u8; 64];
        let mut generator = rand::rng();
        while symbols.len() < self.length {
            generator.fill_bytes(&mut noise);
            for value in noise {
                if let Some(symbol) = self.alphabet.get(usize::from(value & self.mask)) {
                    symbols.push(char::from(*symbol));
                    if symbols.len() == self.length {
                        break;
                    }
                }
            }
        }
        Code::of_symbols(symbols)
    }
}

impl Default for RandomCode {
    fn default() -> Self {
        Self::of(UNAMBIGUOUS, 10)
    }
}

#[async_trait]
impl CodeGenerator for RandomCode {
    async fn code(&self, _draft: &LinkDraft, _attempt: u32) -> Result<Code, GeneratorError> {
        Ok(self.draw())
    }
}

/// Why codes cannot be drawn from an alphabet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AlphabetError {
    /// A symbol that codes may not have.
    #[error("{symbol:?} cannot stand in a code")]
    Symbol {
        /// The first offending character.
        symbol: char,
    },
    /// A symbol that is there twice.
    #[error("{symbol:?} is in the alphabet twice")]
    Repeated {
        /// The first repeated character.
        symbol: char,
    },
    /// Fewer than two symbols.
    #[error("an alphabet has at least two symbols, not {symbols}")]
    TooFew {
        /// How many there are.
        symbols: usize,
    },
    /// No symbols at all, or more than a code may have.
    #[error("a code has 1 to {max} symbols, not {length}", max = Code::MAX)]
    Length {
        /// What was asked for.
        length: usize,
    },
}
