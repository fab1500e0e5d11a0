//! The keys of an installation, the newest first.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac as _;

use crate::token::key::{Key, KeyError, MAX_KEYS, absorb};
use crate::token::purpose::Purpose;
use crate::value::Timestamp;

/// The keys of an installation. The first key signs, and each key verifies until it
/// retires.
///
/// To change keys without signing anybody out, put a new one in front and let the
/// old one retire when the last token it signed has expired:
///
/// ```
/// # use std::time::Duration;
/// # use referral_core::Timestamp;
/// # use referral_core::KeyRing;
/// # use referral_core::token::Key;
/// # let (old, now) = (KeyRing::generate()?, Timestamp::from_millis(0));
/// let retires = now.saturating_add(Duration::from_secs(400 * 86_400));
/// let keys = old.rotated(Key::generate()?, retires)?;
/// assert_eq!(keys, KeyRing::parse(&keys.reveal())?);
/// # Ok::<(), referral_core::token::KeyError>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    current: Key,
    retired: Vec<(Key, Option<Timestamp>)>,
}

impl KeyRing {
    /// The most keys of a ring.
    pub const MAX: usize = MAX_KEYS;

    /// A ring of one key.
    pub const fn new(current: Key) -> Self {
        Self { current, retired: Vec::new() }
    }

    /// A ring of one new key, see [`Key::generate`].
    ///
    /// # Errors
    ///
    /// [`KeyError::Random`].
    pub fn generate() -> Result<Self, KeyError> {
        Key::generate().map(Self::new)
    }

    /// Adds a key that no longer signs, but verifies until `not_after`. Without
    /// `not_after` it verifies for as long as it is in the ring.
    ///
    /// # Errors
    ///
    /// [`KeyError::Repeated`], [`KeyError::TooMany`].
    pub fn with_retired(
        mut self,
        key: Key,
        not_after: impl Into<Option<Timestamp>>,
    ) -> Result<Self, KeyError> {
        if self.keys().any(|(known, _)| known.id() == key.id()) {
            return Err(KeyError::Repeated { id: key.id().to_owned() });
        }
        self.retired.push((key, not_after.into()));
        let keys = self.keys().count();
        if keys > Self::MAX { Err(KeyError::TooMany { keys }) } else { Ok(self) }
    }

    /// A ring in which `new` signs, and the key that did so until now verifies
    /// until `not_after`.
    ///
    /// # Errors
    ///
    /// As [`with_retired`](Self::with_retired).
    pub fn rotated(self, new: Key, not_after: Timestamp) -> Result<Self, KeyError> {
        let first = Self::new(new).with_retired(self.current, not_after)?;
        self.retired.into_iter().try_fold(first, |ring, (key, until)| ring.with_retired(key, until))
    }

    /// Reads the text form: keys separated by commas or white space, the newest first,
    /// each `id:secret` with the secret in URL-safe base64 without padding, all but
    /// the first optionally followed by `@` and the milliseconds since 1970 from
    /// which on it no longer verifies.
    ///
    /// # Errors
    ///
    /// [`KeyError`]; no variant holds any of the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut ring: Option<Self> = None;
        let entries = text.split(|symbol: char| symbol == ',' || symbol.is_whitespace());
        for (at, entry) in entries.filter(|entry| !entry.is_empty()).enumerate() {
            let position = at + 1;
            let (id, rest) = entry.split_once(':').ok_or(KeyError::Text { position })?;
            let (secret, not_after) = match rest.split_once('@') {
                Some((secret, millis)) => {
                    let millis = millis.parse().map_err(|_| KeyError::Text { position })?;
                    (secret, Some(Timestamp::from_millis(millis)))
                }
                None => (rest, None),
            };
            let secret = URL_SAFE_NO_PAD.decode(secret).map_err(|_| KeyError::Base64 { position })?;
            let key = Key::new(id, secret)?;
            ring = Some(match ring {
                Some(ring) => ring.with_retired(key, not_after)?,
                None if not_after.is_some() => return Err(KeyError::Retired),
                None => Self::new(key),
            });
        }
        ring.ok_or(KeyError::None)
    }

    /// The text form with all secrets in clear, one key a line, for the one place
    /// where they are kept. See [`parse`](Self::parse).
    pub fn reveal(&self) -> String {
        let mut text = String::new();
        for (key, not_after) in self.keys() {
            text.push_str(key.id());
            text.push(':');
            URL_SAFE_NO_PAD.encode_string(key.secret(), &mut text);
            if let Some(until) = not_after {
                text.push('@');
                text.push_str(&until.as_millis().to_string());
            }
            text.push('\n');
        }
        text
    }

    /// The id of the key that signs.
    pub fn current_id(&self) -> &str {
        self.current.id()
    }

    /// A keyed hash of these parts by the key that signs: HMAC-SHA256 under the
    /// subkey of the purpose, each part with its length before it. The same parts
    /// give the same hash until the keys rotate.
    pub fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        keyed_hash(&self.current, purpose, parts)
    }

    /// The keyed hashes of these parts by every key that has not retired, that of
    /// the signing key first: what to look for when something was hashed before the
    /// keys rotated.
    pub fn macs(&self, purpose: Purpose, parts: &[&[u8]], now: Timestamp) -> Vec<[u8; 32]> {
        let alive = self.keys().filter(|(_, not_after)| is_alive(*not_after, now));
        alive.map(|(key, _)| keyed_hash(key, purpose, parts)).collect()
    }

    /// All keys, the signing one first.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&Key, Option<Timestamp>)> {
        let retired = self.retired.iter().map(|(key, not_after)| (key, *not_after));
        std::iter::once((&self.current, None)).chain(retired)
    }
}

/// Does a key with this time of retirement still verify?
pub(super) fn is_alive(not_after: Option<Timestamp>, now: Timestamp) -> bool {
    not_after.is_none_or(|until| now < until)
}

fn keyed_hash(key: &Key, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = key.subkey(purpose);
    // Tokens are signed under the same subkeys and begin with another word.
    absorb(&mut mac, b"hash v1");
    for part in parts {
        absorb(&mut mac, part);
    }
    mac.finalize().into_bytes().into()
}

impl PartialEq for KeyRing {
    /// The same keys in the same order. Takes no care of timing: for configuration,
    /// never for anything that a visitor sent.
    fn eq(&self, other: &Self) -> bool {
        self.keys()
            .map(|(key, until)| (key.id(), key.secret(), until))
            .eq(other.keys().map(|(key, until)| (key.id(), key.secret(), until)))
    }
}

impl Eq for KeyRing {}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys().map(|(key, _)| key)).finish()
    }
}
