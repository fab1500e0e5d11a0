//! Records for tests: what may be absent is, so that a test says only what it is about.
//!
//! ```
//! use referral_core::{Response, UserId};
//! use referral_testkit::samples;
//! use uuid::Uuid;
//!
//! let owner = Some(UserId::new("ada")?);
//! let response = Response { owner, ..samples::response(Uuid::from_u128(1)) };
//! assert!(response.is_unclaimed());
//! # Ok::<(), referral_core::TextError>(())
//! ```
//!
//! They are made from core's description of each kind. Tests that use them need no change when a record gains a column
//! that may be absent or zero.

use referral_core::store::{Kind, Record, Value};
use referral_core::{
    Action, Alias, Code, Flags, Link, Metadata, Response, Status, Timestamp, Via, VisitorId,
};
use uuid::Uuid;

use crate::fill;

/// The moment at which the suite's records are made, unless a case says otherwise.
pub const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A record of a kind, of the tenant without a name, at version 1, made at [`NOW`]. It has nothing where a column may hold
/// nothing, else zero, a short text, or the first name that the column may hold; and the id of number 7 where it refers to
/// another record. What has to be unique is made of its id, so that two of them never meet.
///
/// # Panics
/// If the kind has a column of which this crate knows no valid text.
#[must_use]
pub fn bare(kind: Kind, id: Uuid) -> Record {
    let fixed = [
        ("tenant", Value::Text("".into())),
        ("version", Value::Int(1)),
        ("created_at", Value::Int(NOW.as_millis())),
    ];
    fill::bare(kind, id, &fixed)
}

fn typed<T: TryFrom<Record>>(kind: Kind, id: Uuid) -> T {
    T::try_from(bare(kind, id)).unwrap_or_else(|_| unreachable!("a sample is of the kind that was asked for"))
}

/// An active link to `/` with nothing optional. Its code is its id in hexadecimal digits.
#[must_use]
pub fn link(id: Uuid) -> Link {
    Link {
        code: Code::new(id.simple().to_string()).unwrap(),
        label: "a link".try_into().unwrap(),
        destination: "/".try_into().unwrap(),
        status: Status::Active,
        metadata: Metadata::default(),
        ..typed(Kind::Link, id)
    }
}

/// A code that leads to the link of number 7. It is folded, as codes are by default.
#[must_use]
pub fn alias(id: Uuid, code: Code) -> Alias {
    Alias { code, case_exact: false, ..typed(Kind::Alias, id) }
}

/// A counted click of visitor number 1 through the link of number 7 that nobody has claimed.
#[must_use]
pub fn response(id: Uuid) -> Response {
    Response {
        visitor: Some(VisitorId::from_uuid(Uuid::from_u128(1))),
        via: Via::Click,
        action: Action::RESPONDED,
        flags: Flags::NONE,
        counted: true,
        ..typed(Kind::Response, id)
    }
}
