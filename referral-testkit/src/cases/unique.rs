//! No two records hold the same key, and a conflict names the holder.

use referral_core::store::{Changeset, Conflict, Outcome, Record, Unique, UniqueKey};
use referral_core::{Alias, Link};

use crate::cx::{Cx, assert_applied};
use crate::make::{code, delete, folded, insert, natural, tenant, unique, update, user, with_natural};
use crate::texts::TEXTS;

/// An insert of a taken key conflicts, and the conflict names the key and its holder, under every rule.
pub async fn a_taken_key_is_refused_and_names_its_holder(cx: Cx) {
    let (link, alias) = (cx.natural_link("one"), cx.alias("code"));
    cx.apply([insert(link.clone()), insert(alias.clone())]).await;
    let key = cx.taken([insert(cx.natural_link("one"))], 0, link.id).await;
    assert_eq!(key, natural("one"));
    cx.taken([insert(cx.link()), insert(cx.alias("code"))], 1, alias.id).await;
    let key = cx.taken([insert(cx.alias("c0de"))], 0, alias.id).await;
    assert_eq!(key, folded("c0de"));
}

/// Where two records hold two keys of an insert, either key may be named, with its own holder.
pub async fn the_named_holder_holds_the_named_key(cx: Cx) {
    let (exact, loose) = (cx.exact_alias("Ada"), cx.alias("adA"));
    cx.apply([insert(exact.clone()), insert(loose.clone())]).await;
    let (_, conflict) = cx.refused([insert(cx.alias("Ada"))]).await;
    let Conflict::Taken { key, holder } = conflict else {
        panic!("the key should have been taken: {conflict:?}")
    };
    if key == code("Ada") {
        assert_eq!(holder, exact.id.into());
    } else {
        assert_eq!((key, holder), (folded("ada"), loose.id.into()));
    }
}

/// A record that keeps its key in an update does not conflict with itself.
pub async fn an_update_may_keep_its_keys(cx: Cx) {
    let (link, alias) = (cx.natural_link("mine"), cx.alias("mine"));
    cx.apply([insert(link.clone()), insert(alias.clone())]).await;
    for was in 1..4 {
        let link = Link { owner: Some(user(&was.to_string())), ..link.clone() };
        cx.apply([update(link, was), update(alias.clone(), was)]).await;
    }
    cx.taken([insert(cx.natural_link("mine"))], 0, link.id).await;
    cx.taken([insert(cx.alias("mine"))], 0, alias.id).await;
}

/// After an update the old key is free and the new key is held.
pub async fn an_update_releases_and_takes_keys(cx: Cx) {
    let link = cx.natural_link("old");
    cx.insert([link.clone()]).await;
    let moved = with_natural(link.clone(), Some("new"));
    cx.apply([update(moved.clone(), 1)]).await;
    assert_eq!(cx.find(natural("old")).await, None);
    cx.taken([insert(cx.natural_link("new"))], 0, link.id).await;
    let heir = cx.natural_link("old");
    cx.insert([heir.clone()]).await;
    cx.taken([update(with_natural(moved.clone(), Some("old")), 2)], 0, heir.id).await;
    // Archiving lets go of the key altogether.
    cx.apply([update(with_natural(moved, None), 2)]).await;
    assert_eq!(cx.find(natural("new")).await, None);
    cx.insert([cx.natural_link("new")]).await;
}

/// An update to a taken key conflicts, and the record keeps its old key.
pub async fn an_update_to_a_taken_key_is_refused_and_keeps_the_old_one(cx: Cx) {
    let (ada, bob) = (cx.natural_link("ada"), cx.natural_link("bob"));
    cx.insert([ada.clone(), bob.clone()]).await;
    cx.taken([update(with_natural(bob.clone(), Some("ada")), 1)], 0, ada.id).await;
    assert_eq!(cx.get(bob.id).await, Some(bob.clone().into()));
    cx.taken([insert(cx.natural_link("bob"))], 0, bob.id).await;
    assert_eq!(cx.find(natural("ada")).await, Some(ada.into()));
}

