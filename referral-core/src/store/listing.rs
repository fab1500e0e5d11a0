//! Keyset pages and the cursors between them.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::catalogue::{Index, Record};
use crate::store::bytes;
use crate::store::contract::Read;
use crate::store::error::StoreError;
use crate::store::index::{Prefix, Range, Seek};
use crate::store::limits::MAX_PAGE;

/// Where a page ended. As text it is opaque and safe in URLs. Core makes and checks it: a cursor that is used with another
/// listing than the one it came from is refused.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Cursor {
    tag: [u8; 8],
    seek: Seek,
}

/// A cursor that this library did not make, or that belongs to another listing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CursorError {
    /// The text was cut short, changed or made up.
    #[error("this is no cursor")]
    Malformed,
    /// It comes from a listing with another filter, owner or direction.
    #[error("the cursor belongs to another listing")]
    Foreign,
}

const VERSION: u8 = 1;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut raw = Vec::with_capacity(33);
        raw.push(VERSION);
        raw.extend_from_slice(&self.tag);
        raw.extend_from_slice(&bytes::seek(self.seek));
        f.write_str(&URL_SAFE_NO_PAD.encode(raw))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let raw = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError::Malformed)?;
        let parts = || {
            let (version, rest) = raw.split_first()?;
            let (tag, rest) = rest.split_first_chunk::<8>()?;
            let (at, id) = rest.split_first_chunk::<8>()?;
            let seek = Seek { at: i64::from_be_bytes(*at) ^ i64::MIN, id: Uuid::from_slice(id).ok()? };
            (*version == VERSION).then_some(Self { tag: *tag, seek })
        };
        parts().ok_or(CursorError::Malformed)
    }
}

/// Which page to read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageRequest {
    /// The most items on the page. Numbers outside of 1 to 1,000 are replaced by the nearest of these.
    pub limit: u32,
    /// Where the page before ended. Absent for the first page.
    pub after: Option<Cursor>,
}

impl PageRequest {
    /// Asks for the first page, with at most `limit` items.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self { limit, after: None }
    }

    /// Asks for the items after a cursor.
    #[must_use]
    pub fn after(mut self, cursor: Option<Cursor>) -> Self {
        self.after = cursor;
        self
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self::first(50)
    }
}

/// One page of a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page<T> {
    /// What is on the page. It may hold fewer items than asked for, even none, and still have a next page, because a
    /// filter that no index serves reads at most four pages at a time.
    pub items: Vec<T>,
    /// The cursor of the next page; `None` if this is the last.
    pub next: Option<Cursor>,
}

/// One listing: an index, the part of it, and what the index cannot tell.
pub(crate) struct Listing {
    pub(crate) index: Index,
    pub(crate) prefix: Prefix,
    pub(crate) range: Range,
    /// What else distinguishes this listing, for the cursor's tag.
    pub(crate) filter: String,
}

/// The most pages that one call reads for a filter that no index carries.
const PAGES: usize = 4;

impl Listing {
    fn tag(&self) -> [u8; 8] {
        let mut hash = Sha256::new();
        hash.update(bytes::prefix(self.index, &self.prefix));
        hash.update([u8::from(self.range.ascending)]);
        for bound in [self.range.from, self.range.until] {
            hash.update([u8::from(bound.is_some())]);
            hash.update(bound.unwrap_or_default().to_be_bytes());
        }
        hash.update(&self.filter);
        let mut tag = [0; 8];
        tag.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        tag
    }

    fn seek(&self, record: &Record) -> Option<Seek> {
        self.index.entry(record, &record.values()).map(|entry| entry.seek)
    }
}

/// Why a listing could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ListError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Cursor(#[from] CursorError),
}

/// Reads one page of a listing, keeping what `keep` makes something of.
pub(crate) async fn list<R: Read + ?Sized, T>(
    store: &R,
    mut listing: Listing,
    request: &PageRequest,
    keep: impl Fn(Record) -> Option<T>,
) -> Result<Page<T>, ListError> {
    let tag = listing.tag();
    if let Some(cursor) = &request.after {
        if cursor.tag != tag {
            return Err(CursorError::Foreign.into());
        }
        listing.range.after = Some(cursor.seek);
    }
    let limit = request.limit.clamp(1, MAX_PAGE);
    let mut items = Vec::new();
    for _ in 0..PAGES {
        // One more than wanted tells whether there is a next page; where a filter drops some, it may turn out empty.
        let ask = limit.saturating_add(1).min(MAX_PAGE);
        let records = store.page(listing.index, &listing.prefix, &listing.range, ask).await?;
        let full = records.len() >= ask as usize;
        let mut records = records.into_iter().peekable();
        while let Some(record) = records.next() {
            let seek = listing.seek(&record);
            if let Some(item) = keep(record) {
                items.push(item);
            }
            listing.range.after = seek;
            let more = records.peek().is_some() || full;
            if items.len() >= limit as usize {
                let next = seek.filter(|_| more).map(|seek| Cursor { tag, seek });
                return Ok(Page { items, next });
            }
        }
        if !full {
            return Ok(Page { items, next: None });
        }
    }
    let next = listing.range.after.map(|seek| Cursor { tag, seek });
    Ok(Page { items, next })
}
