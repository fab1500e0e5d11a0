//! The order of records, ranges, limits, and where a page goes on.

use referral_core::store::{Index, MAX_PAGE, Prefix, Range, Seek};
use referral_core::{Alias, Link, LinkId, Response, ResponseId, Status, Target, Timestamp};
use uuid::Uuid;

use super::place::world;
use crate::cx::Cx;
use crate::make::{at, delete, nobody, text, update, user, visitor};
use crate::samples::NOW;

/// Every index gives whole records, equal to those that `get` gives, in both directions.
pub async fn every_index_gives_its_records_in_both_directions(cx: Cx) {
    for place in world(&cx).await {
        for range in [Range::newest(), Range::oldest()] {
            let found = cx.records(place.index, &place.prefix, range, MAX_PAGE).await;
            let mut expected: Vec<_> = place.entries.iter().map(|(_, record)| record.clone()).collect();
            if !range.ascending {
                expected.reverse();
            }
            assert_eq!(found, expected, "{:?} of {:?} in {range:?}", place.index, place.prefix);
        }
    }
}

/// Records with equal times are ordered by id, in the direction of reading.
pub async fn equal_times_are_ordered_by_id(cx: Cx) {
    let links: Vec<_> = [3_u128, 1, u128::MAX, 2, 1 << 127, (1 << 127) - 1, 1 << 64]
        .map(|id| Link { id: LinkId::from_uuid(Uuid::from_u128(id)), ..cx.link() })
        .to_vec();
    cx.insert(links.clone()).await;
    let mut ids: Vec<_> = links.iter().map(|link| link.id.as_uuid()).collect();
    ids.sort();
    assert_eq!(cx.page(Index::Links, &nobody(), Range::oldest(), 99).await, ids);
    ids.reverse();
    assert_eq!(cx.page(Index::Links, &nobody(), Range::newest(), 99).await, ids);
}

/// Times are ordered as numbers, before 1970, after 9999 and at both ends of the range.
pub async fn extreme_times_are_ordered(cx: Cx) {
    let mut times = crate::texts::NUMBERS.to_vec();
    let links: Vec<_> = times.iter().map(|time| Link { created_at: at(*time), ..cx.link() }).collect();
    cx.insert(links).await;
    times.sort_unstable();
    let found = cx.records(Index::Links, &nobody(), Range::oldest(), 99).await;
    assert_eq!(found.iter().map(|link| link.created_at().as_millis()).collect::<Vec<_>>(), times);
    for (position, time) in times.iter().enumerate() {
        let from = Range { from: Some(*time), ..Range::oldest() };
        assert_eq!(cx.page(Index::Links, &nobody(), from, 99).await.len(), times.len() - position);
        let until = Range { until: Some(*time), ..Range::oldest() };
        assert_eq!(cx.page(Index::Links, &nobody(), until, 99).await.len(), position);
    }
}

/// A range holds `from` and not `until`, where either is given or open, in both directions.
pub async fn ranges_are_half_open(cx: Cx) {
    let all = [None, Some(i64::MIN), Some(-3), Some(5), Some(6), Some(i64::MAX)];
    for place in world(&cx).await {
        // The rules are the same in a large place; a few edges are enough to see that they are kept.
        let edges = if place.is_large() { &[None, Some(5)][..] } else { &all };
        for &from in edges {
            for &until in edges {
                for ascending in [true, false] {
                    place.holds(&cx, Range { from, until, after: None, ascending }, MAX_PAGE).await;
                }
            }
        }
    }
}

/// Pages of any size make up the whole, also through equal times and inside a range.
pub async fn a_page_goes_on_behind_the_last_one(cx: Cx) {
    for place in world(&cx).await {
        let ways = if place.is_large() {
            &[(true, None, 17), (false, Some(-3), 50)][..]
        } else {
            &[
                (true, None, 1),
                (false, None, 1),
                (true, None, 3),
                (false, None, 4),
                (true, Some(5), 2),
                (false, Some(-3), 3),
            ]
        };
        for &(ascending, from, limit) in ways {
            let mut range = Range { from, until: Some(i64::MAX), after: None, ascending };
            let expected = place.expected(&range, usize::MAX);
            let mut found = Vec::new();
            loop {
                let page = cx.records(place.index, &place.prefix, range, limit).await;
                let Some(last) = page.last() else { break };
                range.after = place.index.entry(last, &last.values()).map(|entry| entry.seek);
                found.extend(page.iter().map(|record| record.id().uuid));
                assert!(found.len() <= expected.len(), "the pages of {:?} never end", place.index);
            }
            assert_eq!(found, expected, "{:?} of {:?} in pages of {limit}", place.index, place.prefix);
        }
    }
}

