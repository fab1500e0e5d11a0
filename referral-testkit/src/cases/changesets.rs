//! A changeset is applied as a whole or not at all, and does not affect its neighbours.

use referral_core::store::{Change, Changeset, Conflict, Family, Outcome, RecordId, Version};
use referral_core::{LinkId, Response, ResponseId};
use uuid::Uuid;

use crate::cx::{Cx, assert_applied, assert_invalid};
use crate::make::{
    code, count, count_any, counter, delete, expect, give, insert, natural, statistic, tally, text, update,
    with_natural,
};

/// A changeset with one change of each kind fails at its last change. The store is as it was before, also when the
/// changeset shares a batch with others that are applied.
pub async fn all_of_it_is_applied_or_none(cx: Cx) {
    let (edited, deleted, response) = (cx.natural_link("edited"), cx.alias("deleted"), cx.response());
    let (uses, clicks) = (counter("uses"), statistic("clicks", "all"));
    cx.apply([
        insert(edited.clone()),
        insert(deleted.clone()),
        insert(response.clone()),
        count_any(&uses, 3),
        tally(&clicks, 5),
    ])
    .await;
    let new = cx.natural_link("new");
    let mut changes = vec![
        insert(new.clone()),
        update(with_natural(edited.clone(), None), 1),
        delete(deleted.id, 1),
        give([response.id], "ada", 9),
        count_any(&uses, 1),
        tally(&clicks, 1),
    ];
    let absent = LinkId::from_uuid(Uuid::from_u128(1));
    changes.push(expect(absent, 1));
    cx.stale(changes.clone(), 6, absent, None).await;
    for neighbours in 0..2 {
        if neighbours == 1 {
            let beside = || Changeset::new([cx.witness(), tally(&statistic("beside", "all"), 1)]);
            let answers = cx.batch(&[beside(), Changeset::new(changes.clone()), beside()]).await;
            assert_applied(&answers[0]);
            assert_applied(&answers[2]);
            assert!(matches!(&answers[1], Ok(Outcome::Conflict { index: 6, .. })), "{:?}", answers[1]);
        }
        assert_eq!(cx.get(new.id).await, None);
        assert_eq!(cx.find(natural("new")).await, None);
        assert_eq!(cx.find(natural("edited")).await, Some(edited.clone().into()));
        assert_eq!(cx.find(code("deleted")).await, Some(deleted.clone().into()));
        assert_eq!(cx.get(response.id).await, Some(response.clone().into()));
        assert_eq!((cx.number(&uses).await, cx.number(&clicks).await), (3, 5));
        assert_eq!(cx.number(&statistic("beside", "all")).await, 2 * neighbours);
    }
    // Without the last one all of it goes.
    changes.pop();
    cx.apply(changes).await;
    assert_eq!(cx.get(new.id).await, Some(new.into()));
    assert_eq!((cx.version(edited.id).await, cx.version(response.id).await), (Some(2), Some(2)));
    assert_eq!((cx.get(deleted.id).await, cx.find(natural("edited")).await), (None, None));
    assert_eq!((cx.number(&uses).await, cx.number(&clicks).await), (4, 6));
}

/// Several changes of a changeset fail. The first of them is reported, for each kind of change and each place.
pub async fn the_first_failing_change_is_reported(cx: Cx) {
    let (link, alias) = (cx.link(), cx.alias("held"));
    let (response, second) = (cx.response(), Version::new(2));
    cx.apply([insert(link.clone()), insert(alias.clone()), insert(response.clone())]).await;
    cx.apply([update(response.clone(), 1)]).await;
    let stale = |_: usize| Conflict::Stale { id: link.id.into(), now: Some(link.version) };
    let gone = ResponseId::from_uuid(Uuid::from_u128(3));
    let uses = counter("uses");
    let failing: Vec<(Change, Conflict)> = vec![
        (insert(link.clone()), stale(0)),
        (update(link.clone(), 5), stale(0)),
        (delete(link.id, 5), stale(0)),
        (expect(link.id, 5), stale(0)),
        (insert(cx.alias("held")), Conflict::Taken { key: code("held"), holder: alias.id.into() }),
        (give([gone], "ada", 1), Conflict::Stale { id: gone.into(), now: None }),
        (give([response.id], "ada", 1), Conflict::Stale { id: response.id.into(), now: Some(second) }),
        (count(&uses, 1, 5, 9), Conflict::OutOfBounds { counter: uses.clone(), value: 0 }),
    ];
    for (change, conflict) in failing {
        for before in 1..4 {
            let mut changes: Vec<_> = (0..before).map(|_| cx.witness()).collect();
            changes.push(change.clone());
            // This one would fail as well; another record, because no record is touched twice.
            changes.push(expect(RecordId::from(LinkId::from_uuid(Uuid::from_u128(9))), 1));
            let (index, reported) = cx.refused(changes).await;
            assert_eq!(index, before, "the first change that fails is {change:?}");
            let same_taken = matches!(
                (&reported, &conflict),
                (Conflict::Taken { holder: a, .. }, Conflict::Taken { holder: b, .. }) if a == b
            );
            assert!(same_taken || reported == conflict, "{reported:?} was reported for {change:?}");
        }
    }
}

