//! Tokens as text: signed and verified.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac as _;

use crate::token::key::{Prepared, absorb};
use crate::token::payload::{TOUCHED, Token};
use crate::token::purpose::Purpose;
use crate::token::ring::{KeyRing, is_alive};
use crate::value::Timestamp;

/// The longest text that is looked at, in bytes. Tokens stay under 200; whatever is
/// longer than this is not read at all.
pub const TOKEN_MAX: usize = 512;

const VERSION: &str = "v1";

/// How far the clock of the process that signed may be ahead of ours.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// Signs and verifies the tokens of one purpose and one audience.
///
/// A token is `v1.kid.payload.mac`: the key id as it is, then the payload and the
/// HMAC-SHA256 in URL-safe base64 without padding. Together these are under 200 bytes.
/// What is signed is the version, the purpose, the audience, the key id and the
/// payload, each with its length before it. No field names an algorithm, so nobody can
/// change the algorithm.
#[derive(Clone)]
pub struct TokenSigner {
    purpose: Purpose,
    // The signing key first. Each has already absorbed all that tokens share.
    keys: Vec<SigningKey>,
}

#[derive(Clone)]
struct SigningKey {
    id: String,
    not_after: Option<Timestamp>,
    mac: Prepared,
}

/// A token that was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// What it says.
    pub token: Token,
    /// Whether a key signed it that no longer signs. Then sign it again at the next opportunity.
    pub stale_key: bool,
}

impl TokenSigner {
    /// Makes a signer for tokens of this purpose and this audience. The audience is the
    /// name of the cookie, the name of the OAuth provider, or whatever else tells the
    /// places apart where a token may be used. If there is a tenant, include it.
    pub fn new(keys: &KeyRing, purpose: Purpose, audience: &str) -> Self {
        let keys = keys.keys().map(|(key, not_after)| {
            let mut mac = key.subkey(purpose);
            let shared = ["token", VERSION, purpose.label(), audience, key.id()];
            shared.iter().for_each(|part| absorb(&mut mac, part.as_bytes()));
            SigningKey { id: key.id().to_owned(), not_after, mac }
        });
        Self { purpose, keys: keys.collect() }
    }

    /// Signs a token and gives its text, in URL-safe ASCII without `=`.
    pub fn sign(&self, token: &Token) -> String {
        let mut text = String::with_capacity(192);
        // A ring always has a key; without one the text would verify nowhere.
        if let Some(key) = self.keys.first() {
            let payload = token.encode();
            let mut mac = key.mac.clone();
            absorb(&mut mac, &payload);
            text.push_str(VERSION);
            text.push('.');
            text.push_str(&key.id);
            text.push('.');
            URL_SAFE_NO_PAD.encode_string(&payload, &mut text);
            text.push('.');
            URL_SAFE_NO_PAD.encode_string(mac.finalize().into_bytes(), &mut text);
        }
        text
    }

    /// What a text says, if it was signed by one of our keys for this purpose and
    /// audience and has not expired (at `expires_at` it has). Signatures are
    /// compared in constant time.
    ///
    /// # Errors
    ///
    /// [`TokenError`] for everything else. Treat a visitor's token that fails as
    /// absent and clear it; never answer with an error.
    pub fn verify(&self, text: &str, now: Timestamp) -> Result<Verified, TokenError> {
        if text.is_empty() {
            return Err(TokenError::Empty);
        }
        if text.len() > TOKEN_MAX {
            return Err(TokenError::TooLong { length: text.len() });
        }
        if !text.is_ascii() {
            return Err(TokenError::Shape);
        }
        let mut parts = text.split('.');
        let mut part = || parts.next().ok_or(TokenError::Shape);
        let (version, id, payload, signature) = (part()?, part()?, part()?, part()?);
        if parts.next().is_some() {
            return Err(TokenError::Shape);
        }
        if version != VERSION {
            return Err(TokenError::Version);
        }
        let found = self.keys.iter().enumerate().find(|(_, key)| key.id == id);
        let (position, key) = found.ok_or(TokenError::UnknownKey)?;
        if !is_alive(key.not_after, now) {
            return Err(TokenError::RetiredKey);
        }
        // A text of other bits at its end than zeros is refused by the decoder, so
        // that there is one text only for every token.
        let (mut bytes, mut mac) = ([0_u8; TOUCHED], [0_u8; 32]);
        let payload = decode(payload, &mut bytes)?;
        let signature = decode(signature, &mut mac)?;
        let mut expected = key.mac.clone();
        absorb(&mut expected, payload);
        expected.verify_slice(signature).map_err(|_| TokenError::Signature)?;

        let token = Token::decode(payload).ok_or(TokenError::Payload)?;
        if now >= token.expires_at {
            return Err(TokenError::Expired);
        }
        if token.issued_at > now.saturating_add(SKEW) {
            return Err(TokenError::FromTheFuture);
        }
        Ok(Verified { token, stale_key: position != 0 })
    }
}

/// Decodes into a buffer that has room for what is expected, and no more.
fn decode<'a>(text: &str, buffer: &'a mut [u8]) -> Result<&'a [u8], TokenError> {
    let length = URL_SAFE_NO_PAD.decode_slice(text, buffer).map_err(|_| TokenError::Encoding)?;
    buffer.get(..length).ok_or(TokenError::Encoding)
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSigner").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

/// Why a text is not a token of ours. It never holds a part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The text is empty.
    #[error("the token is empty")]
    Empty,
    /// More than [`TOKEN_MAX`] bytes.
    #[error("the token has {length} bytes; at most {TOKEN_MAX} are looked at")]
    TooLong {
        /// How many bytes were given.
        length: usize,
    },
    /// Not four ASCII parts with dots between them.
    #[error("this does not look like a token")]
    Shape,
    /// A version that we do not know.
    #[error("the token has an unknown version")]
    Version,
    /// A key id that is not in the ring.
    #[error("the token was signed by an unknown key")]
    UnknownKey,
    /// A key that has retired.
    #[error("the token was signed by a key that has retired")]
    RetiredKey,
    /// A part is not in canonical URL-safe base64, or longer than a token's.
    #[error("the token is wrongly encoded")]
    Encoding,
    /// It was forged or changed, or signed for another purpose or audience.
    #[error("the signature of the token is wrong")]
    Signature,
    /// It was signed by one of our keys, but its form is unknown.
    #[error("the content of the token is unknown")]
    Payload,
    /// It has expired.
    #[error("the token has expired")]
    Expired,
    /// It was signed more than five minutes in the future.
    #[error("the token was signed in the future")]
    FromTheFuture,
}
