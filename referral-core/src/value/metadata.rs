//! The host's own fields on a link.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::value::text::TextError;

/// Names and texts of the host's, which are kept with a record. Together they take at most 8 KiB.
///
/// They are stored as one JSON object, so that SQL can look into it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Metadata(BTreeMap<String, String>);

impl Metadata {
    /// The most bytes that the stored form may have.
    pub const MAX: usize = 8192;

    /// Takes the host's names and texts.
    ///
    /// # Errors
    /// `TooLong` if the stored form takes more than 8 KiB, `Nul` if a name or a text holds U+0000.
    pub fn new<K, V>(entries: impl IntoIterator<Item = (K, V)>) -> Result<Self, TextError>
    where
        K: Into<String>,
        V: Into<String>,
    {
        let metadata = Self(entries.into_iter().map(|(k, v)| (k.into(), v.into())).collect());
        if metadata.0.iter().any(|(k, v)| k.contains('\0') || v.contains('\0')) {
            return Err(TextError::Nul { what: "Metadata" });
        }
        let bytes = metadata.to_json().len();
        if bytes > Self::MAX {
            return Err(TextError::TooLong { what: "Metadata", bytes, max: Self::MAX });
        }
        Ok(metadata)
    }

    /// The text of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All names and texts, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The stored form, which is empty text if there are no entries.
    pub(crate) fn to_json(&self) -> Cow<'static, str> {
        to_json(&self.0)
    }

    pub(crate) fn weight(&self) -> usize {
        self.0.iter().map(|(name, text)| name.len().saturating_add(text.len()).saturating_add(6)).sum()
    }

    pub(crate) fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        from_json(text).map(Self)
    }
}

/// Names and texts as one JSON object; empty text where there are none.
pub(crate) fn to_json(entries: &BTreeMap<String, String>) -> Cow<'static, str> {
    if entries.is_empty() {
        return Cow::Borrowed("");
    }
    // A map of strings always serializes.
    Cow::Owned(serde_json::to_string(entries).unwrap_or_default())
}

/// The reverse of [`to_json`].
pub(crate) fn from_json(text: &str) -> Result<BTreeMap<String, String>, serde_json::Error> {
    if text.is_empty() { Ok(BTreeMap::new()) } else { serde_json::from_str(text) }
}