/// A change may take what an earlier one released, and not what a later one releases.
pub async fn changes_are_applied_in_order(cx: Cx) {
    let old = cx.alias("code");
    cx.insert([old.clone()]).await;
    let new = cx.alias("code");
    cx.taken([insert(new.clone()), delete(old.id, 1)], 0, old.id).await;
    cx.apply([delete(old.id, 1), insert(new.clone())]).await;
    assert_eq!(cx.find(code("code")).await, Some(new.into()));
}

/// Members of a batch before and after a conflict are applied, with their records and numbers.
pub async fn a_conflict_leaves_its_neighbours_alone(cx: Cx) {
    let holder = cx.alias("held");
    cx.insert([holder.clone()]).await;
    let (clicks, uses) = (statistic("clicks", "all"), counter("uses"));
    let with =
        |alias| Changeset::new([insert(cx.link()), insert(alias), tally(&clicks, 1), count_any(&uses, 1)]);
    let batch =
        [with(cx.alias("one")), with(cx.alias("held")), with(cx.alias("two")), with(cx.alias("held"))];
    let answers = cx.batch(&batch).await;
    assert_applied(&answers[0]);
    assert_applied(&answers[2]);
    for refused in [1, 3] {
        assert!(
            matches!(&answers[refused], Ok(Outcome::Conflict { index: 1, conflict: Conflict::Taken { holder: by, .. } })
                if *by == holder.id.into()),
            "{:?}",
            answers[refused]
        );
    }
    assert!(cx.find(code("one")).await.is_some() && cx.find(code("two")).await.is_some());
    assert_eq!((cx.number(&clicks).await, cx.number(&uses).await), (2, 2));
}

/// A batch mixes members that are applied, that conflict and that are invalid. Each answer stands at the place of
/// its member.
pub async fn answers_come_in_the_order_of_the_batch(cx: Cx) {
    let link = cx.link();
    cx.insert([link.clone()]).await;
    let uses = counter("uses");
    let invalid = Changeset::new([tally(&statistic("a", "b"), 1)]);
    let stale = Changeset::new([expect(link.id, 9)]);
    let bounds = Changeset::new([cx.witness(), count(&uses, 1, 9, 9)]);
    let applied = || Changeset::new([cx.witness()]);
    let batch = [applied(), stale.clone(), invalid, applied(), bounds, stale, applied()];
    let answers = cx.batch(&batch).await;
    for index in [0, 3, 6] {
        assert_applied(&answers[index]);
    }
    let expected = Conflict::Stale { id: link.id.into(), now: Some(link.version) };
    for index in [1, 5] {
        assert!(
            matches!(&answers[index], Ok(Outcome::Conflict { index: 0, conflict }) if *conflict == expected),
            "{:?}",
            answers[index]
        );
    }
    assert_invalid(answers[2].clone(), "a changeset without witness");
    assert_eq!(
        answers[4].clone().unwrap(),
        Outcome::Conflict { index: 1, conflict: Conflict::OutOfBounds { counter: uses, value: 0 } }
    );
}

/// One batch inserts, edits and deletes a record. Each member is answered as if the ones before it had been
/// committed alone.
pub async fn a_later_changeset_sees_the_earlier_ones(cx: Cx) {
    let link = cx.natural_link("life");
    let second = with_natural(link.clone(), Some("second"));
    let (heir, uses) = (cx.natural_link("life"), counter("life"));
    let batch = [
        Changeset::new([insert(link.clone()), count(&uses, 1, 1, 1)]),
        Changeset::new([insert(link.clone())]),
        Changeset::new([update(second, 1), count(&uses, 1, 2, 2)]),
        Changeset::new([insert(heir.clone())]),
        Changeset::new([expect(link.id, 2)]),
        Changeset::new([delete(link.id, 2), count(&uses, 1, 3, 3)]),
        Changeset::new([expect(link.id, 2)]),
    ];
    let answers = cx.batch(&batch).await;
    let stale = |now: Option<i64>| {
        let now = now.map(Version::new);
        Outcome::Conflict { index: 0, conflict: Conflict::Stale { id: link.id.into(), now } }
    };
    for (index, answer) in answers.into_iter().enumerate() {
        let expected = match index {
            1 => stale(Some(1)),
            6 => stale(None),
            _ => Outcome::Applied,
        };
        assert_eq!(answer.unwrap(), expected, "answer {index} of the batch");
    }
    assert_eq!(cx.find(natural("life")).await, Some(heir.into()));
    assert_eq!((cx.get(link.id).await, cx.number(&uses).await), (None, 3));
}

