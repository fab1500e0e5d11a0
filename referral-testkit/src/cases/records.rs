//! What is stored comes back as it was, and versions tell who wrote last.

use referral_core::store::{Index, Kind, Range, Record, Value, Version};
use referral_core::{Limits, Link, LinkId, Response, Status, Timestamp};
use uuid::Uuid;

use crate::cx::Cx;
use crate::fill::{Absent, Filling};
use crate::make::{code, delete, expect, insert, natural, place, text, update, user};
use crate::samples;
use crate::texts::{NUMBERS, TEXTS};

/// Stores samples and reads each by id, by key and through its indexes.
async fn round_trip(cx: &Cx, samples: Vec<Record>) {
    assert!(!samples.is_empty());
    cx.insert(samples.clone()).await;
    for sample in samples {
        let back = cx.get(sample.id()).await;
        assert_eq!(back, Some(sample.at_version(Version::FIRST)), "what comes back");
    }
    // That every key and every index leads to the same record is what the audit looks at.
}

/// A record of every kind with every field comes back as it was.
pub async fn every_kind_comes_back_with_every_field(cx: Cx) {
    let samples = Kind::ALL.iter().filter_map(|kind| cx.sample(*kind, &Filling::PLAIN)).collect();
    round_trip(&cx, samples).await;
}

/// A record of every kind without any optional field comes back as it was.
pub async fn every_kind_comes_back_with_no_optional_field(cx: Cx) {
    let bare = Filling { absent: Absent::Everything, ..Filling::PLAIN };
    let samples = Kind::ALL.iter().filter_map(|kind| cx.sample(*kind, &bare)).collect();
    round_trip(&cx, samples).await;
}

/// A record of every kind comes back as it was with each optional column absent in turn.
pub async fn every_kind_comes_back_without_each_optional_field(cx: Cx) {
    let mut samples = Vec::new();
    for kind in Kind::ALL {
        for column in kind.columns().iter().filter(|column| column.nullable) {
            let filling = Filling { absent: Absent::Only(column.name), ..Filling::PLAIN };
            samples.extend(cx.sample(*kind, &filling));
        }
    }
    round_trip(&cx, samples).await;
}

/// An empty text comes back as an empty text, and an absent one as absent.
pub async fn empty_texts_are_not_absent_ones(cx: Cx) {
    let empty = Filling { text: "", ..Filling::PLAIN };
    let mut samples: Vec<_> = Kind::ALL.iter().filter_map(|kind| cx.sample(*kind, &empty)).collect();
    let response = cx.response();
    samples.push(Response { referrer: Some(text("")), landing: None, ..response.clone() }.into());
    samples
        .push(Response { id: cx.response().id, referrer: None, landing: Some(text("")), ..response }.into());
    round_trip(&cx, samples).await;
}

/// Every text column comes back when it is filled to the last byte with characters of one, two, three and four
/// bytes.
pub async fn the_longest_texts_come_back_whole(cx: Cx) {
    let mut samples = Vec::new();
    for text in ["x", "\u{e9}", "\u{4e2d}", "\u{1f680}", "\u{5d0} ", " "] {
        let filling = Filling { text, longest: true, ..Filling::PLAIN };
        samples.extend(Kind::ALL.iter().filter_map(|kind| cx.sample(*kind, &filling)));
    }
    round_trip(&cx, samples).await;
}

/// Texts with case, accents, trailing spaces, emoji, changes of direction and control characters come back byte for
/// byte.
pub async fn strange_texts_come_back_byte_for_byte(cx: Cx) {
    let mut samples = Vec::new();
    for text in TEXTS {
        let filling = Filling { text, ..Filling::PLAIN };
        samples.extend(Kind::ALL.iter().filter_map(|kind| cx.sample(*kind, &filling)));
    }
    round_trip(&cx, samples).await;
}

/// Every integer column comes back at both ends of its range and where other types of numbers end.
pub async fn extreme_numbers_come_back(cx: Cx) {
    let mut samples = Vec::new();
    for number in NUMBERS {
        let filling = Filling { number: *number, ..Filling::PLAIN };
        samples.extend(Kind::ALL.iter().filter_map(|kind| cx.sample(*kind, &filling)));
    }
    let link = cx.link();
    let limits = [None, Some(0), Some(1), Some(u32::MAX)];
    samples.extend(limits.map(|clicks| {
        Record::from(Link { id: LinkId::from_uuid(cx.uuid()), limits: Limits { clicks }, ..link.clone() })
    }));
    round_trip(&cx, samples).await;
}

/// A new record is at version 1, whatever version it says.
pub async fn an_insert_is_stored_as_version_one(cx: Cx) {
    for version in [0, 1, 2, -1, i64::MAX] {
        let link = Link { version: Version::new(version), ..cx.link() };
        cx.insert([link.clone()]).await;
        assert_eq!(cx.version(link.id).await, Some(1), "the version after an insert that says {version}");
    }
}

