//! A patch sets the same columns of many records: of all of them, each at the version given, or of none.

mod values;

pub use values::*;

use referral_core::store::{
    Change, Changeset, Conflict, Index, Kind, Outcome, Range, Record, RecordId, Value, Version,
};
use referral_core::{Alias, Link, LinkId, Response, ResponseId};
use uuid::Uuid;

use crate::cx::{Cx, assert_applied, assert_invalid};
use crate::fill::{self, Absent, Filling};
use crate::make::{
    at, code, count_any, counter, delete, expect, folded, give, insert, natural, nobody, owned_by, patch,
    statistic, tally, text, update, user, visitor, words,
};

fn given(response: &Response, by: &str, when: i64) -> Record {
    let version = response.version.next();
    Response { user: Some(user(by)), claimed_at: Some(at(when)), version, ..response.clone() }.into()
}

/// A patch sets its columns and moves each record to its own next version, also where the records are at different
/// versions.
pub async fn a_patch_sets_its_columns_and_the_next_version(cx: Cx) {
    let (fresh, edited) = (cx.response(), cx.response());
    cx.insert([fresh.clone(), edited.clone()]).await;
    cx.apply([update(edited.clone(), 1)]).await;
    cx.apply([update(edited.clone(), 2)]).await;
    cx.apply([patch([(fresh.id, 1), (edited.id, 3)], owned_by("ada", 1234))]).await;
    assert_eq!(cx.get(fresh.id).await, Some(given(&fresh, "ada", 1234)));
    let edited = Response { version: Version::new(3), ..edited };
    assert_eq!(cx.get(edited.id).await, Some(given(&edited, "ada", 1234)));
}

/// In every kind, a patch sets each column that it may set, all at once and each alone where it is a field of its
/// own.
pub async fn every_column_that_may_be_patched_is_set(cx: Cx) {
    for kind in Kind::ALL {
        let like = cx.sample(*kind, &Filling { text: "other", number: 12_345, ..Filling::PLAIN }).unwrap();
        let first = cx.sample(*kind, &Filling::PLAIN).unwrap();
        cx.insert([first.clone()]).await;
        let mut now = first.at_version(Version::FIRST);
        for set in fill::patches(&like) {
            now = expected(&now, &set);
            let was = now.version().get() - 1;
            cx.apply([patch([(now.id(), was)], set.clone())]).await;
            assert_eq!(cx.get(now.id()).await, Some(now.clone()), "a patch that sets {set:?}");
        }
    }
}

