//! What a token says.

use std::time::Duration;

use uuid::Uuid;

use crate::link::LinkId;
use crate::value::{Timestamp, VisitorId};
use crate::visit::ResponseId;

/// What a token says about the browser that carries it. It holds no session id and no
/// user id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Token {
    /// Which visitor it is.
    pub visitor: VisitorId,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// The moment from which on it is no longer valid.
    pub expires_at: Timestamp,
    /// The visitor's last touch, if there was one.
    pub last: Option<LastTouch>,
}

/// The last touch of a visitor, from which a repeat click is judged without a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LastTouch {
    /// The link that was touched.
    pub link: LinkId,
    /// The response that was recorded.
    pub response: ResponseId,
    /// When it happened.
    pub at: Timestamp,
}

/// A token without a last touch: visitor, issued, expires.
pub(super) const PLAIN: usize = 16 + 8 + 8;

/// A token with one: link, response and time besides.
pub(super) const TOUCHED: usize = PLAIN + 16 + 16 + 8;

impl Token {
    /// Makes a token of this visitor without a touch, which is valid from `now` on for `life`.
    pub fn new(visitor: VisitorId, now: Timestamp, life: Duration) -> Self {
        Self { visitor, issued_at: now, expires_at: now.saturating_add(life), last: None }
    }

    /// Adds a last touch.
    #[must_use]
    pub const fn with_last(mut self, last: LastTouch) -> Self {
        self.last = Some(last);
        self
    }

    /// Ids as their 16 bytes, times as 8 bytes of milliseconds, most significant
    /// first. Every token has one form only, and its length says whether there is a touch.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(TOUCHED);
        bytes.extend_from_slice(self.visitor.as_uuid().as_bytes());
        bytes.extend_from_slice(&self.issued_at.as_millis().to_be_bytes());
        bytes.extend_from_slice(&self.expires_at.as_millis().to_be_bytes());
        if let Some(last) = &self.last {
            bytes.extend_from_slice(last.link.as_uuid().as_bytes());
            bytes.extend_from_slice(last.response.as_uuid().as_bytes());
            bytes.extend_from_slice(&last.at.as_millis().to_be_bytes());
        }
        bytes
    }

    /// The reverse of [`encode`](Self::encode), nothing if the bytes are no token.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let visitor = VisitorId::from_uuid(take_uuid(&mut bytes)?);
        let issued_at = take_time(&mut bytes)?;
        let expires_at = take_time(&mut bytes)?;
        let last = if bytes.is_empty() {
            None
        } else {
            Some(LastTouch {
                link: LinkId::from_uuid(take_uuid(&mut bytes)?),
                response: ResponseId::from_uuid(take_uuid(&mut bytes)?),
                at: take_time(&mut bytes)?,
            })
        };
        bytes.is_empty().then_some(Self { visitor, issued_at, expires_at, last })
    }
}

fn take_uuid(bytes: &mut &[u8]) -> Option<Uuid> {
    let (taken, rest) = bytes.split_first_chunk::<16>()?;
    *bytes = rest;
    Some(Uuid::from_bytes(*taken))
}

fn take_time(bytes: &mut &[u8]) -> Option<Timestamp> {
    let (taken, rest) = bytes.split_first_chunk::<8>()?;
    *bytes = rest;
    Some(Timestamp::from_millis(i64::from_be_bytes(*taken)))
}