/// The members of a batch write the same records and numbers many times. Those that name an old version are stale.
pub async fn a_batch_may_write_a_record_again_and_again(cx: Cx) {
    let (link, response) = (cx.natural_link("key-0"), cx.response());
    let (uses, clicks) = (counter("uses"), statistic("clicks", "all"));
    let mut batch = vec![(Changeset::new([insert(link.clone()), insert(response.clone())]), true)];
    for was in 1..=20 {
        let next = with_natural(link.clone(), Some(&format!("key-{was}")));
        let write = Changeset::new([update(next, was), count(&uses, 1, was, was), tally(&clicks, 1)]);
        batch.push((write.clone(), true));
        batch.push((write, false));
        batch.push((Changeset::new([expect(link.id, was + 1), insert(cx.link())]), true));
        batch.push((Changeset::new([expect(link.id, was), insert(cx.link())]), false));
    }
    // Patched, edited, gone, and there again.
    batch.push((Changeset::new([give([response.id], "ada", 1), tally(&clicks, 1)]), true));
    batch.push((Changeset::new([give([response.id], "bob", 2), tally(&clicks, 1)]), false));
    batch.push((Changeset::new([update(Response { visitor: None, ..response.clone() }, 2)]), true));
    batch.push((Changeset::new([delete(response.id, 2)]), false));
    batch.push((Changeset::new([delete(response.id, 3), tally(&clicks, 1)]), true));
    batch.push((Changeset::new([insert(response.clone())]), true));
    let (sets, expected): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    for (index, (answer, applied)) in cx.batch(&sets).await.into_iter().zip(expected).enumerate() {
        let fits = match &answer {
            Ok(Outcome::Applied) => applied,
            Ok(Outcome::Conflict { index: 0, conflict: Conflict::Stale { .. } }) => !applied,
            _ => false,
        };
        assert!(
            fits,
            "member {index} should {}have been applied: {answer:?}",
            if applied { "" } else { "not " }
        );
    }
    assert_eq!(
        (cx.version(link.id).await, cx.number(&uses).await, cx.number(&clicks).await),
        (Some(21), 20, 22)
    );
    assert_eq!(cx.find(natural("key-20")).await.map(|record| record.id()), Some(link.id.into()));
    assert_eq!(cx.get(response.id).await, Some(response.into()));
    for gone in 0..20 {
        assert_eq!(cx.find(natural(&format!("key-{gone}"))).await, None);
    }
}

/// What a failed member would have written does not exist for the members after it.
pub async fn a_later_changeset_sees_nothing_of_a_failed_one(cx: Cx) {
    let (first, second) = (cx.natural_link("key"), cx.natural_link("key"));
    let absent = LinkId::from_uuid(Uuid::from_u128(1));
    let uses = counter("uses");
    let batch = [
        Changeset::new([insert(first.clone()), count_any(&uses, 5), expect(absent, 1)]),
        Changeset::new([update(first.clone(), 1)]),
        Changeset::new([insert(second.clone()), count(&uses, 1, 1, 1)]),
    ];
    let answers = cx.batch(&batch).await;
    let stale = |index, id: LinkId| {
        Ok(Outcome::Conflict { index, conflict: Conflict::Stale { id: id.into(), now: None } })
    };
    let answers: Vec<Result<Outcome, String>> =
        answers.into_iter().map(|answer| answer.map_err(|error| error.to_string())).collect();
    assert_eq!(answers, [stale(2, absent), stale(0, first.id), Ok(Outcome::Applied)]);
    assert_eq!(cx.find(natural("key")).await, Some(second.into()));
}

