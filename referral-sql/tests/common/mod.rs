//! Records for the tests of this crate.
#![allow(dead_code)] // each test file takes what it needs
#![allow(clippy::unwrap_used)] // to clippy, helpers are no tests

use referral_core::Code;
use referral_core::link::NaturalKey;
use referral_core::store::{CounterKey, Family};
use referral_core::store::{KeyPart, Version};
use referral_core::{
    Action, Alias, AliasId, Destination, Flags, Label, Limits, Link, LinkId, Metadata, Response, ResponseId,
    Status, Target, Tenant, Timestamp, UserId, Via, VisitorId,
};
use uuid::Uuid;

/// An id that sorts by its number.
pub(crate) fn uuid(number: u64) -> Uuid {
    Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_0000 | number)
}

pub(crate) fn tenant(name: &str) -> Tenant {
    Tenant::new(name.to_owned()).unwrap()
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name.to_owned()).unwrap()
}

pub(crate) fn link(number: u64) -> Link {
    let label = Label::new(format!("label {number}")).unwrap();
    let destination = Destination::new(format!("/p/{number}")).unwrap();
    let owner = user("ada");
    Link {
        id: LinkId::from_uuid(uuid(number)),
        tenant: Tenant::default(),
        version: Version::FIRST,
        created_at: Timestamp::from_millis(1_000 + number as i64),
        code: Code::new(format!("code{number}")).unwrap(),
        natural: Some(NaturalKey::of(Some(&owner), &label, &destination, None)),
        owner: Some(owner),
        label,
        destination,
        target: Some(Target::new("product", format!("{number}")).unwrap()),
        status: Status::Active,
        expires_at: None,
        limits: Limits { clicks: Some(7) },
        metadata: Metadata::new([("a", "ä 🦀")]).unwrap(),
    }
}

pub(crate) fn alias(number: u64, code: &str) -> Alias {
    Alias {
        id: AliasId::from_uuid(uuid(number)),
        tenant: Tenant::default(),
        version: Version::FIRST,
        created_at: Timestamp::from_millis(1_000 + number as i64),
        code: Code::new(code.to_owned()).unwrap(),
        link: LinkId::from_uuid(uuid(1)),
        case_exact: false,
    }
}

pub(crate) fn response(number: u64) -> Response {
    Response {
        id: ResponseId::from_uuid(uuid(number)),
        tenant: Tenant::default(),
        version: Version::FIRST,
        created_at: Timestamp::from_millis(1_000 + number as i64),
        link: LinkId::from_uuid(uuid(1)),
        owner: Some(user("ada")),
        visitor: Some(VisitorId::from_uuid(uuid(1_000_000))),
        user: None,
        claimed_at: None,
        account_at: None,
        via: Via::Click,
        action: Action::RESPONDED,
        target: None,
        referrer: None,
        agent: None,
        landing: None,
        address: None,
        tags: None,
        flags: Flags::NONE,
        counted: true,
    }
}

pub(crate) fn counter(family: Family, first: &str, bucket: i64) -> CounterKey {
    let parts = [KeyPart::new(first.to_owned()).unwrap(), KeyPart::NONE];
    CounterKey { tenant: Tenant::default(), family, parts, bucket }
}