/// The place after which a page begins need not belong to a record.
pub async fn a_page_goes_on_behind_a_record_that_is_gone(cx: Cx) {
    let links: Vec<_> = [1, 2, 2, 2, 3].map(|time| Link { created_at: at(time), ..cx.link() }).to_vec();
    cx.insert(links.clone()).await;
    let ids: Vec<_> = links.iter().map(|link| link.id.as_uuid()).collect();
    cx.apply([delete(links[2].id, 1)]).await;
    let after = Some(Seek { at: 2, id: ids[2] });
    let forth = Range { after, ..Range::oldest() };
    assert_eq!(cx.page(Index::Links, &nobody(), forth, 9).await, ids[3..]);
    let back = Range { after, ..Range::newest() };
    assert_eq!(cx.page(Index::Links, &nobody(), back, 9).await, [ids[1], ids[0]]);
    for (seek, forth, back) in [
        (Seek { at: 0, id: Uuid::max() }, vec![ids[0], ids[1], ids[3], ids[4]], vec![]),
        (Seek { at: 2, id: Uuid::nil() }, vec![ids[1], ids[3], ids[4]], vec![ids[0]]),
        (Seek { at: 2, id: Uuid::max() }, vec![ids[4]], vec![ids[3], ids[1], ids[0]]),
        (Seek { at: 9, id: Uuid::nil() }, vec![], vec![ids[4], ids[3], ids[1], ids[0]]),
    ] {
        let after = Some(seek);
        assert_eq!(cx.page(Index::Links, &nobody(), Range { after, ..Range::oldest() }, 9).await, forth);
        assert_eq!(cx.page(Index::Links, &nobody(), Range { after, ..Range::newest() }, 9).await, back);
    }
}

/// A page gives at most as many records as its limit says, also where the limit is zero.
pub async fn the_limit_is_kept(cx: Cx) {
    for place in world(&cx).await {
        for limit in [0, 1, 2, 5, MAX_PAGE] {
            place.holds(&cx, Range::newest(), limit).await;
            place.holds(&cx, Range::oldest(), limit).await;
        }
    }
}

/// Reading begins at any place or time of a prefix that holds more records than one page.
pub async fn reading_begins_anywhere_in_a_large_prefix(cx: Cx) {
    const MANY: i64 = 1050;
    // Three of each moment.
    let responses: Vec<_> =
        (0..MANY).map(|i| Response { created_at: at(i / 3 * 10), ..cx.response() }).collect();
    let ids: Vec<_> = responses.iter().map(|response| response.id.as_uuid()).collect();
    cx.insert(responses.clone()).await;
    let prefix = nobody().uuid(responses[0].link.as_uuid());
    for place in [0, 1, 2, 600, 998, 999, 1000, 1001, 1047, 1048, 1049] {
        let time = responses[place].created_at.as_millis();
        let after = Some(Seek { at: time, id: ids[place] });
        let forth = cx.page(Index::ResponsesOfLink, &prefix, Range { after, ..Range::oldest() }, 4).await;
        assert_eq!(forth, ids[place + 1..ids.len().min(place + 5)], "behind {place}");
        let mut back = cx.page(Index::ResponsesOfLink, &prefix, Range { after, ..Range::newest() }, 4).await;
        back.reverse();
        assert_eq!(back, ids[place.saturating_sub(4)..place], "before {place}");
        // The first of this moment, and the last one before it.
        let first = place / 3 * 3;
        let from = Range { from: Some(time), ..Range::oldest() };
        let found = cx.page(Index::ResponsesOfLink, &prefix, from, 4).await;
        assert_eq!(found, ids[first..ids.len().min(first + 4)], "from {time}");
        let until = Range { until: Some(time), ..Range::newest() };
        let found = cx.page(Index::ResponsesOfLink, &prefix, until, 1).await;
        assert_eq!(found, ids[first.saturating_sub(1)..first], "before {time}");
        // This moment, behind this place.
        let both = Range { from: Some(time), until: Some(time + 1), after, ascending: true };
        let found = cx.page(Index::ResponsesOfLink, &prefix, both, 9).await;
        assert_eq!(found, ids[place + 1..first + 3], "of {time} behind {place}");
    }
}

/// An update moves the entry from the old prefix to its place in the new one, and no other entry.
pub async fn an_update_moves_the_entry(cx: Cx) {
    let owned = |by: &str, time| Link { owner: Some(user(by)), created_at: at(time), ..cx.link() };
    let (first, moved, last) = (owned("bob", 1), owned("ada", 2), owned("bob", 3));
    cx.insert([first.clone(), moved.clone(), last.clone()]).await;
    let target = Some(Target { kind: text("product"), id: text("7") });
    let to = Link { owner: Some(user("bob")), status: Status::Disabled, target, ..moved.clone() };
    cx.apply([update(to, 1)]).await;
    let [first, moved, last] = [first, moved, last].map(|link| link.id.as_uuid());
    let page = |index, prefix: Prefix| {
        let cx = cx.clone();
        async move { cx.page(index, &prefix, Range::oldest(), 9).await }
    };
    assert!(page(Index::LinksOfOwner, nobody().text("ada")).await.is_empty());
    assert_eq!(page(Index::LinksOfOwner, nobody().text("bob")).await, [first, moved, last]);
    assert_eq!(page(Index::LinksOfTarget, nobody().text("bob").text("product").text("7")).await, [moved]);
    assert_eq!(page(Index::Links, nobody()).await, [first, moved, last]);
    let alias = cx.alias("moves");
    cx.insert([alias.clone()]).await;
    let link = LinkId::from_uuid(Uuid::from_u128(8));
    cx.apply([update(Alias { link, ..alias.clone() }, 1)]).await;
    assert!(page(Index::AliasesOfLink, nobody().uuid(alias.link.as_uuid())).await.is_empty());
    assert_eq!(page(Index::AliasesOfLink, nobody().uuid(link.as_uuid())).await, [alias.id.as_uuid()]);
}