/// An update may name another tenant. The record stays in its own tenant, and its keys are held and looked up
/// there.
pub async fn an_update_takes_keys_in_the_stored_tenant(cx: Cx) {
    let of = |name: &str, key: &str| Link { tenant: tenant(name), ..cx.natural_link(key) };
    let [ada, bob, other] = [of("a", "one"), of("a", "two"), of("b", "three")];
    cx.insert([ada.clone(), bob.clone(), other.clone()]).await;
    let named = |key| Link { tenant: tenant("b"), ..with_natural(bob.clone(), Some(key)) };
    // What is held in its own tenant is taken, and is so under the name of that tenant.
    let key = cx.taken([update(named("one"), 1)], 0, ada.id).await;
    assert_eq!(key, unique(Unique::LinkNatural, "a", "one"));
    // What is held in the tenant that the new record names is not.
    cx.apply([update(named("three"), 1)]).await;
    let stored = cx.find(unique(Unique::LinkNatural, "a", "three")).await.map(|record| record.id());
    assert_eq!(stored, Some(bob.id.into()));
    let stays = cx.find(unique(Unique::LinkNatural, "b", "three")).await.map(|record| record.id());
    assert_eq!(stays, Some(other.id.into()));
    assert_eq!(cx.find(unique(Unique::LinkNatural, "a", "two")).await, None);
    // In a batch too, where the keys of all its members are looked up at once.
    let batch = [
        Changeset::new([update(named("two"), 2)]),
        Changeset::new([insert(of("a", "two"))]),
        Changeset::new([insert(of("a", "three"))]),
    ];
    let answers = cx.batch(&batch).await;
    assert_applied(&answers[0]);
    let conflict = Conflict::Taken { key: unique(Unique::LinkNatural, "a", "two"), holder: bob.id.into() };
    assert_eq!(answers[1].clone().unwrap(), Outcome::Conflict { index: 0, conflict });
    assert_applied(&answers[2]);
}

/// The keys of a deleted record are free, also for a later change of the same changeset.
pub async fn a_delete_releases_its_keys(cx: Cx) {
    let first = cx.alias("code");
    cx.insert([first.clone()]).await;
    let second = cx.alias("code");
    cx.apply([delete(first.id, 1), insert(second.clone())]).await;
    assert_eq!(cx.find(code("code")).await, Some(second.clone().into()));
    cx.apply([delete(second.id, 1)]).await;
    cx.insert([cx.alias("C0DE")]).await;
}

/// A key moves from one record to another in one changeset, so nobody else can take it in between.
pub async fn a_key_moves_between_two_records_in_one_changeset(cx: Cx) {
    let (ada, bob) = (cx.natural_link("key"), cx.link());
    cx.insert([ada.clone(), bob.clone()]).await;
    let (without, with) = (with_natural(ada.clone(), None), with_natural(bob.clone(), Some("key")));
    cx.apply([update(without, 1), update(with, 1)]).await;
    assert_eq!(cx.find(natural("key")).await.map(|record| record.id()), Some(bob.id.into()));
    let third = cx.natural_link("key");
    cx.apply([update(with_natural(bob, None), 2), insert(third.clone())]).await;
    assert_eq!(cx.find(natural("key")).await, Some(third.into()));
}

/// The change that releases a key has to stand before the change that takes it.
pub async fn a_key_must_be_released_before_it_is_taken(cx: Cx) {
    let (ada, bob) = (cx.natural_link("a"), cx.natural_link("b"));
    cx.insert([ada.clone(), bob.clone()]).await;
    let (a_to_b, b_to_a) = (with_natural(ada.clone(), Some("b")), with_natural(bob.clone(), Some("a")));
    cx.taken([update(a_to_b.clone(), 1), update(b_to_a.clone(), 1)], 0, bob.id).await;
    // Through a moment in which one of them holds nothing, they can swap.
    let parked = with_natural(ada.clone(), None);
    cx.apply([update(parked, 1), update(b_to_a, 1)]).await;
    cx.apply([update(a_to_b, 2)]).await;
    assert_eq!(cx.find(natural("a")).await.map(|record| record.id()), Some(bob.id.into()));
    assert_eq!(cx.find(natural("b")).await.map(|record| record.id()), Some(ada.id.into()));
}

/// A record without a key holds none, so two such records do not conflict.
pub async fn absent_parts_hold_nothing(cx: Cx) {
    cx.insert([cx.link(), cx.link(), cx.link()]).await;
    cx.insert([cx.exact_alias("Xo"), cx.exact_alias("xO"), cx.exact_alias("x0")]).await;
    assert_eq!(cx.find(folded("x0")).await, None);
    assert_eq!(cx.find(natural("")).await, None);
}

/// Each tenant has the same keys for itself, also where tenants' names begin alike or are empty.
pub async fn tenants_do_not_share_keys(cx: Cx) {
    let tenants = ["", "a", "ab", "A", "a ", "\u{e4}"];
    let records = |name: &str| {
        let link = Link { tenant: tenant(name), ..cx.natural_link("key") };
        let alias = Alias { tenant: tenant(name), ..cx.alias("code") };
        [Record::from(link), Record::from(alias)]
    };
    let mut held = Vec::new();
    for name in tenants {
        let both = records(name);
        cx.insert(both.clone()).await;
        held.push((name, both));
    }
    for (name, [link, alias]) in held {
        assert_eq!(cx.find(unique(Unique::LinkNatural, name, "key")).await, Some(link.clone()));
        assert_eq!(cx.find(unique(Unique::AliasCode, name, "code")).await, Some(alias.clone()));
        assert_eq!(cx.find(unique(Unique::AliasFolded, name, "c0de")).await, Some(alias));
        let [again, _] = records(name);
        let key = UniqueKey::all_of(&again);
        let (_, conflict) = cx.refused([insert(again)]).await;
        let expected = Conflict::Taken { key: key[0].clone(), holder: link.id() };
        assert_eq!(conflict, expected);
    }
}