/// Of equal inserts in one batch the first is applied, however the store merges them.
pub async fn equal_inserts_in_a_batch_have_one_winner(cx: Cx) {
    let aliases: Vec<_> = (0..5).map(|_| cx.alias("code")).collect();
    let batch: Vec<_> = aliases.iter().map(|alias| Changeset::new([insert(alias.clone())])).collect();
    let answers = cx.batch(&batch).await;
    assert_applied(&answers[0]);
    for answer in &answers[1..] {
        assert!(
            matches!(answer, Ok(Outcome::Conflict { index: 0, conflict: Conflict::Taken { holder, .. } })
                if *holder == aliases[0].id.into()),
            "{answer:?}"
        );
    }
    // And the same record five times: it is there once, and not taken by itself.
    let link = cx.natural_link("same");
    let answers = cx.batch(&vec![Changeset::new([insert(link.clone())]); 5]).await;
    assert_applied(&answers[0]);
    for answer in &answers[1..] {
        let conflict = Conflict::Stale { id: link.id.into(), now: Some(link.version) };
        assert_eq!(answer.clone().unwrap(), Outcome::Conflict { index: 0, conflict });
    }
}

/// A changeset without changes is applied, alone and among others.
pub async fn an_empty_changeset_is_applied(cx: Cx) {
    cx.apply([]).await;
    let link = cx.link();
    let batch = [Changeset::default(), Changeset::new([insert(link.clone())]), Changeset::default()];
    for answer in cx.batch(&batch).await {
        assert_applied(&answer);
    }
    assert_eq!(cx.version(link.id).await, Some(1));
}

/// A batch of no changesets is answered with no answers.
pub async fn an_empty_batch_has_no_answers(cx: Cx) {
    assert_eq!(cx.batch(&[]).await.len(), 0);
}

/// A record of 4.6 KB.
pub(super) fn heavy(cx: &Cx) -> Response {
    let long = "\u{1f680}".repeat(512);
    let (referrer, landing) = (Some(text(&long)), Some(text(&long)));
    Response { referrer, landing, agent: Some(text(&long[..512])), ..cx.response() }
}

fn broken_rules(cx: &Cx) -> Vec<(&'static str, Changeset)> {
    let (link, response) = (cx.link(), cx.response());
    let (uses, clicks) = (counter("uses"), statistic("clicks", "all"));
    let heavy = (0..950).map(|_| insert(heavy(cx)));
    // 11 changes that touch 2,049 records.
    let patches = [1000, 1000, 49 - 9].map(|many| give((0..many).map(|_| cx.response().id), "ada", 1));
    let touched = patches.into_iter().chain((0..9).map(|_| cx.witness()));
    vec![
        ("a record inserted twice", Changeset::new([insert(link.clone()), insert(link.clone())])),
        ("a record inserted and updated", Changeset::new([insert(link.clone()), update(link.clone(), 1)])),
        ("a record expected and deleted", Changeset::new([expect(link.id, 1), delete(link.id, 1)])),
        (
            "a record inserted and patched",
            Changeset::new([insert(response.clone()), give([response.id], "ada", 1)]),
        ),
        (
            "a record patched twice",
            Changeset::new([give([response.id], "ada", 1), give([response.id], "ada", 1)]),
        ),
        ("a counter counted twice", Changeset::new([cx.witness(), count_any(&uses, 1), count_any(&uses, 1)])),
        ("a statistic that is counted", Changeset::new([cx.witness(), count_any(&clicks, 1)])),
        ("a counter that is tallied", Changeset::new([cx.witness(), tally(&uses, 1)])),
        ("a count without witness", Changeset::new([count_any(&uses, 1)])),
        ("a tally without witness", Changeset::new([tally(&clicks, 1), cx.witness()])),
        ("an expectation as witness", Changeset::new([expect(link.id, 1), tally(&clicks, 1)])),
        ("2,049 records", Changeset::new(touched)),
        ("1,025 changes", Changeset::new((0..=Changeset::MAX_CHANGES).map(|_| cx.witness()))),
        ("more than 4 MiB", Changeset::new(heavy)),
    ]
}

/// A changeset that breaks a rule is answered `Invalid` before anything is written.
pub async fn every_broken_rule_is_invalid_and_writes_nothing(cx: Cx) {
    for (rule, changeset) in broken_rules(&cx) {
        let inserted: Vec<_> = changeset.changes().iter().filter_map(inserted).take(5).collect();
        assert_invalid(cx.commit_set(changeset).await, rule);
        for id in inserted {
            assert_eq!(cx.get(id).await, None, "{rule}: nothing is written");
        }
    }
    assert_eq!(cx.number(&counter("uses")).await, 0);
    assert_eq!(cx.number(&statistic("clicks", "all")).await, 0);
}

fn inserted(change: &Change) -> Option<RecordId> {
    if let Change::Insert(record) = change { Some(record.id()) } else { None }
}

