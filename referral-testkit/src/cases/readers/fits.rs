//! What a read gives fits what was asked, and what fits all the time is never missing.

use std::collections::BTreeSet;

use referral_core::store::{
    Change, Changeset, Index, Prefix, Range, Record, RecordId, Seek, UniqueKey, Value,
};
use referral_core::{Alias, Link, LinkId, Response, ResponseId};
use uuid::Uuid;

use super::beside::{Pace, beside};
use crate::cx::{Cx, assert_applied};
use crate::make::{
    at, code, delete, folded, insert, natural, nobody, patch, place, text, update, user, visitor,
    with_natural, words,
};

/// The next write of a response: in turn an update and a patch of its agent.
fn edit(response: &Response, was: i64, step: usize) -> Change {
    let agent = format!("agent {step}");
    if step.is_multiple_of(2) {
        update(Response { agent: Some(text(&agent)), ..response.clone() }, was)
    } else {
        patch([(response.id, was)], [("agent", words(&agent))])
    }
}

/// Records are updated and patched without leaving their prefixes, alone and in batches. A page shows every one of
/// them, each time.
pub async fn an_entry_is_never_missing_while_its_record_is_updated(cx: Cx) {
    let responses: Vec<_> = (0..6)
        .map(|i| {
            let (user, owner) = (Some(user("ada")), Some(user("bob")));
            Response { created_at: at(i / 2), user, owner, ..cx.response() }
        })
        .collect();
    cx.insert(responses.clone()).await;
    let ids: Vec<_> = responses.iter().map(|response| response.id.as_uuid()).collect();
    let places = [
        (Index::ResponsesOfLink, nobody().uuid(responses[0].link.as_uuid())),
        (Index::ResponsesOfUser, nobody().text("ada")),
        (Index::ResponsesOfOwner, nobody().text("bob")),
        (Index::Responses, nobody()),
    ];
    let writer = cx.clone();
    let write = move |_, mut pace: Pace| {
        let (cx, responses) = (writer.clone(), responses.clone());
        async move {
            let mut versions = [1; 6];
            for step in 0..cx.rounds(40) {
                pace.step().await;
                let mut batch = Vec::new();
                for which in [step % 6, (step + 3) % 6].into_iter().take(1 + step / 6 % 2) {
                    batch.push(Changeset::new([edit(&responses[which], versions[which], step)]));
                    versions[which] += 1;
                }
                cx.batch(&batch).await.iter().for_each(assert_applied);
            }
        }
    };
    let read = move |reader: usize| {
        let (cx, places, ids) = (cx.clone(), places.clone(), ids.clone());
        async move {
            for (index, prefix) in &places {
                let range = if reader == 0 { Range::oldest() } else { Range::newest() };
                let mut found = cx.page(*index, prefix, range, 99).await;
                if reader > 0 {
                    found.reverse();
                }
                assert_eq!(found, ids, "{index:?} shows every record that stands in it all the time (right)");
            }
        }
    };
    beside(1, write, read).await;
}

/// Records are updated and patched and keep their keys. Each is given by its id and by its keys, each time.
pub async fn a_record_is_never_missing_while_it_is_updated(cx: Cx) {
    let (link, alias) = (cx.natural_link("kept"), cx.alias("Kept"));
    cx.apply([insert(link.clone()), insert(alias.clone())]).await;
    let (of_link, of_alias): (RecordId, RecordId) = (link.id.into(), alias.id.into());
    let writer = cx.clone();
    let write = move |_, mut pace: Pace| {
        let (cx, link, alias) = (writer.clone(), link.clone(), alias.clone());
        async move {
            for (was, step) in (1..).zip(0..cx.rounds(40)) {
                pace.step().await;
                let to = Uuid::from_u128(step as u128);
                let label = text(&format!("label {step}"));
                if step.is_multiple_of(2) {
                    let link = Link { label, ..link.clone() };
                    let alias = Alias { link: LinkId::from_uuid(to), ..alias.clone() };
                    cx.apply([update(link, was), update(alias, was)]).await;
                } else {
                    let label = [("label", words(&format!("label {step}")))];
                    let batch = [
                        Changeset::new([patch([(link.id, was)], label)]),
                        Changeset::new([patch([(alias.id, was)], [("link", Value::Uuid(to))])]),
                    ];
                    cx.batch(&batch).await.iter().for_each(assert_applied);
                }
            }
        }
    };
    let read = move |_| {
        let cx = cx.clone();
        async move {
            for (key, holder) in
                [(natural("kept"), of_link), (code("Kept"), of_alias), (folded("kept"), of_alias)]
            {
                let found = cx.find(key.clone()).await.map(|record| record.id());
                assert_eq!(found, Some(holder), "who is found under {key:?}");
            }
            for id in [of_link, of_alias] {
                assert_eq!(cx.get(id).await.map(|record| record.id()), Some(id), "what get gives");
            }
        }
    };
    beside(1, write, read).await;
}