/// The record as a patch must leave it.
fn expected(record: &Record, set: &[(&'static str, Value)]) -> Record {
    let kind = record.id().kind;
    let mut values = record.values();
    for (column, value) in set {
        values[kind.position(column).unwrap()] = value.clone();
    }
    Record::from_values(kind, values).unwrap().at_version(record.version().next())
}

/// In every kind, a patch sets every column to null that may be null.
pub async fn a_patch_sets_columns_to_null(cx: Cx) {
    for kind in Kind::ALL {
        let full = cx.sample(*kind, &Filling::PLAIN).unwrap();
        let nothing = cx.sample(*kind, &Filling { absent: Absent::Everything, ..Filling::PLAIN }).unwrap();
        cx.insert([full.clone()]).await;
        let nulls: Vec<_> =
            fill::patch(&nothing, None).into_iter().filter(|(_, value)| *value == Value::Null).collect();
        if nulls.is_empty() {
            continue;
        }
        cx.apply([patch([(full.id(), 1)], nulls.clone())]).await;
        let full = full.at_version(Version::FIRST);
        assert_eq!(cx.get(full.id()).await, Some(expected(&full, &nulls)), "what comes back");
    }
}

/// One record of the patch is at another version. No record is changed, wherever that one stands.
pub async fn a_patch_changes_all_or_none(cx: Cx) {
    let responses: Vec<_> = (0..4).map(|_| cx.response()).collect();
    let edited = cx.response();
    cx.insert(responses.iter().cloned().chain([edited.clone()])).await;
    cx.apply([update(edited.clone(), 1)]).await;
    for place in 0..=responses.len() {
        let mut ids: Vec<_> = responses.iter().map(|response| response.id).collect();
        ids.insert(place, edited.id);
        cx.stale([give(ids, "ada", 1)], 0, edited.id, Some(2)).await;
        for response in &responses {
            assert_eq!(cx.get(response.id).await, Some(response.clone().into()));
        }
    }
    cx.apply([give(responses.iter().map(|response| response.id), "ada", 1)]).await;
}

/// A patch at another version is stale, also where it would set what is there already.
pub async fn a_patch_at_another_version_is_stale_and_changes_nothing(cx: Cx) {
    let response = cx.response();
    cx.insert([response.clone()]).await;
    cx.apply([give([response.id], "ada", 1)]).await;
    for was in [1, 0, 3, -1, i64::MAX] {
        cx.stale([patch([(response.id, was)], owned_by("bob", 2))], 0, response.id, Some(2)).await;
        cx.stale([patch([(response.id, was)], owned_by("ada", 1))], 0, response.id, Some(2)).await;
    }
    assert_eq!(cx.get(response.id).await, Some(given(&response, "ada", 1)));
    cx.apply([patch([(response.id, 2)], owned_by("bob", 2))]).await;
}

/// A patch of an absent record is stale, also where a record of another kind has its UUID.
pub async fn an_absent_record_is_not_patched(cx: Cx) {
    let (link, response) = (cx.link(), cx.response());
    cx.insert([link.clone()]).await;
    cx.insert([response.clone()]).await;
    let absent = ResponseId::from_uuid(link.id.as_uuid());
    cx.stale([give([absent], "ada", 1)], 0, absent, None).await;
    cx.stale([give([response.id, absent], "ada", 1)], 0, absent, None).await;
    assert_eq!(cx.get(link.id).await, Some(link.into()));
    cx.apply([delete(response.id, 1)]).await;
    cx.stale([give([response.id], "ada", 1)], 0, response.id, None).await;
}

/// The conflict names the first record, in the order of the patch, that is absent or at another version.
pub async fn the_first_that_is_not_as_expected_is_named(cx: Cx) {
    let (good, second, third) = (cx.response(), cx.response(), cx.response());
    let absent = ResponseId::from_uuid(Uuid::from_u128(5));
    cx.insert([good.clone(), second.clone(), third.clone()]).await;
    cx.apply([update(second.clone(), 1), update(third.clone(), 1)]).await;
    cx.apply([update(third.clone(), 2)]).await;
    cx.stale([give([good.id, third.id, absent, second.id], "ada", 1)], 0, third.id, Some(3)).await;
    cx.stale([give([good.id, absent, second.id, third.id], "ada", 1)], 0, absent, None).await;
    cx.stale([give([second.id, absent, good.id, third.id], "ada", 1)], 0, second.id, Some(2)).await;
}

/// A patch that gives responses to a user moves them from the visitor's unclaimed ones to the user's, and back.
pub async fn a_patch_moves_the_index_entries(cx: Cx) {
    let responses: Vec<_> = (0..3).map(|i| Response { created_at: at(i), ..cx.response() }).collect();
    let other = Response { visitor: Some(visitor(2)), ..cx.response() };
    cx.insert(responses.iter().cloned().chain([other.clone()])).await;
    let unclaimed = |of| nobody().uuid(visitor(of).as_uuid());
    let ids: Vec<_> = responses.iter().map(|response| response.id.as_uuid()).collect();
    let index = Index::ResponsesUnclaimed;
    assert_eq!(cx.page(index, &unclaimed(1), Range::oldest(), 9).await, ids);
    cx.apply([give([responses[0].id, responses[2].id], "ada", 7)]).await;
    assert_eq!(cx.page(index, &unclaimed(1), Range::oldest(), 9).await, [ids[1]]);
    assert_eq!(cx.page(index, &unclaimed(2), Range::oldest(), 9).await, [other.id.as_uuid()]);
    let of_user = cx.page(Index::ResponsesOfUser, &nobody().text("ada"), Range::oldest(), 9).await;
    assert_eq!(of_user, [ids[0], ids[2]]);
    // Back again, and from one prefix to another.
    cx.apply([patch([(responses[0].id, 2)], [("user", Value::Null), ("claimed_at", Value::Null)])]).await;
    cx.apply([patch([(responses[2].id, 2)], [("user", words("bob"))])]).await;
    assert_eq!(cx.page(index, &unclaimed(1), Range::oldest(), 9).await, [ids[0], ids[1]]);
    assert!(cx.page(Index::ResponsesOfUser, &nobody().text("ada"), Range::oldest(), 9).await.is_empty());
    let of_user = cx.page(Index::ResponsesOfUser, &nobody().text("bob"), Range::oldest(), 9).await;
    assert_eq!(of_user, [ids[2]]);
}

/// The unique keys of a patched record lead to it as it is now. Nobody else can take them until a delete releases
/// them.
pub async fn a_patched_record_keeps_its_unique_keys(cx: Cx) {
    let (link, alias) = (cx.natural_link("kept"), cx.alias("Kept"));
    cx.apply([insert(link.clone()), insert(alias.clone())]).await;
    let target = LinkId::from_uuid(Uuid::from_u128(9));
    cx.apply([patch([(link.id, 1)], [("label", words("patched"))])]).await;
    cx.apply([patch([(alias.id, 1)], [("link", Value::Uuid(target.as_uuid()))])]).await;
    let link = Link { label: text("patched"), version: Version::new(2), ..link };
    let alias = Alias { link: target, version: Version::new(2), ..alias };
    assert_eq!(cx.find(natural("kept")).await, Some(link.clone().into()));
    assert_eq!(cx.find(code("Kept")).await, Some(alias.clone().into()));
    assert_eq!(cx.find(folded("kept")).await, Some(alias.clone().into()));
    cx.taken([insert(cx.natural_link("kept"))], 0, link.id).await;
    cx.taken([insert(cx.alias("KEPT"))], 0, alias.id).await;
    cx.apply([delete(link.id, 2), delete(alias.id, 2)]).await;
    cx.apply([insert(cx.natural_link("kept")), insert(cx.alias("Kept"))]).await;
}

/// A patch of a response with every field changes only what it names, and no other response of the same visitor.
pub async fn a_patch_changes_no_other_column_and_no_other_record(cx: Cx) {
    let full = cx.sample(Kind::Response, &Filling::PLAIN).unwrap();
    let Record::Response(full) = full else { unreachable!() };
    let full = Response { user: None, claimed_at: None, version: Version::FIRST, ..full };
    let beside = Response { id: cx.response().id, ..full.clone() };
    cx.insert([full.clone(), beside.clone()]).await;
    cx.apply([give([full.id], "ada", i64::MAX)]).await;
    assert_eq!(cx.get(full.id).await, Some(given(&full, "ada", i64::MAX)));
    assert_eq!(cx.get(beside.id).await, Some(beside.into()));
}

/// A patch may hold 1,000 records. If the last one is at another version, none of them is changed.
pub async fn a_thousand_records_are_patched_at_once(cx: Cx) {
    let responses: Vec<_> = (0..Changeset::MAX_PATCH).map(|_| cx.response()).collect();
    let edited = cx.response();
    cx.insert(responses.iter().cloned().chain([edited.clone()])).await;
    cx.apply([update(Response { visitor: None, ..edited.clone() }, 1)]).await;
    let ids: Vec<_> = responses.iter().map(|response| response.id).collect();
    let mut one_stale = ids.clone();
    one_stale[Changeset::MAX_PATCH - 1] = edited.id;
    cx.stale([give(one_stale, "ada", 1)], 0, edited.id, Some(2)).await;
    let place = nobody().uuid(visitor(1).as_uuid());
    assert_eq!(cx.page(Index::ResponsesUnclaimed, &place, Range::newest(), 1000).await.len(), 1000);
    cx.apply([give(ids, "ada", 1)]).await;
    assert!(cx.page(Index::ResponsesUnclaimed, &place, Range::newest(), 1000).await.is_empty());
    let page = cx.records(Index::ResponsesOfUser, &nobody().text("ada"), Range::newest(), 1000).await;
    assert_eq!(page.len(), 1000);
    assert!(page.iter().all(|record| record.version().get() == 2));
}

/// A changeset that begins with a patch counts once, because a version is patched once.
pub async fn a_patch_is_a_witness_for_what_is_counted(cx: Cx) {
    let (response, link) = (cx.response(), cx.link());
    cx.insert([response.clone()]).await;
    let (uses, clicks) = (counter("uses"), statistic("clicks", "all"));
    let changes =
        [give([response.id], "ada", 1), insert(link.clone()), count_any(&uses, 1), tally(&clicks, 1)];
    cx.apply(changes.clone()).await;
    cx.stale(changes, 0, response.id, Some(2)).await;
    assert_eq!((cx.number(&uses).await, cx.number(&clicks).await), (1, 1));
}

/// A changeset may patch records of one kind and of several, with different columns each. If one patch is stale,
/// none is applied.
pub async fn a_changeset_may_hold_several_patches(cx: Cx) {
    let (one, two, link) = (cx.response(), cx.response(), cx.link());
    cx.apply([insert(one.clone()), insert(two.clone()), insert(link.clone())]).await;
    let patches = |was| {
        [
            give([one.id], "ada", 1),
            patch([(two.id, 1)], [("visitor", Value::Null), ("agent", words("a browser"))]),
            patch([(link.id, was)], [("label", words("patched"))]),
        ]
    };
    cx.stale(patches(2), 2, link.id, Some(1)).await;
    assert_eq!(cx.get(one.id).await, Some(one.clone().into()));
    assert_eq!(cx.get(two.id).await, Some(two.clone().into()));
    cx.apply(patches(1)).await;
    let second = Version::new(2);
    assert_eq!(cx.get(one.id).await, Some(given(&one, "ada", 1)));
    let two = Response { visitor: None, agent: Some(text("a browser")), version: second, ..two };
    assert_eq!(cx.get(two.id).await, Some(two.into()));
    assert_eq!(cx.get(link.id).await, Some(Link { label: text("patched"), version: second, ..link }.into()));
}

/// The first patch of a batch gets all of its records. A later one that shares a record with it changes nothing.
pub async fn two_patches_in_a_batch_have_one_winner(cx: Cx) {
    let responses: Vec<_> = (0..3).map(|_| cx.response()).collect();
    cx.insert(responses.clone()).await;
    let [a, b, c] = [responses[0].id, responses[1].id, responses[2].id];
    let absent = LinkId::from_uuid(Uuid::from_u128(1));
    let batch = [
        Changeset::new([give([c], "eve", 1), expect(absent, 1)]),
        Changeset::new([give([a, b], "ada", 1)]),
        Changeset::new([give([c, b], "bob", 2)]),
        Changeset::new([give([c], "cyd", 3)]),
    ];
    let answers = cx.batch(&batch).await;
    assert!(matches!(&answers[0], Ok(Outcome::Conflict { index: 1, .. })), "{:?}", answers[0]);
    assert_applied(&answers[1]);
    let conflict = Conflict::Stale { id: b.into(), now: Some(Version::new(2)) };
    assert_eq!(answers[2].clone().unwrap(), Outcome::Conflict { index: 0, conflict });
    assert_applied(&answers[3]);
    assert_eq!(cx.get(c).await, Some(given(&responses[2], "cyd", 3)));
}

fn broken_rules(cx: &Cx, response: &Response) -> Vec<(&'static str, Change)> {
    let of = [(response.id, 1)];
    let one = |column, value| patch(of, [(column, value)]);
    let many = (0..=Changeset::MAX_PATCH).map(|_| cx.response().id);
    let link = [(LinkId::from_uuid(response.id.as_uuid()), 1)];
    let alias = [(RecordId { kind: Kind::Alias, uuid: response.id.as_uuid() }, 1)];
    let long = |bytes: usize| words(&"x".repeat(bytes));
    vec![
        ("no record", give([], "ada", 1)),
        ("1,001 records", give(many, "ada", 1)),
        ("one record twice", give([response.id, response.id], "ada", 1)),
        ("no column", patch(of, [])),
        ("one column twice", patch(of, [("user", words("ada")), ("user", words("bob"))])),
        ("the id", one("id", Value::Uuid(Uuid::from_u128(8)))),
        ("the tenant", one("tenant", words("somebody else"))),
        ("the version", one("version", Value::Int(7))),
        ("the time of creation", one("created_at", Value::Int(7))),
        ("a key of a link", patch(link, [("natural", words("another"))])),
        ("a key of a link, to nothing", patch(link, [("natural", Value::Null)])),
        ("a key of an alias", patch(alias, [("code", words("another"))])),
        ("a derived column", patch(alias, [("folded", words("another"))])),
        ("what a derived column is made of", patch(alias, [("case_exact", Value::Int(1))])),
        ("half a field", one("target_kind", words("product"))),
        ("the other half", one("target_id", words("7"))),
        ("half a field to nothing", patch(of, [("target_kind", Value::Null), ("target_id", words("7"))])),
        ("a column that is not there", one("colour", words("red"))),
        ("a column of another kind", one("label", words("red"))),
        ("flags as text", one("flags", words("bot"))),
        ("a number as a text", one("user", Value::Int(1))),
        ("an id as a text", one("visitor", words("00000000-0000-0000-0000-000000000001"))),
        ("a text as an id", one("user", Value::Uuid(Uuid::from_u128(1)))),
        ("yes as 7", one("counted", Value::Int(7))),
        ("a name that does not exist", one("via", words("by train"))),
        ("a text over its limit", one("agent", long(513))),
        ("an empty user", one("user", words(""))),
        ("a text with NUL", one("user", words("ada\0"))),
        ("nothing where something must be", one("link", Value::Null)),
        ("nothing where a name must be", one("via", Value::Null)),
        ("nothing where a number must be", one("flags", Value::Null)),
    ]
}

/// A patch that breaks a rule is `Invalid` before anything is written, also beside changes that keep the rules.
pub async fn every_patch_that_breaks_a_rule_is_invalid(cx: Cx) {
    let response = cx.response();
    cx.insert([response.clone()]).await;
    for (rule, change) in broken_rules(&cx, &response) {
        let rule = format!("a patch of {rule}");
        assert_invalid(cx.commit([change.clone()]).await, &rule);
        let beside = cx.link();
        assert_invalid(cx.commit([insert(beside.clone()), change]).await, &rule);
        assert_eq!(cx.get(beside.id).await, None, "{rule}: nothing is written");
    }
    assert_eq!(cx.get(response.id).await, Some(response.into()), "nothing is changed");
}
