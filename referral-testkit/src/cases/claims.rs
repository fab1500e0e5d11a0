//! What a visitor did becomes what a user did: all of it, once.

use referral_core::store::{Changeset, Conflict, Index, Outcome, Range};
use referral_core::{LinkId, Response, ResponseId};
use referral_core::store::{Kind, Record, Version};
use uuid::Uuid;

use crate::cx::{Cx, assert_applied};
use crate::make::{at, claim, count_any, counter, insert, nobody, statistic, tally, user, visitor};
use crate::samples::{Filling, record};

fn claimed(response: &Response, by: &str, when: i64) -> Record {
    let version = response.version.next();
    Response { user: Some(user(by)), claimed_at: Some(at(when)), version, ..response.clone() }.into()
}

/// And from any version on.
pub async fn a_claim_sets_user_time_and_version(cx: Cx) {
    let (fresh, edited) = (cx.response(), cx.response());
    cx.insert([fresh.clone(), edited.clone()]).await;
    cx.apply([crate::make::update(edited.clone(), 1)]).await;
    cx.apply([claim([fresh.id, edited.id], "ada", 1234)]).await;
    assert_eq!(cx.get(fresh.id).await, Some(claimed(&fresh, "ada", 1234)));
    let edited = Response { version: Version::new(2), ..edited };
    assert_eq!(cx.get(edited.id).await, Some(claimed(&edited, "ada", 1234)));
}

/// Wherever the one stands that cannot be claimed.
pub async fn a_claim_takes_all_or_none(cx: Cx) {
    let responses: Vec<_> = (0..4).map(|_| cx.response()).collect();
    let gone = Response { user: Some(user("bob")), ..cx.response() };
    cx.insert(responses.iter().cloned().chain([gone.clone()])).await;
    for place in 0..=responses.len() {
        let mut ids: Vec<_> = responses.iter().map(|response| response.id).collect();
        ids.insert(place, gone.id);
        cx.stale([claim(ids, "ada", 1)], 0, gone.id, Some(1)).await;
        for response in &responses {
            assert_eq!(cx.get(response.id).await, Some(response.clone().into()));
        }
    }
    cx.apply([claim(responses.iter().map(|response| response.id), "ada", 1)]).await;
}

/// Not by another user and not by the same one.
pub async fn a_claimed_response_is_not_claimed_again(cx: Cx) {
    let response = cx.response();
    cx.insert([response.clone()]).await;
    cx.apply([claim([response.id], "ada", 1)]).await;
    cx.stale([claim([response.id], "bob", 2)], 0, response.id, Some(2)).await;
    cx.stale([claim([response.id], "ada", 1)], 0, response.id, Some(2)).await;
    assert_eq!(cx.get(response.id).await, Some(claimed(&response, "ada", 1)));
}

/// Though it has a visitor and was never claimed.
pub async fn a_user_known_at_the_touch_is_not_claimed(cx: Cx) {
    let response = Response { user: Some(user("ada")), ..cx.response() };
    cx.insert([response.clone()]).await;
    cx.stale([claim([response.id], "bob", 1)], 0, response.id, Some(1)).await;
    assert_eq!(cx.get(response.id).await, Some(response.into()));
}

/// An erased one belongs to nobody, and stays so.
pub async fn a_response_without_visitor_is_not_claimed(cx: Cx) {
    let response = Response { visitor: None, ..cx.response() };
    cx.insert([response.clone()]).await;
    cx.stale([claim([response.id], "ada", 1)], 0, response.id, Some(1)).await;
    assert_eq!(cx.get(response.id).await, Some(response.into()));
}

/// Also where another kind of record has the UUID.
pub async fn an_absent_response_is_not_claimed(cx: Cx) {
    let link = cx.link();
    cx.insert([link.clone()]).await;
    let absent = ResponseId::from_uuid(link.id.as_uuid());
    cx.stale([claim([absent], "ada", 1)], 0, absent, None).await;
    assert_eq!(cx.get(link.id).await, Some(link.into()));
}

/// In the order of the claim, whatever is wrong with the later ones.
pub async fn the_first_that_is_not_unclaimed_is_named(cx: Cx) {
    let good = cx.response();
    let (known, orphan) =
        (Response { user: Some(user("bob")), ..cx.response() }, Response { visitor: None, ..cx.response() });
    let absent = ResponseId::from_uuid(Uuid::from_u128(5));
    cx.insert([good.clone(), known.clone(), orphan.clone()]).await;
    cx.stale([claim([good.id, orphan.id, absent, known.id], "ada", 1)], 0, orphan.id, Some(1)).await;
    cx.stale([claim([good.id, absent, known.id, orphan.id], "ada", 1)], 0, absent, None).await;
    cx.stale([claim([known.id, absent, good.id, orphan.id], "ada", 1)], 0, known.id, Some(1)).await;
}

