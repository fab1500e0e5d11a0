//! A page holds the records of its prefix, compared byte for byte, and no others.

use std::collections::BTreeMap;

use referral_core::store::{ColumnType, Index, Kind, MAX_PAGE, Part, Prefix, Range, Seek, Value};
use referral_core::{Link, LinkId, Response, ResponseId, Target};
use uuid::Uuid;

use super::place::{Place, placed, world};
use crate::cx::{Cx, assert_invalid};
use crate::fill::{Filling, impossible};
use crate::make::{nobody, place, tenant, text, user, visitor};
use crate::samples::NOW;
use crate::texts::{SEPARATORS, TEXTS};

/// A prefix gives the records with exactly its parts, not those whose parts begin alike or stand in another order.
pub async fn a_prefix_gives_only_its_own_records(cx: Cx) {
    let parts = ["a", "ab", "b", "a ", "A"];
    let mut expected = Vec::new();
    let mut links = Vec::new();
    let pairs = || parts.iter().flat_map(|a| parts.iter().map(move |b| (*a, *b)));
    for (owner, (kind, id)) in parts.iter().flat_map(|owner| pairs().map(move |pair| (*owner, pair))) {
        let target = Some(Target { kind: text(kind), id: text(id) });
        let link = Link { owner: Some(user(owner)), target, ..cx.link() };
        expected.push((owner, nobody().text(owner).text(kind).text(id), link.id.as_uuid()));
        links.push(link);
    }
    cx.insert(links).await;
    for (_, prefix, id) in &expected {
        assert_eq!(cx.page(Index::LinksOfTarget, prefix, Range::newest(), 9).await, [*id], "{prefix:?}");
    }
    for owner in parts {
        let of_owner: Vec<_> =
            expected.iter().filter(|(other, ..)| *other == owner).map(|(.., id)| *id).collect();
        let found = cx.page(Index::LinksOfOwner, &nobody().text(owner), Range::oldest(), 99).await;
        assert_eq!(found, of_owner, "the links of {owner:?}");
    }
}

/// Parts may hold the characters that hand-made keys separate with. No part runs into the next one.
pub async fn parts_that_hold_separators_are_kept_apart(cx: Cx) {
    let mut expected: BTreeMap<(String, String, String), Vec<Uuid>> = BTreeMap::new();
    let mut links = Vec::new();
    for s in SEPARATORS {
        for (owner, kind, id) in [
            ("a".to_owned(), format!("b{s}c"), "d".to_owned()),
            ("a".to_owned(), "b".to_owned(), format!("c{s}d")),
            (format!("a{s}b"), "c".to_owned(), "d".to_owned()),
            (format!("a{s}"), "b".to_owned(), format!("c{s}")),
            ("a".to_owned(), format!("{s}b"), format!("c{s}")),
        ] {
            let target = Some(Target { kind: text(&kind), id: text(&id) });
            let link = Link { owner: Some(user(&owner)), target, ..cx.link() };
            expected.entry((owner, kind, id)).or_default().push(link.id.as_uuid());
            links.push(link);
        }
    }
    cx.insert(links).await;
    let mut owners: BTreeMap<&str, usize> = BTreeMap::new();
    for ((owner, kind, id), ids) in &expected {
        *owners.entry(owner).or_default() += ids.len();
        let prefix = nobody().text(owner).text(kind).text(id);
        assert_eq!(cx.page(Index::LinksOfTarget, &prefix, Range::oldest(), 9).await, *ids, "{prefix:?}");
    }
    for (owner, links) in owners {
        let found = cx.page(Index::LinksOfOwner, &nobody().text(owner), Range::oldest(), 99).await;
        assert_eq!(found.len(), links, "the links of {owner:?}");
    }
}

/// Ids of only zeros or only ones and their neighbours work as prefixes, as records and as places to go on from.
pub async fn ids_that_end_in_zeros_or_ones_are_ids_like_any_other(cx: Cx) {
    const IDS: [u128; 11] = [
        0,
        1,
        0xff,
        0x100,
        0x12 << 120,
        (0x12 << 120) + 1,
        (0x1200ff << 104) + 0xff,
        (0x13 << 120) - 1,
        0x13 << 120,
        u128::MAX - 1,
        u128::MAX,
    ];
    let mut responses = Vec::new();
    for (number, link) in (0..).zip(IDS) {
        for id in [number, u128::MAX - number, (number + 1) << 120] {
            let id = ResponseId::from_uuid(Uuid::from_u128(id));
            let (link, who) = (LinkId::from_uuid(Uuid::from_u128(link)), visitor(link));
            responses.push(Response { id, link, visitor: Some(who), ..cx.response() });
        }
    }
    responses.sort_by_key(|response| response.id);
    cx.insert(responses.clone()).await;
    for link in IDS.map(Uuid::from_u128) {
        let of_link = |response: &&Response| response.link.as_uuid() == link;
        let expected: Vec<_> =
            responses.iter().filter(of_link).map(|response| response.id.as_uuid()).collect();
        for index in [Index::ResponsesOfLink, Index::ResponsesUnclaimed] {
            let prefix = nobody().uuid(link);
            assert_eq!(cx.page(index, &prefix, Range::oldest(), 99).await, expected, "{index:?} of {link}");
            for (place, id) in expected.iter().enumerate() {
                let after = Some(Seek { at: NOW.as_millis(), id: *id });
                let rest = cx.page(index, &prefix, Range { after, ..Range::oldest() }, 99).await;
                assert_eq!(rest, expected[place + 1..], "{index:?} of {link} behind {id}");
                let mut back = cx.page(index, &prefix, Range { after, ..Range::newest() }, 99).await;
                back.reverse();
                assert_eq!(back, expected[..place], "{index:?} of {link} before {id}");
            }
        }
    }
}

