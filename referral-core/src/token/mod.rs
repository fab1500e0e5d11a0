//! Signed tokens and the keys behind them.
//!
//! A [`Token`] says which visitor a browser is. It is signed and not secret: whoever
//! carries it can read it, but nobody without the keys can make or change one. The
//! same format serves every place where it travels. [`Purpose`] and audience are part
//! of what is signed, so a token that was made for one place is worth nothing in
//! another.
//!
//! ```
//! # use std::time::Duration;
//! # use referral_core::{Timestamp, VisitorId};
//! # use referral_core::KeyRing;
//! # use referral_core::token::{Purpose, Token, TokenSigner};
//! # let uuid = uuid::Uuid::now_v7();
//! let keys = KeyRing::generate()?;
//! let signer = TokenSigner::new(&keys, Purpose::Visitor, "__Host-referral");
//!
//! let now = Timestamp::from_millis(1_750_000_000_000);
//! let token = Token::new(VisitorId::from_uuid(uuid), now, Duration::from_secs(30 * 86_400));
//! let text = signer.sign(&token);
//! assert_eq!(signer.verify(&text, now)?.token, token);
//!
//! // The same text in another cookie is refused.
//! let other = TokenSigner::new(&keys, Purpose::Visitor, "session");
//! assert!(other.verify(&text, now).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod key;
mod payload;
mod purpose;
mod ring;
mod signer;

pub use key::{Key, KeyError};
pub use payload::{LastTouch, Token};
pub use purpose::Purpose;
pub use ring::KeyRing;
pub use signer::{TOKEN_MAX, TokenError, TokenSigner, Verified};

#[cfg(test)]
mod tests;