/// An insert of an id that exists is stale, and the first record stays.
pub async fn an_insert_of_a_known_id_is_stale_and_changes_nothing(cx: Cx) {
    let first = cx.natural_link("first");
    cx.insert([first.clone()]).await;
    let second = Link { id: first.id, label: text("second"), owner: Some(user("ada")), ..cx.link() };
    cx.stale([insert(second.clone())], 0, first.id, Some(1)).await;
    assert_eq!(cx.get(first.id).await, Some(first.clone().into()));
    cx.apply([update(first.clone(), 1)]).await;
    cx.stale([insert(second)], 0, first.id, Some(2)).await;
}

/// An update removes what the new record leaves out, and ignores the version that the new record says.
pub async fn an_update_replaces_the_whole_record(cx: Cx) {
    let full = cx.sample(Kind::Link, &Filling::PLAIN).unwrap();
    cx.insert([full.clone()]).await;
    let Record::Link(link) = full else { unreachable!() };
    let bare = Link { id: link.id, tenant: link.tenant, created_at: link.created_at, ..cx.link() };
    let confused = Link { version: Version::new(77), ..bare.clone() };
    cx.apply([update(confused, 1)]).await;
    assert_eq!(cx.get(bare.id).await, Some(Link { version: Version::new(2), ..bare.clone() }.into()));
    cx.apply([update(bare.clone(), 2)]).await;
    assert_eq!(cx.version(bare.id).await, Some(3));
}

/// In every kind, updates lead from every field to none and back.
pub async fn an_update_can_change_every_field_of_every_kind(cx: Cx) {
    for kind in Kind::ALL {
        let full = cx.sample(*kind, &Filling::PLAIN).unwrap();
        cx.insert([full.clone()]).await;
        let others = [
            Filling { absent: Absent::Everything, text: "other", ..Filling::PLAIN },
            Filling { text: "third", number: 12_345, ..Filling::PLAIN },
        ];
        for (was, filling) in (1..).zip(others) {
            let other = as_if(&full, cx.sample(*kind, &filling).unwrap());
            cx.apply([update(other.clone(), was)]).await;
            let stored = other.at_version(Version::new(was + 1));
            assert_eq!(cx.get(full.id()).await, Some(stored), "what comes back");
        }
    }
}

/// An update changes neither the tenant nor the time of creation, whatever the new record says.
pub async fn an_update_keeps_tenant_and_creation_time(cx: Cx) {
    for kind in Kind::ALL {
        let full = cx.sample(*kind, &Filling::PLAIN).unwrap();
        cx.insert([full.clone()]).await;
        let mut values = full.values();
        values[kind.position("tenant").unwrap()] = Value::Text("somebody else".into());
        values[kind.position("created_at").unwrap()] = Value::Int(1);
        cx.apply([update(Record::from_values(*kind, values).unwrap(), 1)]).await;
        let stored = full.clone().at_version(Version::new(2));
        assert_eq!(cx.get(full.id()).await, Some(stored), "what comes back");
    }
}

/// The other record, under the first one's id, tenant and time.
fn as_if(first: &Record, other: Record) -> Record {
    let kind = first.id().kind;
    let (from, mut values) = (first.values(), other.values());
    for column in ["id", "tenant", "created_at"] {
        let position = kind.position(column).unwrap();
        values[position] = from[position].clone();
    }
    Record::from_values(kind, values).unwrap()
}

/// An update at another version is stale, and the stored record stays.
pub async fn an_update_at_another_version_is_stale_and_changes_nothing(cx: Cx) {
    let link = cx.link();
    cx.insert([link.clone()]).await;
    let winner = Link { label: text("winner"), version: Version::new(2), ..link.clone() };
    cx.apply([update(winner.clone(), 1)]).await;
    for was in [1, 0, 3, -1, i64::MAX] {
        let loser = Link { label: text("loser"), ..link.clone() };
        cx.stale([update(loser, was)], 0, link.id, Some(2)).await;
        assert_eq!(cx.get(link.id).await, Some(winner.clone().into()));
    }
}

/// An update of an absent record is stale and inserts nothing.
pub async fn an_update_of_nothing_is_stale(cx: Cx) {
    let link = cx.link();
    for was in [1, 0] {
        cx.stale([update(link.clone(), was)], 0, link.id, None).await;
    }
    assert_eq!(cx.get(link.id).await, None);
}

/// A deleted record is found neither by its id nor by a key nor in an index.
pub async fn a_delete_removes_the_record_from_everywhere(cx: Cx) {
    for kind in Kind::ALL {
        let gone = cx.sample(*kind, &Filling::PLAIN).unwrap();
        cx.insert([gone.clone()]).await;
        cx.apply([delete(gone.id(), 1)]).await;
        assert_eq!(cx.get(gone.id()).await, None);
        for key in referral_core::store::UniqueKey::all_of(&gone) {
            assert_eq!(cx.find(key).await, None);
        }
        for index in Index::of(*kind) {
            if let Some(prefix) = place(index, &gone) {
                assert!(cx.page(index, &prefix, Range::newest(), 9).await.is_empty(), "{index:?}");
            }
        }
    }
}