/// Codes that a person could confuse conflict by their folded key, and are found by their exact key only.
pub async fn an_exact_code_differs_by_case_and_a_folded_one_does_not(cx: Cx) {
    let loose = cx.alias("Hello");
    cx.insert([loose.clone()]).await;
    for alike in ["hello", "HELLO", "he11o", "HeIl0"] {
        let key = cx.taken([insert(cx.alias(alike))], 0, loose.id).await;
        assert_eq!(key, folded("he110"));
        assert_eq!(cx.find(code(alike)).await, None);
    }
    assert_eq!(cx.find(code("Hello")).await, Some(loose.clone().into()));
    assert_eq!(cx.find(folded("he110")).await, Some(loose.into()));
}

/// Exact codes may differ in case only, and may stand beside a folded code that looks like them.
pub async fn two_exact_codes_may_fold_alike(cx: Cx) {
    let exact = [cx.exact_alias("abc"), cx.exact_alias("ABC"), cx.exact_alias("aBc")];
    cx.insert(exact.clone()).await;
    let loose = cx.alias("Abc");
    cx.insert([loose.clone()]).await;
    for alias in exact {
        assert_eq!(cx.find(code(alias.code.as_str())).await, Some(alias.clone().into()));
        let again = cx.exact_alias(alias.code.as_str());
        assert_eq!(cx.taken([insert(again)], 0, alias.id).await, code(alias.code.as_str()));
    }
    assert_eq!(cx.find(folded("abc")).await, Some(loose.into()));
}

/// Keys that differ in case, accents, normal form or trailing spaces are different keys.
pub async fn keys_are_equal_only_byte_for_byte(cx: Cx) {
    let links: Vec<_> = TEXTS.iter().map(|text| cx.natural_link(text)).collect();
    cx.insert(links.clone()).await;
    for (text, link) in TEXTS.iter().zip(links) {
        assert_eq!(cx.find(natural(text)).await, Some(link.clone().into()), "the holder of {text:?}");
        cx.taken([insert(cx.natural_link(text))], 0, link.id).await;
    }
    for other in ["aBc", "abc   ", "abc\u{a0}", "\u{c4}bc", "AB", "ab", ""] {
        assert_eq!(cx.find(natural(other)).await, None, "nobody holds {other:?}");
    }
}

/// An insert that is made twice is stale the second time, so that its caller learns that the first one arrived.
pub async fn an_insert_made_twice_is_stale_and_not_taken_by_itself(cx: Cx) {
    let (link, alias) = (cx.natural_link("retried"), cx.alias("retried"));
    cx.apply([insert(link.clone()), insert(alias.clone())]).await;
    cx.stale([insert(link.clone()), insert(alias.clone())], 0, link.id, Some(1)).await;
    cx.stale([insert(alias.clone())], 0, alias.id, Some(1)).await;
}

/// A changeset that conflicts neither takes nor releases a key.
pub async fn a_failed_changeset_takes_and_releases_no_key(cx: Cx) {
    let (holder, taken) = (cx.natural_link("held"), cx.alias("taken"));
    cx.apply([insert(holder.clone()), insert(taken.clone())]).await;
    let tried = [
        update(with_natural(holder.clone(), Some("moved")), 1),
        insert(cx.natural_link("held")),
        insert(cx.natural_link("fresh")),
        insert(cx.alias("taken")),
    ];
    cx.taken(tried, 3, taken.id).await;
    assert_eq!(cx.find(natural("held")).await, Some(holder.into()));
    cx.insert([cx.natural_link("moved"), cx.natural_link("fresh")]).await;
}

/// Two changes of one changeset that take the same key conflict, and neither is applied.
pub async fn equal_keys_within_a_changeset_conflict(cx: Cx) {
    let (first, second) = (cx.natural_link("twin"), cx.natural_link("twin"));
    let (index, conflict) = cx.refused([insert(first.clone()), insert(second)]).await;
    let expected = Conflict::Taken { key: natural("twin"), holder: first.id.into() };
    assert_eq!((index, conflict), (1, expected));
    assert_eq!(cx.find(natural("twin")).await, None);
}
