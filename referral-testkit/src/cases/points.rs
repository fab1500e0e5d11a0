//! A read by ids or keys has one answer for each question, in the order of the questions.

use referral_core::store::{Kind, MAX_PAGE, RecordId, Unique, UniqueKey, Value};
use uuid::Uuid;

use crate::cx::{Cx, assert_invalid};
use crate::fill::{Filling, impossible};
use crate::make::{code, folded, natural};

/// Answers stand in the order of the question, not in that of ids or of insertion.
pub async fn answers_come_in_the_order_asked(cx: Cx) {
    let links: Vec<_> = (0..7).map(|i| cx.natural_link(&format!("key-{i}"))).collect();
    cx.insert(links.clone()).await;
    for order in [[3, 0, 6, 1, 5, 2, 4], [6, 5, 4, 3, 2, 1, 0], [0, 1, 2, 3, 4, 5, 6]] {
        let ids: Vec<RecordId> = order.iter().map(|i| links[*i].id.into()).collect();
        let keys: Vec<_> = order.iter().map(|i| natural(&format!("key-{i}"))).collect();
        let expected: Vec<_> = order.iter().map(|i| Some(links[*i].clone().into())).collect();
        assert_eq!(cx.store().get(&ids).await.unwrap(), expected);
        assert_eq!(cx.store().find(&keys).await.unwrap(), expected);
    }
}

/// A point that is not there is answered with nothing at its own place, also where kinds and rules are mixed.
pub async fn what_is_missing_is_missing_at_its_place(cx: Cx) {
    let (link, alias, response) = (cx.natural_link("here"), cx.alias("Here"), cx.response());
    cx.insert([link.clone()]).await;
    cx.insert([alias.clone()]).await;
    cx.insert([response.clone()]).await;
    let absent = |kind| RecordId { kind, uuid: Uuid::from_u128(1) };
    let asked = [
        absent(Kind::Response),
        response.id.into(),
        absent(Kind::Link),
        link.id.into(),
        alias.id.into(),
        absent(Kind::Alias),
    ];
    let found = cx.store().get(&asked).await.unwrap();
    let [link, alias, response] = [link.into(), alias.into(), response.into()].map(Some);
    assert_eq!(found, [None, response, None, link.clone(), alias.clone(), None]);
    let keys = [code("here"), natural("here"), code("Here"), natural("gone"), folded("here"), folded("gone")];
    let found = cx.store().find(&keys).await.unwrap();
    assert_eq!(found, [None, link, alias.clone(), None, alias, None]);
    assert_eq!(cx.store().get(&[absent(Kind::Link), absent(Kind::Link)]).await.unwrap(), [None, None]);
    assert_eq!(cx.store().find(&[code("gone")]).await.unwrap(), [None]);
}

/// A point that is asked for twice is answered at both places.
pub async fn a_point_asked_for_twice_is_answered_twice(cx: Cx) {
    let (link, other) = (cx.natural_link("twice"), cx.natural_link("once"));
    cx.insert([link.clone(), other.clone()]).await;
    let found = cx.store().get(&[link.id.into(), other.id.into(), link.id.into()]).await.unwrap();
    let [link, other] = [link.into(), other.into()].map(Some);
    assert_eq!(found, [link.clone(), other.clone(), link.clone()]);
    let keys = [natural("twice"), natural("none"), natural("twice"), natural("once"), natural("none")];
    let found = cx.store().find(&keys).await.unwrap();
    assert_eq!(found, [link.clone(), None, link, other, None]);
}

/// A read of no points gives no answers, in an empty store and in another.
pub async fn nothing_asked_is_nothing_answered(cx: Cx) {
    for _ in 0..2 {
        assert_eq!(cx.store().get(&[]).await.unwrap(), []);
        assert_eq!(cx.store().find(&[]).await.unwrap(), []);
        cx.insert([cx.link()]).await;
    }
}

/// A record is not found by its UUID under another kind.
pub async fn an_id_of_another_kind_is_not_found(cx: Cx) {
    let link = cx.link();
    cx.insert([link.clone()]).await;
    for kind in Kind::ALL {
        let expected = (*kind == Kind::Link).then(|| link.clone().into());
        assert_eq!(cx.get(RecordId { kind: *kind, uuid: link.id.as_uuid() }).await, expected);
    }
}

/// A read of 1,000 points is answered.
pub async fn a_thousand_points_are_answered(cx: Cx) {
    let links: Vec<_> = (0..MAX_PAGE).map(|i| cx.natural_link(&i.to_string())).collect();
    cx.insert(links.clone()).await;
    let ids: Vec<RecordId> = links.iter().rev().map(|link| link.id.into()).collect();
    let keys: Vec<_> = (0..MAX_PAGE).rev().map(|i| natural(&i.to_string())).collect();
    let expected: Vec<_> = links.into_iter().rev().map(|link| Some(link.into())).collect();
    assert!(cx.store().get(&ids).await.unwrap() == expected, "1,000 ids");
    assert!(cx.store().find(&keys).await.unwrap() == expected, "1,000 keys");
}

/// A read of 1,001 points is `Invalid`, whether the records are there or not.
pub async fn more_than_a_thousand_points_are_invalid(cx: Cx) {
    let id = RecordId { kind: Kind::Link, uuid: Uuid::from_u128(1) };
    assert_invalid(cx.store().get(&vec![id; 1001]).await, "1,001 ids");
    assert_invalid(cx.store().find(&vec![code("gone"); 1001]).await, "1,001 keys");
}

/// Under every rule, a key with a missing or additional part, null, another type, NUL or a text that is too long is
/// `Invalid`, alone and among other keys.
pub async fn a_key_that_no_record_can_hold_is_invalid(cx: Cx) {
    let store = cx.store();
    for unique in Unique::ALL {
        let kind = unique.kind();
        let sample = cx.sample(kind, &Filling { number: 0, ..Filling::PLAIN }).unwrap();
        let key = UniqueKey::held(*unique, sample.tenant(), &sample.values()).unwrap();
        let mut wrong = vec![
            UniqueKey { parts: Vec::new(), ..key.clone() },
            UniqueKey {
                parts: [key.parts.clone(), vec![Value::Text("more".into())]].concat(),
                ..key.clone()
            },
        ];
        for (at, column) in unique.columns().iter().enumerate() {
            let column = &kind.columns()[kind.position(column).unwrap()];
            wrong.extend(impossible(column).into_iter().map(|value| {
                let mut parts = key.parts.clone();
                parts[at] = value;
                UniqueKey { parts, ..key.clone() }
            }));
        }
        for wrong in wrong {
            let what = format!("{wrong:?}");
            assert_invalid(store.find(&[key.clone(), wrong.clone()]).await, &what);
            assert_invalid(store.find(&[wrong]).await, &what);
        }
    }
}