/// A delete of an absent record or at another version is stale.
pub async fn a_delete_at_another_version_or_of_nothing_is_stale(cx: Cx) {
    let link = cx.link();
    cx.stale([delete(link.id, 1)], 0, link.id, None).await;
    cx.insert([link.clone()]).await;
    cx.stale([delete(link.id, 2)], 0, link.id, Some(1)).await;
    cx.apply([update(link.clone(), 1)]).await;
    cx.stale([delete(link.id, 1)], 0, link.id, Some(2)).await;
    assert_eq!(cx.version(link.id).await, Some(2));
    cx.apply([delete(link.id, 2)]).await;
    cx.stale([delete(link.id, 2)], 0, link.id, None).await;
}

/// An id that was deleted may be inserted again, and nothing of the first record is left.
pub async fn a_deleted_id_may_be_inserted_again_as_version_one(cx: Cx) {
    let link = cx.natural_link("again");
    cx.insert([link.clone()]).await;
    cx.apply([update(link.clone(), 1)]).await;
    cx.apply([delete(link.id, 2)]).await;
    cx.insert([link.clone()]).await;
    assert_eq!(cx.get(link.id).await, Some(link.clone().into()));
    assert_eq!(cx.find(natural("again")).await, Some(link.into()));
}

/// An expectation that holds changes nothing, not even the version.
pub async fn an_expectation_that_holds_writes_nothing(cx: Cx) {
    let (link, other) = (cx.link(), cx.link());
    cx.insert([link.clone()]).await;
    cx.apply([expect(link.id, 1)]).await;
    cx.apply([expect(link.id, 1), insert(other)]).await;
    assert_eq!(cx.get(link.id).await, Some(link.into()));
}

/// An expectation that does not hold is stale, and the other changes of its changeset are not applied.
pub async fn an_expectation_that_does_not_hold_is_stale(cx: Cx) {
    let (link, other) = (cx.link(), cx.link());
    cx.stale([insert(other.clone()), expect(link.id, 1)], 1, link.id, None).await;
    cx.insert([link.clone()]).await;
    for was in [0, 2] {
        cx.stale([insert(other.clone()), expect(link.id, was)], 1, link.id, Some(1)).await;
    }
    assert_eq!(cx.get(other.id).await, None);
}

/// A UUID is unique within its kind, so records of all kinds may have the same one.
pub async fn kinds_do_not_share_ids(cx: Cx) {
    let uuid = Uuid::from_u128(42);
    let mut records = Vec::new();
    for kind in Kind::ALL {
        let mut values = cx.sample(*kind, &Filling::PLAIN).unwrap().values();
        values[kind.position("id").unwrap()] = Value::Uuid(uuid);
        records.push(Record::from_values(*kind, values).unwrap());
    }
    cx.insert(records.clone()).await;
    cx.apply([delete(records[0].id(), 1)]).await;
    assert_eq!(cx.get(records[0].id()).await, None);
    for record in &records[1..] {
        assert_eq!(cx.version(record.id()).await, Some(1));
    }
}

/// A record may refer to another one that does not exist. Only the facade checks references.
pub async fn references_are_not_checked(cx: Cx) {
    let (link, orphan) = (cx.link(), cx.alias("orphan"));
    let (alias, response) = (cx.alias("leads-to-it"), Response { link: link.id, ..cx.response() });
    let alias = referral_core::Alias { link: link.id, ..alias };
    cx.apply([insert(orphan.clone()), insert(alias.clone()), insert(response.clone()), insert(link.clone())])
        .await;
    cx.apply([delete(link.id, 1)]).await;
    assert_eq!(cx.find(code("orphan")).await, Some(orphan.into()));
    assert_eq!(cx.find(code("leads-to-it")).await, Some(alias.into()));
    assert_eq!(cx.get(response.id).await, Some(response.into()));
}

/// A link that expired before it was made, a click that its limit does not allow, and one that was claimed before it was
/// made are stored as they are. Core decides what they mean, and it may change its mind.
pub async fn dates_and_limits_are_not_interpreted(cx: Cx) {
    let (before, now, after) = (samples::NOW.as_millis() - 5, samples::NOW, i64::MAX);
    let expires_at = Some(Timestamp::from_millis(before));
    let limits = Limits { clicks: Some(1) };
    let link = Link { expires_at, limits, status: Status::Disabled, ..cx.link() };
    let future = Link { created_at: Timestamp::from_millis(after), ..cx.link() };
    let click = || Response { link: link.id, created_at: now, ..cx.response() };
    let claimed = Response { user: Some(user("ada")), claimed_at: expires_at, ..click() };
    let records: [Record; 5] =
        [link.clone().into(), future.into(), click().into(), click().into(), claimed.into()];
    cx.insert(records.clone()).await;
    for record in records {
        assert_eq!(cx.get(record.id()).await, Some(record), "what comes back");
    }
    cx.apply([update(Link { status: Status::Active, ..link.clone() }, 1)]).await;
    assert_eq!(cx.version(link.id).await, Some(2), "the version of an expired link that was updated");
}