/// That all records of an answer stand in this place and range, in order, and none of them twice.
#[track_caller]
fn assert_fits(found: &[Record], index: Index, prefix: &Prefix, range: &Range) {
    let mut before: Option<Seek> = None;
    let mut seen = BTreeSet::new();
    for record in found {
        assert_eq!(
            place(index, record).as_ref(),
            Some(prefix),
            "the place of a record that a page of {index:?} gave: {record:?}"
        );
        let seek = Seek { at: record.created_at().as_millis(), id: record.id().uuid };
        assert!(range.contains(seek), "a page of {range:?} in {index:?} gave {record:?}");
        let ordered = before.is_none_or(|before| (before < seek) == range.ascending && before != seek);
        assert!(ordered, "a page of {index:?} is out of order at {record:?}");
        assert!(seen.insert(seek.id), "a page of {index:?} gave a record twice: {record:?}");
        before = Some(seek);
    }
}

/// Records move to and fro between prefixes, and are deleted and come back at another time. Every record of a page
/// stands in the prefix and the range that were asked for, and none comes twice.
pub async fn every_record_of_a_page_fits_while_records_move(cx: Cx) {
    const MOVING: usize = 4;
    let responses: Vec<_> = (0..MOVING).map(|_| Response { created_at: at(5), ..cx.response() }).collect();
    cx.insert(responses.clone()).await;
    let writer = cx.clone();
    let write = move |_, mut pace: Pace| {
        let (cx, responses) = (writer.clone(), responses.clone());
        async move {
            let mut versions = [1; MOVING];
            for step in 0..cx.rounds(60) {
                pace.step().await;
                let which = step % MOVING;
                let (response, was) = (&responses[which], versions[which]);
                let to = [Some("ada"), Some("bob"), None][step / MOVING % 3];
                versions[which] = was + 1;
                match step % 5 {
                    0 => {
                        let time = if step % 2 == 0 { 15 } else { 5 };
                        let again = Response { user: to.map(user), created_at: at(time), ..response.clone() };
                        cx.apply([delete(response.id, was)]).await;
                        cx.apply([insert(again)]).await;
                        versions[which] = 1;
                    }
                    1 | 2 => {
                        cx.apply([update(Response { user: to.map(user), ..response.clone() }, was)]).await
                    }
                    _ => {
                        let to = to.map_or(Value::Null, words);
                        cx.apply([patch([(response.id, was)], [("user", to)])]).await;
                    }
                }
            }
        }
    };
    let read = move |reader: usize| {
        let cx = cx.clone();
        async move {
            let unclaimed = nobody().uuid(visitor(1).as_uuid());
            for (index, prefix) in [
                (Index::ResponsesUnclaimed, unclaimed),
                (Index::ResponsesOfUser, nobody().text("ada")),
                (Index::ResponsesOfUser, nobody().text("bob")),
                (Index::Responses, nobody()),
            ] {
                let whole = Range { ascending: reader == 0, ..Range::newest() };
                for range in [whole, Range { from: Some(10), ..whole }, Range { until: Some(10), ..whole }] {
                    assert_fits(&cx.records(index, &prefix, range, 99).await, index, &prefix, &range);
                }
            }
        }
    };
    beside(1, write, read).await;
}