/// Members of a batch beside an invalid one are applied.
pub async fn an_invalid_changeset_leaves_its_neighbours_alone(cx: Cx) {
    let clicks = statistic("clicks", "all");
    let good = || Changeset::new([cx.witness(), tally(&clicks, 1)]);
    let mut batch = vec![good()];
    for (_, changeset) in broken_rules(&cx) {
        batch.push(changeset);
        batch.push(good());
    }
    let applied = batch.len().div_ceil(2);
    for (index, answer) in cx.batch(&batch).await.into_iter().enumerate() {
        if index % 2 == 0 {
            assert_applied(&answer);
        } else {
            assert_invalid(answer, "every other member of the batch");
        }
    }
    assert_eq!(cx.number(&clicks).await, applied as i64);
}

/// A changeset of 1,024 changes of several kinds is applied.
pub async fn the_largest_changeset_is_applied(cx: Cx) {
    let responses: Vec<_> = (0..340).map(|_| cx.response()).collect();
    cx.insert(responses.clone()).await;
    let (links, aliases) = ((0..340).map(|_| cx.link()), (0..336).map(|i| cx.alias(&format!("c-{i}"))));
    let mut changes: Vec<_> = links.map(insert).chain(aliases.map(insert)).collect();
    let edited = responses
        .iter()
        .map(|response| update(Response { visitor: None, user: Some(text("ada")), ..response.clone() }, 1));
    changes.extend(edited);
    changes.extend((0..8).map(|i| count_any(&counter(&i.to_string()), i + 1)));
    assert_eq!(changes.len(), Changeset::MAX_CHANGES);
    cx.apply(changes).await;
    assert!(cx.find(code("c-335")).await.is_some());
    assert_eq!(cx.version(responses[339].id).await, Some(2));
    let family = crate::make::numbers_of("", Family::LinkUses, &[]);
    let numbers = cx.numbers(&family, &referral_core::store::CounterRange::first(99)).await;
    assert_eq!(numbers.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8]);
}

/// A changeset of nearly 4 MiB is applied.
pub async fn the_heaviest_changeset_is_applied(cx: Cx) {
    let one = Changeset::new([insert(heavy(&cx))]).weight();
    let heavy: Vec<_> = (0..Changeset::MAX_WEIGHT / one).map(|_| heavy(&cx)).collect();
    let changeset = Changeset::new(heavy.iter().cloned().map(insert));
    assert!(changeset.weight() > Changeset::MAX_WEIGHT - 10_000);
    assert_applied(&cx.commit_set(changeset).await);
    for response in [heavy.first().unwrap(), heavy.last().unwrap()] {
        assert_eq!(cx.get(response.id).await, Some(response.clone().into()));
    }
}

/// A batch may be larger than the facts of the store suggest. The store splits it if it needs to.
pub async fn a_batch_larger_than_the_store_likes_is_answered_whole(cx: Cx) {
    let clicks = statistic("clicks", "all");
    let size = cx.facts().batch.clamp(1, 2000) + 7;
    let changeset = |i: usize| {
        // Every tenth wants a code that is taken.
        let name = if i % 10 == 9 { "code-0".to_owned() } else { format!("code-{i}") };
        Changeset::new([insert(cx.exact_alias(&name)), tally(&clicks, 1)])
    };
    let batch: Vec<_> = (0..size).map(changeset).collect();
    let answers = cx.batch(&batch).await;
    for (i, answer) in answers.iter().enumerate() {
        if i % 10 == 9 {
            assert!(matches!(answer, Ok(Outcome::Conflict { index: 0, conflict: Conflict::Taken { .. } })));
        } else {
            assert_applied(answer);
        }
    }
    assert_eq!(cx.number(&clicks).await, (size - size / 10) as i64);
}

/// A changeset that is committed again conflicts at its witness, so nothing counts twice.
pub async fn a_changeset_made_twice_is_refused_by_its_witness(cx: Cx) {
    let (uses, clicks) = (counter("uses"), statistic("clicks", "all"));
    let (link, response) = (cx.link(), cx.response());
    let numbers = [count_any(&uses, 1), tally(&clicks, 1)];
    let witnesses = [
        insert(link.clone()),
        insert(response.clone()),
        give([response.id], "ada", 5),
        update(link.clone(), 1),
        delete(link.id, 2),
    ];
    for (made, witness) in (1..).zip(witnesses) {
        let changeset: Vec<_> = std::iter::once(witness.clone()).chain(numbers.clone()).collect();
        cx.apply(changeset.clone()).await;
        for _ in 0..2 {
            let (index, conflict) = cx.refused(changeset.clone()).await;
            assert_eq!(index, 0, "the witness {witness:?}");
            assert!(matches!(conflict, Conflict::Stale { .. }), "{conflict:?}");
        }
        assert_eq!((cx.number(&uses).await, cx.number(&clicks).await), (made, made));
    }
}
