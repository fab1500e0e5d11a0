//! One secret and the subkeys made of it.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::Sha256;

use crate::token::purpose::Purpose;

/// HMAC-SHA256 (RFC 2104) with its key already absorbed; cloned for every use.
pub(super) type Prepared = Hmac<Sha256>;

/// A secret of at least 32 bytes and its short public name, the key id.
///
/// The secret itself signs nothing: for every [`Purpose`] a subkey is derived once,
/// by HKDF-SHA256 (RFC 5869). Clones share them.
#[derive(Clone)]
pub struct Key(Arc<Parts>);

struct Parts {
    id: String,
    secret: Vec<u8>,
    visitor: Prepared,
    portable: Prepared,
    invitation: Prepared,
    invited_address: Prepared,
    client_address: Prepared,
    cursor: Prepared,
    form: Prepared,
}

impl Key {
    /// The fewest bytes of a secret, as many as HMAC-SHA256 puts out.
    pub const SECRET_MIN: usize = 32;

    /// The most bytes of a secret.
    pub const SECRET_MAX: usize = 1024;

    /// The most symbols of a key id.
    pub const ID_MAX: usize = 16;

    /// A key of this id (1 to 16 of `A-Z a-z 0-9 _ -`) and this secret.
    ///
    /// The secret must come from a random source. A pass phrase of 32 letters does not.
    /// See [`generate`](Self::generate).
    ///
    /// # Errors
    ///
    /// [`KeyError::Id`] or [`KeyError::Secret`].
    pub fn new(id: impl Into<String>, secret: impl Into<Vec<u8>>) -> Result<Self, KeyError> {
        let (id, secret) = (id.into(), secret.into());
        let fits = |symbol: char| symbol.is_ascii_alphanumeric() || matches!(symbol, '_' | '-');
        if id.is_empty() || id.len() > Self::ID_MAX || !id.chars().all(fits) {
            return Err(KeyError::Id);
        }
        if secret.len() < Self::SECRET_MIN || secret.len() > Self::SECRET_MAX {
            return Err(KeyError::Secret { bytes: secret.len() });
        }
        let root = Hkdf::<Sha256>::new(Some(b"referral keys v1"), &secret);
        let subkey = |purpose: Purpose| {
            // HMAC pads a key with zeros to the 64 bytes of a block; half of them are the subkey.
            let mut block = [0_u8; 64];
            let okm = block.get_mut(..32).ok_or(KeyError::Derivation)?;
            root.expand(purpose.label().as_bytes(), okm).map_err(|_| KeyError::Derivation)?;
            Ok::<_, KeyError>(Prepared::new(&block.into()))
        };
        Ok(Self(Arc::new(Parts {
            visitor: subkey(Purpose::Visitor)?,
            portable: subkey(Purpose::Portable)?,
            invitation: subkey(Purpose::Invitation)?,
            invited_address: subkey(Purpose::InvitedAddress)?,
            client_address: subkey(Purpose::ClientAddress)?,
            cursor: subkey(Purpose::Cursor)?,
            form: subkey(Purpose::Form)?,
            id,
            secret,
        })))
    }

    /// A new key: 32 bytes from the operating system's generator, and a random id
    /// of 8 symbols.
    ///
    /// # Errors
    ///
    /// [`KeyError::Random`] if the operating system gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let (mut secret, mut id) = ([0_u8; 32], [0_u8; 6]);
        SysRng.try_fill_bytes(&mut secret).map_err(|_| KeyError::Random)?;
        SysRng.try_fill_bytes(&mut id).map_err(|_| KeyError::Random)?;
        Self::new(URL_SAFE_NO_PAD.encode(id), secret)
    }

    /// The key id, which everybody can read in every token.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The secret. Keep it out of logs and tables.
    pub(super) fn secret(&self) -> &[u8] {
        &self.0.secret
    }

    /// The prepared subkey of a purpose.
    pub(super) fn subkey(&self, purpose: Purpose) -> Prepared {
        match purpose {
            Purpose::Visitor => &self.0.visitor,
            Purpose::Portable => &self.0.portable,
            Purpose::Invitation => &self.0.invitation,
            Purpose::InvitedAddress => &self.0.invited_address,
            Purpose::ClientAddress => &self.0.client_address,
            Purpose::Cursor => &self.0.cursor,
            Purpose::Form => &self.0.form,
        }
        .clone()
    }
}

/// Adds a part together with its length, so that what is signed can be taken
/// apart in one way only: `("ab", "c")` and `("a", "bc")` differ.
pub(super) fn absorb(mac: &mut Prepared, part: &[u8]) {
    mac.update(&(part.len() as u64).to_be_bytes());
    mac.update(part);
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.0.id).finish_non_exhaustive()
    }
}

/// The most keys of a ring.
pub(super) const MAX_KEYS: usize = 16;

/// Why a key or a ring of keys could not be made. It never holds a part of a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The ring has no keys.
    #[error("there is no key")]
    None,
    /// The ring has too many keys.
    #[error("there are {keys} keys; at most {max} are kept", max = MAX_KEYS)]
    TooMany {
        /// How many there are.
        keys: usize,
    },
    /// The key id is not 1 to 16 of `A-Z a-z 0-9 _ -`.
    #[error("a key id is 1 to {max} letters, digits, `_` or `-`", max = Key::ID_MAX)]
    Id,
    /// Two keys have the same id.
    #[error("the key id {id:?} is there twice")]
    Repeated {
        /// The id.
        id: String,
    },
    /// The secret is too short or too long.
    #[error("a secret has {min} to {max} bytes, not {bytes}", min = Key::SECRET_MIN, max = Key::SECRET_MAX)]
    Secret {
        /// How many bytes it has.
        bytes: usize,
    },
    /// The text form is not `id:secret` or `id:secret@retires`.
    #[error("key number {position} is not written as `id:secret` or `id:secret@milliseconds`")]
    Text {
        /// Which key, from 1.
        position: usize,
    },
    /// The secret is not in the URL-safe base64 of RFC 4648 without padding.
    #[error("the secret of key number {position} is not in URL-safe base64 without padding")]
    Base64 {
        /// Which key, from 1.
        position: usize,
    },
    /// The first key, which signs, has a time of retirement.
    #[error("the first key signs and cannot have a time of retirement")]
    Retired,
    /// The operating system gave no randomness.
    #[error("the operating system gives no random bytes")]
    Random,
    /// A subkey could not be derived.
    #[error("a subkey could not be derived")]
    Derivation,
}
