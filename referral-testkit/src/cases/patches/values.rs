//! What a patch sets is stored as it is, and what comes behind the patch sees it.

use referral_core::store::{Changeset, Index, Kind, Range, Record, Value, Version};
use referral_core::{Link, Response};

use crate::cx::{Cx, assert_applied};
use crate::fill::{self, Filling};
use crate::make::{at, delete, expect, give, insert, nobody, owned_by, patch, text, update, user, words};
use crate::texts::{NUMBERS, TEXTS};

/// Patches of every kind set all columns at once to texts that are as long as they may be, and to texts and numbers
/// that stores like to change. What comes back is what was set.
pub async fn a_patch_stores_texts_and_numbers_as_they_are(cx: Cx) {
    for kind in Kind::ALL {
        let first = cx.sample(*kind, &Filling::PLAIN).unwrap();
        cx.insert([first.clone()]).await;
        let mut now = first.at_version(Version::FIRST);
        let long = ["x", "\u{e9}", "\u{1f680}"].map(|text| Filling { text, longest: true, ..Filling::PLAIN });
        let strange = TEXTS.iter().zip(NUMBERS.iter().cycle());
        let strange = strange.map(|(text, number)| Filling { text, number: *number, ..Filling::PLAIN });
        for filling in long.into_iter().chain(strange).collect::<Vec<_>>() {
            let Some(like) = cx.sample(*kind, &filling) else { continue };
            let set = fill::patch(&like, None);
            let was = now.version().get();
            cx.apply([patch([(now.id(), was)], set.clone())]).await;
            now = super::expected(&now, &set);
            assert_eq!(cx.get(now.id()).await, Some(now.clone()), "what comes back of {filling:?}");
        }
    }
}

/// A patch gives responses to users of every length and spelling, at any time. They stand in the index of that user.
pub async fn a_patch_gives_to_users_of_any_name_at_any_time(cx: Cx) {
    let longest = ["x".repeat(128), "\u{e9}".repeat(64), format!("{}y", "x".repeat(127))];
    let names: Vec<_> = TEXTS.iter().map(|text| (*text).to_owned()).chain(longest).collect();
    let mut given = Vec::new();
    for (name, time) in names.into_iter().zip(NUMBERS.iter().cycle()) {
        let response = cx.response();
        cx.insert([response.clone()]).await;
        cx.apply([give([response.id], &name, *time)]).await;
        let claimed_at = Some(at(*time));
        let version = Version::new(2);
        given.push((name.clone(), Response { user: Some(user(&name)), claimed_at, version, ..response }));
    }
    for (name, response) in given {
        let record = Record::from(response);
        let found = cx.records(Index::ResponsesOfUser, &nobody().text(&name), Range::newest(), 9).await;
        assert_eq!(found, std::slice::from_ref(&record), "the responses of {name:?}");
        assert_eq!(cx.get(record.id()).await, Some(record), "the response of {name:?}");
    }
}

/// Patches of several kinds and of several records of one kind stand in one changeset, between other changes. Each sets
/// its own columns of its own records.
pub async fn patches_of_a_changeset_set_what_each_of_them_says(cx: Cx) {
    let (link, other) = (cx.link(), cx.link());
    let (first, second, third) = (cx.response(), cx.response(), cx.response());
    cx.insert([link.clone(), other.clone()]).await;
    cx.insert([first.clone(), second.clone(), third.clone()]).await;
    let fresh = cx.link();
    cx.apply([
        patch([(link.id, 1)], [("label", words("of the first"))]),
        give([first.id], "ada", -1),
        insert(fresh.clone()),
        patch([(second.id, 1), (third.id, 1)], [("agent", words("of two"))]),
        delete(other.id, 1),
    ])
    .await;
    let second_version = Version::new(2);
    let patched: [Record; 4] = [
        Link { label: text("of the first"), version: second_version, ..link }.into(),
        Response { user: Some(user("ada")), claimed_at: Some(at(-1)), version: second_version, ..first }
            .into(),
        Response { agent: Some(text("of two")), version: second_version, ..second }.into(),
        Response { agent: Some(text("of two")), version: second_version, ..third }.into(),
    ];
    for record in patched {
        assert_eq!(cx.get(record.id()).await, Some(record), "what each patch left");
    }
    assert_eq!(
        (cx.version(fresh.id).await, cx.version(other.id).await),
        (Some(1), None),
        "what stood between"
    );
}

/// A later changeset of the batch finds a patched record at its next version, with what the patch set.
pub async fn a_later_changeset_of_the_batch_sees_a_patch(cx: Cx) {
    let (response, beside) = (cx.response(), cx.response());
    cx.insert([response.clone(), beside.clone()]).await;
    let agent = |agent: &str| [("agent", words(agent))];
    let batch = [
        Changeset::new([patch([(response.id, 1), (beside.id, 1)], agent("first"))]),
        Changeset::new([expect(response.id, 2), expect(beside.id, 2)]),
        Changeset::new([patch([(response.id, 2)], owned_by("ada", 5))]),
        Changeset::new([patch([(response.id, 3)], [("visitor", Value::Null)])]),
        Changeset::new([update(Response { user: Some(user("bob")), ..beside.clone() }, 2)]),
        Changeset::new([patch([(response.id, 4), (beside.id, 3)], agent("last"))]),
        Changeset::new([delete(beside.id, 4)]),
        Changeset::new([insert(beside.clone())]),
    ];
    cx.batch(&batch).await.iter().for_each(assert_applied);
    let expected = Response {
        agent: Some(text("last")),
        visitor: None,
        user: Some(user("ada")),
        claimed_at: Some(at(5)),
        version: Version::new(5),
        ..response
    };
    assert_eq!(cx.get(expected.id).await, Some(expected.clone().into()), "what the patches left");
    assert_eq!(cx.get(beside.id).await, Some(beside.clone().into()), "what was inserted again");
    let of_ada = cx.page(Index::ResponsesOfUser, &nobody().text("ada"), Range::newest(), 9).await;
    assert_eq!(of_ada, [expected.id.as_uuid()], "the responses of the user who got one");
}
