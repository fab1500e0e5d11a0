//! Changesets that write into every table, and how much of one is there.

use referral_core::Code;
use referral_core::store::{Bounds, Change, Changeset, CounterKey, CounterPrefix, CounterRange, Family, Read, StoreError};
use referral_core::{Action, Alias, AliasId, Destination, Flags, Label, Limits, Link, LinkId, Metadata, Response, ResponseId, Status, Tenant, Timestamp, Via, VisitorId};
use referral_core::store::{KeyPart, RecordId, Version};
use uuid::Uuid;

/// The id of a number; ids of one kind sort by it.
#[must_use]
pub fn uuid(number: u64) -> Uuid {
    Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_0000 | number)
}

/// A link.
#[must_use]
pub fn link(number: u64) -> Link {
    Link {
        id: LinkId::from_uuid(uuid(number)),
        tenant: Tenant::default(),
        version: Version::FIRST,
        created_at: Timestamp::from_millis(1_000),
        code: Code::new(format!("code{number}")).unwrap(),
        natural: None,
        owner: None,
        label: Label::new(format!("label {number}")).unwrap(),
        destination: Destination::new(format!("/p/{number}")).unwrap(),
        target: None,
        status: Status::Active,
        expires_at: None,
        limits: Limits { clicks: Some(7) },
        metadata: Metadata::default(),
    }
}

/// A response through the link of a number that nobody has claimed.
#[must_use]
pub fn response(number: u64, visitor: u64) -> Response {
    Response {
        id: ResponseId::from_uuid(uuid(number)),
        tenant: Tenant::default(),
        version: Version::FIRST,
        created_at: Timestamp::from_millis(1_000),
        link: LinkId::from_uuid(uuid(number)),
        owner: None,
        visitor: Some(VisitorId::from_uuid(uuid(visitor))),
        user: None,
        claimed_at: None,
        via: Via::Click,
        action: Action::RESPONDED,
        target: None,
        referrer: None,
        agent: None,
        landing: None,
        address: None,
        flags: Flags::NONE,
        counted: true,
    }
}

/// The counter of a number.
#[must_use]
pub fn counter(number: u64) -> CounterKey {
    let part = KeyPart::new(number.to_string()).unwrap();
    CounterKey::new(Tenant::default(), Family::LinkUses, [part, KeyPart::NONE])
}

/// The ids of what [`changeset`] inserts.
#[must_use]
pub fn ids(number: u64) -> [RecordId; 3] {
    let id = uuid(number);
    [LinkId::from_uuid(id).into(), AliasId::from_uuid(id).into(), ResponseId::from_uuid(id).into()]
}

/// A link, its code, a response, and a count, all of this number.
#[must_use]
pub fn changeset(number: u64) -> Changeset {
    let link = link(number);
    let alias = Alias {
        id: AliasId::from_uuid(uuid(number)),
        tenant: Tenant::default(),
        version: Version::FIRST,
        created_at: link.created_at,
        code: link.code.clone(),
        link: link.id,
        case_exact: false,
    };
    let count = Change::Count { counter: counter(number), add: 1, within: Bounds::ANY };
    Changeset::new([
        Change::Insert(link.into()),
        Change::Insert(alias.into()),
        Change::Insert(response(number, number).into()),
        count,
    ])
}

/// How many of its four parts are there.
///
/// # Errors
/// As the reads.
pub async fn parts(store: &dyn Read, number: u64) -> Result<usize, StoreError> {
    let records = store.get(&ids(number)).await?.into_iter().flatten().count();
    let key = counter(number);
    let prefix = CounterPrefix { tenant: key.tenant, family: key.family, parts: key.parts[..1].to_vec() };
    let numbers = store.counters(&prefix, &CounterRange::first(9)).await?;
    Ok(records + numbers.len())
}