/// Two keys are handed from record to record, each in one changeset, so that each always has a holder. Whoever is
/// found under a key holds it, and nobody is found under both at once.
pub async fn every_record_that_is_found_holds_its_key(cx: Cx) {
    let links: Vec<_> = (0..3).map(|_| cx.link()).collect();
    let first = [with_natural(links[0].clone(), Some("one")), with_natural(links[1].clone(), Some("two"))];
    cx.insert(first.into_iter().chain([links[2].clone()])).await;
    let writer = cx.clone();
    let write = move |_, mut pace: Pace| {
        let (cx, links) = (writer.clone(), links.clone());
        async move {
            let (mut holders, mut free, mut versions) = ([0, 1], 2, [1; 3]);
            for step in 0..cx.rounds(60) {
                pace.step().await;
                let (from, to) = (holders[step % 2], free);
                let key = ["one", "two"][step % 2];
                let gives = update(with_natural(links[from].clone(), None), versions[from]);
                let takes = update(with_natural(links[to].clone(), Some(key)), versions[to]);
                cx.apply([gives, takes]).await;
                versions[from] += 1;
                versions[to] += 1;
                (holders[step % 2], free) = (to, from);
            }
        }
    };
    let read = move |_| {
        let cx = cx.clone();
        async move {
            let keys = [natural("one"), natural("two")];
            let found = cx.store().find(&keys).await.expect("find");
            let ids: Vec<_> = found.iter().flatten().map(Record::id).collect();
            assert_eq!(ids.len(), 2, "each key always has a holder: {found:?}");
            assert!(ids[0] != ids[1], "two records hold a key each, and {:?} came for both keys", ids[0]);
            for (key, record) in keys.iter().zip(found.into_iter().flatten()) {
                let held = UniqueKey::all_of(&record);
                assert!(held.contains(key), "{key:?} led to a record that does not hold it: {record:?}");
            }
        }
    };
    beside(1, write, read).await;
}

/// Neighbours are inserted and deleted in front of, between and behind records that stay. Who reads page after page
/// until one is not full sees all that stay, once and in order, and no page fails.
pub async fn a_page_skips_nothing_while_its_neighbours_come_and_go(cx: Cx) {
    const THERE: i64 = 20;
    const LIMIT: u32 = 7;
    let there: Vec<_> = (0..THERE).map(|i| Response { created_at: at(i * 10), ..cx.response() }).collect();
    cx.insert(there.clone()).await;
    let there: Vec<Uuid> = there.iter().map(|response| response.id.as_uuid()).collect();
    let writer = cx.clone();
    let write = move |writer_number: usize, mut pace: Pace| {
        let cx = writer.clone();
        async move {
            let mut here: Vec<ResponseId> = Vec::new();
            for step in 0..cx.rounds(30) {
                pace.step().await;
                let come: Vec<_> = (0..6)
                    .map(|i| {
                        let time = ((step * 37 + i * 31 + writer_number * 5) % 200) as i64;
                        Response { created_at: at(time), ..cx.response() }
                    })
                    .collect();
                let gone: Vec<_> = here.drain(..).map(|id| delete(id, 1)).collect();
                here.extend(come.iter().map(|response| response.id));
                let batch = [Changeset::new(come.into_iter().map(insert)), Changeset::new(gone)];
                cx.batch(&batch).await.iter().for_each(assert_applied);
            }
        }
    };
    let read = move |reader: usize| {
        let (cx, there) = (cx.clone(), there.clone());
        async move {
            let ascending = reader == 0;
            let mut range = Range { ascending, ..Range::newest() };
            let mut seen: Vec<Uuid> = Vec::new();
            loop {
                let page = cx.records(Index::Responses, &nobody(), range, LIMIT).await;
                assert_fits(&page, Index::Responses, &nobody(), &range);
                seen.extend(page.iter().map(|record| record.id().uuid));
                let Some(last) = page.last().filter(|_| page.len() == LIMIT as usize) else { break };
                range.after = Some(Seek { at: last.created_at().as_millis(), id: last.id().uuid });
            }
            seen.retain(|id| there.contains(id));
            if !ascending {
                seen.reverse();
            }
            assert_eq!(seen, there, "of the records that stay (right), those that the pages gave");
        }
    };
    beside(2, write, read).await;
}