/// Prefixes that differ in case, accents, normal form or trailing spaces are different prefixes.
pub async fn text_prefixes_are_equal_only_byte_for_byte(cx: Cx) {
    let responses: Vec<_> =
        TEXTS.iter().map(|text| Response { user: Some(user(text)), ..cx.response() }).collect();
    let links: Vec<_> = TEXTS.iter().map(|text| Link { owner: Some(user(text)), ..cx.link() }).collect();
    cx.insert(responses.clone()).await;
    cx.insert(links.clone()).await;
    for ((text, response), link) in TEXTS.iter().zip(responses).zip(links) {
        let prefix = nobody().text(text);
        let found = cx.page(Index::ResponsesOfUser, &prefix, Range::newest(), 9).await;
        assert_eq!(found, [response.id.as_uuid()], "the responses of {text:?}");
        let found = cx.page(Index::LinksOfOwner, &prefix, Range::newest(), 9).await;
        assert_eq!(found, [link.id.as_uuid()], "the links of {text:?}");
    }
}

/// In every index a tenant sees its own records only, also where tenants' names begin alike.
pub async fn tenants_do_not_see_each_other(cx: Cx) {
    let names = ["", "a", "ab", "A", "a ", "\u{e4}"];
    let mut own: Vec<(Index, Prefix, Uuid)> = Vec::new();
    for name in names {
        for kind in Kind::ALL {
            let sample = placed(&cx, cx.sample(*kind, &Filling::PLAIN).unwrap(), name, 5);
            cx.insert([sample.clone()]).await;
            for index in Index::of(*kind) {
                own.extend(place(index, &sample).map(|prefix| (index, prefix, sample.id().uuid)));
            }
        }
    }
    for (index, prefix, id) in own {
        assert_eq!(cx.page(index, &prefix, Range::newest(), 99).await, [id], "{index:?} of {prefix:?}");
    }
}

/// A prefix under which nothing stands gives an empty page and no error.
pub async fn an_unknown_prefix_is_an_empty_page(cx: Cx) {
    let places = world(&cx).await;
    for Place { index, prefix, .. } in places.iter().filter(|place| !place.prefix.parts.is_empty()) {
        for part in 0..prefix.parts.len() {
            let mut other = prefix.clone();
            other.parts[part] = match &other.parts[part] {
                Value::Uuid(_) => Value::Uuid(Uuid::from_u128(123)),
                Value::Int(_) => Value::Int(987_654),
                Value::Text(_) | Value::Null => Value::Text("nobody".into()),
            };
            assert!(cx.page(*index, &other, Range::newest(), 9).await.is_empty(), "{index:?} of {other:?}");
        }
        let elsewhere = Prefix { tenant: tenant("unknown"), parts: prefix.parts.clone() };
        assert!(
            cx.page(*index, &elsewhere, Range::newest(), 9).await.is_empty(),
            "{index:?} of {elsewhere:?}"
        );
    }
}

/// A prefix with a missing or additional part and a page of 1,001 records are `Invalid`.
pub async fn a_prefix_that_does_not_fit_is_invalid(cx: Cx) {
    let store = cx.store();
    for place in world(&cx).await {
        let Place { index, prefix, .. } = place;
        let mut wrong = vec![prefix.clone().text("more")];
        if !prefix.parts.is_empty() {
            let mut fewer = prefix.clone();
            fewer.parts.pop();
            wrong.push(fewer);
        }
        for wrong in wrong {
            let answer = store.page(index, &wrong, &Range::newest(), 1).await;
            assert_invalid(answer, &format!("{index:?} of {wrong:?}"));
        }
        let answer = store.page(index, &prefix, &Range::newest(), MAX_PAGE + 1).await;
        assert_invalid(answer, "a page of 1,001 records");
    }
}

/// In any place of any prefix, null, another type, NUL and a text that is too long are `Invalid`. The longest text
/// that fits is not.
pub async fn a_part_that_no_record_can_have_is_invalid(cx: Cx) {
    let store = cx.store();
    for Place { index, prefix, .. } in world(&cx).await {
        let kind = index.shape().kind;
        let columns = index.shape().parts.iter().filter(|part| matches!(part, Part::Is(_)));
        for (at, part) in columns.enumerate() {
            let column = &kind.columns()[kind.position(part.column()).unwrap()];
            for value in impossible(column) {
                let mut wrong = prefix.clone();
                wrong.parts[at] = value;
                let answer = store.page(index, &wrong, &Range::newest(), 9).await;
                assert_invalid(answer, &format!("{index:?} of {wrong:?}"));
            }
            if let ColumnType::Text(most) = column.holds {
                let mut longest = prefix.clone();
                longest.parts[at] = Value::Text("x".repeat(most as usize).into());
                assert!(cx.page(index, &longest, Range::newest(), 9).await.is_empty(), "{index:?}");
            }
        }
    }
}