/// A record stands in an index while its parts are there, and comes back with them.
pub async fn an_entry_goes_when_its_part_does(cx: Cx) {
    let response = cx.response();
    cx.insert([response.clone()]).await;
    let id = response.id.as_uuid();
    let (unclaimed, of_user) = (nobody().uuid(visitor(1).as_uuid()), nobody().text("ada"));
    let states = [
        (Some(visitor(1)), Some(user("ada")), [false, true]),
        (None, None, [false, false]),
        (None, Some(user("ada")), [false, true]),
        (Some(visitor(1)), None, [true, false]),
        (Some(visitor(2)), None, [false, false]),
    ];
    for (was, (visitor, user, stands)) in (1..).zip(states) {
        cx.apply([update(Response { visitor, user, ..response.clone() }, was)]).await;
        let places = [(Index::ResponsesUnclaimed, &unclaimed), (Index::ResponsesOfUser, &of_user)];
        for ((index, prefix), stands) in places.into_iter().zip(stands) {
            let expected = if stands { vec![id] } else { vec![] };
            assert_eq!(cx.page(index, prefix, Range::newest(), 9).await, expected, "{index:?} after {was}");
        }
        assert_eq!(cx.page(Index::Responses, &nobody(), Range::newest(), 9).await, [id]);
    }
}

/// A page may hold 1,000 records.
pub async fn a_page_holds_a_thousand_records(cx: Cx) {
    let responses: Vec<_> =
        (0..1010).map(|i| Response { created_at: Timestamp::from_millis(i / 3), ..cx.response() }).collect();
    let ids: Vec<_> = responses.iter().map(|response| response.id.as_uuid()).collect();
    cx.insert(responses).await;
    assert_eq!(cx.page(Index::Responses, &nobody(), Range::oldest(), MAX_PAGE).await, ids[..1000]);
    let newest: Vec<_> = ids.iter().rev().take(1000).copied().collect();
    assert_eq!(cx.page(Index::Responses, &nobody(), Range::newest(), MAX_PAGE).await, newest);
}

/// While others insert, records that were there all the time are seen once and in order.
pub async fn pages_make_up_the_whole_while_others_insert(cx: Cx) {
    const THERE: i64 = 40;
    let there: Vec<_> = (0..THERE)
        .map(|i| Response { created_at: at(NOW.as_millis() + i / 2 * 2), ..cx.response() })
        .collect();
    cx.insert(there.clone()).await;
    let there: Vec<Uuid> = there.iter().map(|response| response.id.as_uuid()).collect();
    let rounds = cx.rounds(15);
    let writers: Vec<_> = (0..2)
        .map(|writer| {
            let cx = cx.clone();
            tokio::spawn(async move {
                for round in 0..rounds {
                    let near = (0..4).map(|i| {
                        let time = NOW.as_millis() - 3 + ((round * 7 + i * 13 + writer) % 46) as i64;
                        let id = Uuid::from_u128(cx.uuid().as_u128().reverse_bits());
                        let id = ResponseId::from_uuid(id);
                        Response { id, created_at: at(time), ..cx.response() }
                    });
                    cx.insert(near.collect::<Vec<_>>()).await;
                }
            })
        })
        .collect();
    let mut done = false;
    while !done {
        // Let the writers on, where neither reads nor writes ever wait.
        tokio::task::yield_now().await;
        // Once more after the last insert.
        done = writers.iter().all(tokio::task::JoinHandle::is_finished);
        for ascending in [true, false] {
            let mut range = Range { ascending, ..Range::newest() };
            let mut seen: Vec<Uuid> = Vec::new();
            loop {
                let page = cx.records(Index::Responses, &nobody(), range, 7).await;
                let Some(last) = page.last() else { break };
                range.after = Some(Seek { at: last.created_at().as_millis(), id: last.id().uuid });
                seen.extend(page.iter().map(|record| record.id().uuid));
            }
            let mut old: Vec<_> = seen.iter().copied().filter(|id| there.contains(id)).collect();
            if !ascending {
                old.reverse();
            }
            assert_eq!(old, there, "what was there all the time");
            seen.sort();
            assert!(seen.windows(2).all(|two| two[0] != two[1]), "a record was seen twice");
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
}