/// From those of the visitor that nobody claimed to those of the user.
pub async fn a_claim_moves_the_response_to_its_user(cx: Cx) {
    let responses: Vec<_> = (0..3).map(|i| Response { created_at: at(i), ..cx.response() }).collect();
    let other = Response { visitor: Some(visitor(2)), ..cx.response() };
    cx.insert(responses.iter().cloned().chain([other.clone()])).await;
    let unclaimed = |of| nobody().uuid(visitor(of).as_uuid());
    let ids: Vec<_> = responses.iter().map(|response| response.id.as_uuid()).collect();
    let index = Index::ResponsesUnclaimed;
    assert_eq!(cx.page(index, &unclaimed(1), Range::oldest(), 9).await, ids);
    cx.apply([claim([responses[0].id, responses[2].id], "ada", 7)]).await;
    assert_eq!(cx.page(index, &unclaimed(1), Range::oldest(), 9).await, [ids[1]]);
    assert_eq!(cx.page(index, &unclaimed(2), Range::oldest(), 9).await, [other.id.as_uuid()]);
    let of_user = cx.page(Index::ResponsesOfUser, &nobody().text("ada"), Range::oldest(), 9).await;
    assert_eq!(of_user, [ids[0], ids[2]]);
}

/// A response with every field, among others of the same visitor.
pub async fn a_claim_changes_no_other_field_and_no_other_response(cx: Cx) {
    let full = record(&cx, Kind::Response, &Filling::PLAIN).unwrap();
    let Record::Response(full) = full else { unreachable!() };
    let full = Response { user: None, claimed_at: None, version: Version::FIRST, ..full };
    let beside = Response { id: cx.response().id, ..full.clone() };
    cx.insert([full.clone(), beside.clone()]).await;
    cx.apply([claim([full.id], "ada", i64::MAX)]).await;
    assert_eq!(cx.get(full.id).await, Some(claimed(&full, "ada", i64::MAX)));
    assert_eq!(cx.get(beside.id).await, Some(beside.into()));
}

/// The most that one claim may hold; and none of them if the last one cannot be claimed.
pub async fn a_thousand_responses_are_claimed_at_once(cx: Cx) {
    let responses: Vec<_> = (0..1000).map(|_| cx.response()).collect();
    let spoilt = Response { visitor: None, ..cx.response() };
    cx.insert(responses.iter().cloned().chain([spoilt.clone()])).await;
    let ids: Vec<_> = responses.iter().map(|response| response.id).collect();
    let mut spoilt_ids = ids.clone();
    spoilt_ids[999] = spoilt.id;
    cx.stale([claim(spoilt_ids, "ada", 1)], 0, spoilt.id, Some(1)).await;
    let place = nobody().uuid(visitor(1).as_uuid());
    assert_eq!(cx.page(Index::ResponsesUnclaimed, &place, Range::newest(), 1000).await.len(), 1000);
    cx.apply([claim(ids, "ada", 1)]).await;
    assert!(cx.page(Index::ResponsesUnclaimed, &place, Range::newest(), 1000).await.is_empty());
    let page = cx.records(Index::ResponsesOfUser, &nobody().text("ada"), Range::newest(), 1000).await;
    assert_eq!(page.len(), 1000);
    assert!(page.iter().all(|record| record.version().get() == 2));
}

/// Counted once, because it is claimed once.
pub async fn a_claim_is_a_witness_for_what_is_counted(cx: Cx) {
    let (response, link) = (cx.response(), cx.link());
    cx.insert([response.clone()]).await;
    let (uses, clicks) = (counter("uses"), statistic("clicks", "all"));
    let changes =
        [claim([response.id], "ada", 1), insert(link.clone()), count_any(&uses, 1), tally(&clicks, 1)];
    cx.apply(changes.clone()).await;
    cx.stale(changes, 0, response.id, Some(2)).await;
    assert_eq!((cx.number(&uses).await, cx.number(&clicks).await), (1, 1));
}

/// The first one, with all that it asked for; the second takes none of what is left.
pub async fn two_claims_in_a_batch_have_one_winner(cx: Cx) {
    let responses: Vec<_> = (0..3).map(|_| cx.response()).collect();
    cx.insert(responses.clone()).await;
    let [a, b, c] = [responses[0].id, responses[1].id, responses[2].id];
    let absent = LinkId::from_uuid(Uuid::from_u128(1));
    let batch = [
        Changeset::new([claim([c], "eve", 1), crate::make::expect(absent, 1)]),
        Changeset::new([claim([a, b], "ada", 1)]),
        Changeset::new([claim([c, b], "bob", 2)]),
        Changeset::new([claim([c], "cyd", 3)]),
    ];
    let answers = cx.batch(&batch).await;
    assert!(matches!(&answers[0], Ok(Outcome::Conflict { index: 1, .. })), "{:?}", answers[0]);
    assert_applied(&answers[1]);
    let conflict = Conflict::Stale { id: b.into(), now: Some(Version::new(2)) };
    assert_eq!(answers[2].clone().unwrap(), Outcome::Conflict { index: 0, conflict });
    assert_applied(&answers[3]);
    assert_eq!(cx.get(c).await, Some(claimed(&responses[2], "cyd", 3)));
}
