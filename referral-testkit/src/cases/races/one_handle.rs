//! Races on one handle.

use std::collections::BTreeSet;

use referral_core::store::{Changeset, Conflict, Outcome, Record, Version};
use referral_core::{Link, Response};

use super::contest::{RACERS, all_taken, commits, race, winner};
use crate::cx::{Cx, assert_applied};
use crate::make::{
    code, count, count_any, counter, delete, expect, give, insert, natural, statistic, tally, text, update,
    user, with_natural,
};

/// Many insert the same code at once and one gets it. In half of the rounds their codes look alike and are not
/// equal.
pub async fn a_code_has_one_winner(cx: Cx) {
    for round in 0..cx.rounds(12) {
        let spellings = ["oil", "Oil", "0il", "OIL", "o1l", "oi1", "011", "oIl"];
        let spelling =
            |racer: usize| format!("{}-{round}", spellings[if round % 2 == 0 { racer } else { 0 }]);
        let aliases: Vec<_> = (0..RACERS).map(|racer| cx.alias(&spelling(racer))).collect();
        let outcomes = commits(&cx, |racer| vec![insert(aliases[racer].clone()), cx.witness()]).await;
        let winner = winner(&outcomes);
        all_taken(&outcomes, aliases[winner].id.into());
        let found = cx.find(code(&spelling(winner))).await;
        assert_eq!(found, Some(aliases[winner].clone().into()), "round {round}");
    }
}

/// Many insert links with the same natural key at once, and one gets it.
pub async fn a_natural_key_has_one_winner(cx: Cx) {
    for round in 0..cx.rounds(12) {
        let key = format!("key-{round}");
        let links: Vec<_> = (0..RACERS).map(|_| cx.natural_link(&key)).collect();
        let outcomes = commits(&cx, |racer| vec![insert(links[racer].clone())]).await;
        let winner = winner(&outcomes);
        all_taken(&outcomes, links[winner].id.into());
        assert_eq!(cx.find(natural(&key)).await, Some(links[winner].clone().into()), "round {round}");
    }
}

/// Many insert the same id at once. One is applied, and the stored record is that one.
pub async fn an_id_has_one_winner(cx: Cx) {
    for round in 0..cx.rounds(12) {
        let id = cx.link().id;
        let links: Vec<_> =
            (0..RACERS).map(|racer| Link { id, label: text(&racer.to_string()), ..cx.link() }).collect();
        let outcomes = commits(&cx, |racer| vec![insert(links[racer].clone())]).await;
        let winner = winner(&outcomes);
        for outcome in outcomes.iter().filter(|outcome| **outcome != Outcome::Applied) {
            let conflict = Conflict::Stale { id: id.into(), now: Some(Version::FIRST) };
            assert_eq!(*outcome, Outcome::Conflict { index: 0, conflict }, "round {round}");
        }
        assert_eq!(cx.get(id).await, Some(links[winner].clone().into()), "round {round}");
    }
}

/// Many update the same version at once. One is applied, so no update is lost.
pub async fn a_version_has_one_winner(cx: Cx) {
    let link = cx.link();
    cx.insert([link.clone()]).await;
    for was in 1..=cx.rounds(12) as i64 {
        let edit = |racer: usize| Link { label: text(&racer.to_string()), ..link.clone() };
        let outcomes = commits(&cx, |racer| vec![update(edit(racer), was)]).await;
        let winner = winner(&outcomes);
        for outcome in outcomes.iter().filter(|outcome| **outcome != Outcome::Applied) {
            let conflict = Conflict::Stale { id: link.id.into(), now: Some(Version::new(was + 1)) };
            assert_eq!(*outcome, Outcome::Conflict { index: 0, conflict });
        }
        let stored = Link { version: Version::new(was + 1), ..edit(winner) };
        assert_eq!(cx.get(link.id).await, Some(stored.into()));
    }
}

/// Many patches at once overlap by one record each. Each is applied as a whole or not at all, and no record goes to
/// two users.
pub async fn patches_of_one_record_have_one_winner(cx: Cx) {
    for round in 0..cx.rounds(10) {
        let responses: Vec<_> = (0..RACERS).map(|_| cx.response()).collect();
        cx.insert(responses.clone()).await;
        // Each wants its own and the next one, in either order: a ring.
        let wanted = |racer: usize| {
            let mut ids = [responses[racer].id, responses[(racer + 1) % RACERS].id];
            if racer.is_multiple_of(3) {
                ids.reverse();
            }
            ids
        };
        let clicks = statistic("patched", "all");
        let outcomes = commits(&cx, |racer| {
            vec![give(wanted(racer), &racer.to_string(), round as i64), tally(&clicks, 1)]
        })
        .await;
        let winners: Vec<_> = (0..RACERS).filter(|racer| outcomes[*racer] == Outcome::Applied).collect();
        assert!(!winners.is_empty(), "round {round}: somebody gets what he wants: {outcomes:?}");
        let mut owners = vec![None; RACERS];
        for racer in winners {
            for place in [racer, (racer + 1) % RACERS] {
                let before = owners[place].replace(user(&racer.to_string()));
                assert_eq!(before, None, "round {round}: two patches won {place}");
            }
        }
        for (response, owner) in responses.iter().zip(owners) {
            let Some(Record::Response(found)) = cx.get(response.id).await else {
                panic!("a response is gone")
            };
            assert_eq!(found.user, owner, "round {round}");
        }
    }
}

/// A patch of three records, an update, a delete and a patch of one of them race from the same version. One of them
/// is applied.
pub async fn patches_updates_and_deletes_of_one_record_have_one_winner(cx: Cx) {
    for round in 0..cx.rounds(10) {
        let responses: Vec<_> = (0..3).map(|_| cx.response()).collect();
        cx.insert(responses.clone()).await;
        let wanted = &responses[round % 3];
        let outcomes = commits(&cx, |racer| {
            vec![match racer % 4 {
                0 => give(responses.iter().map(|response| response.id), &racer.to_string(), 1),
                1 => update(Response { user: Some(user(&racer.to_string())), ..wanted.clone() }, 1),
                2 => delete(wanted.id, 1),
                _ => give([wanted.id], &racer.to_string(), 1),
            }]
        })
        .await;
        let winner = winner(&outcomes);
        let deleted = winner % 4 == 2;
        for (racer, outcome) in outcomes.iter().enumerate().filter(|(racer, _)| *racer != winner) {
            let Outcome::Conflict { index: 0, conflict: Conflict::Stale { id, now } } = outcome else {
                panic!("round {round}: racer {racer} lost: {outcome:?}")
            };
            // Who patches several may meet any of them first, if the winner patched several too.
            assert!(*id == wanted.id.into() || winner.is_multiple_of(4), "round {round}: {outcome:?}");
            let seen = if deleted { None } else { Some(Version::new(2)) };
            assert_eq!(*now, seen, "round {round}: what racer {racer} is told");
        }
        let found = cx.get(wanted.id).await.and_then(|record| Response::try_from(record).ok());
        let owner = (!deleted).then(|| Some(user(&winner.to_string())));
        assert_eq!(found.map(|response| response.user), owner, "round {round}");
        for beside in responses.iter().filter(|response| response.id != wanted.id) {
            let version = if winner.is_multiple_of(4) { 2 } else { 1 };
            assert_eq!(cx.version(beside.id).await, Some(version), "round {round}: all or none");
        }
    }
}

/// The bound of a counter is reached exactly and never passed, whatever each caller adds.
pub async fn a_counter_never_passes_its_bound(cx: Cx) {
    for round in 0..cx.rounds(8) {
        let key = counter(&round.to_string());
        let bound = 5;
        let outcomes = commits(&cx, |_| vec![cx.witness(), count(&key, 1, 0, bound)]).await;
        let won = outcomes.iter().filter(|outcome| **outcome == Outcome::Applied).count() as i64;
        assert_eq!((won, cx.number(&key).await), (bound, bound), "round {round}");
        for outcome in outcomes.iter().filter(|outcome| **outcome != Outcome::Applied) {
            let conflict = Conflict::OutOfBounds { counter: key.clone(), value: bound };
            assert_eq!(*outcome, Outcome::Conflict { index: 1, conflict }, "round {round}");
        }
        // Now everybody takes or gives two: 0, 2 and 4 and nothing beyond them.
        let outcomes = commits(&cx, |racer| {
            vec![cx.witness(), count(&key, if racer % 2 == 0 { -2 } else { 2 }, 0, bound)]
        })
        .await;
        let added: i64 = (0..RACERS)
            .filter(|racer| outcomes[*racer] == Outcome::Applied)
            .map(|racer| if racer % 2 == 0 { -2 } else { 2 })
            .sum();
        assert_eq!(cx.number(&key).await, bound + added, "round {round}");
        assert!((0..=bound).contains(&(bound + added)), "round {round}");
    }
}

/// Many count at once, alone and in batches. No count is lost and none is made up.
pub async fn counts_are_exact(cx: Cx) {
    let (one, two) = (counter("one"), counter("two"));
    let each = cx.rounds(6);
    race(|racer| {
        let (cx, one, two) = (cx.clone(), one.clone(), two.clone());
        async move {
            for round in 0..each {
                let set = || {
                    // In either order, as call sites have it.
                    let mut counts = vec![count_any(&one, 1), count_any(&two, -3)];
                    if (racer + round).is_multiple_of(2) {
                        counts.reverse();
                    }
                    Changeset::new(std::iter::once(cx.witness()).chain(counts))
                };
                for answer in cx.batch(&[set(), set()]).await {
                    assert_applied(&answer);
                }
            }
        }
    })
    .await;
    let total = (RACERS * each * 2) as i64;
    assert_eq!((cx.number(&one).await, cx.number(&two).await), (total, -3 * total));
}

/// Many tally at once. No tally is lost and none is made up.
pub async fn tallies_are_exact(cx: Cx) {
    let keys: Vec<_> = (0..3).map(|i| statistic("link", &i.to_string())).collect();
    let each = cx.rounds(6);
    race(|racer| {
        let (cx, keys) = (cx.clone(), keys.clone());
        async move {
            for round in 0..each {
                let mut tallies: Vec<_> = keys.iter().map(|key| tally(key, 1)).collect();
                tallies.rotate_left((racer + round) % 3);
                cx.apply(std::iter::once(cx.witness()).chain(tallies)).await;
            }
        }
    })
    .await;
    for key in keys {
        assert_eq!(cx.number(&key).await, (RACERS * each) as i64);
    }
}

/// Of all callers that expect the same value one is applied, so a sequence has no gap and no number twice.
pub async fn a_compare_and_set_has_one_winner(cx: Cx) {
    let key = counter("sequence");
    let each = cx.rounds(4);
    let drawn = race(|_| {
        let (cx, key) = (cx.clone(), key.clone());
        async move {
            let mut drawn = Vec::new();
            let mut seen = 0;
            while drawn.len() < each {
                let next = seen + 1;
                match cx.commit([cx.witness(), count(&key, 1, next, next)]).await.unwrap() {
                    Outcome::Applied => {
                        drawn.push(next);
                        seen = next;
                    }
                    Outcome::Conflict { index: 1, conflict: Conflict::OutOfBounds { value, .. } } => {
                        assert!(value > seen, "the sequence went from {seen} back to {value}");
                        seen = value;
                    }
                    other => panic!("{other:?}"),
                }
            }
            drawn
        }
    })
    .await;
    let all: BTreeSet<i64> = drawn.into_iter().flatten().collect();
    assert_eq!(all, (1..=(RACERS * each) as i64).collect());
}

/// Half of the callers expect the left record and write the right one, and half do the opposite. Only one of them
/// is applied.
pub async fn an_expectation_holds_until_the_commit(cx: Cx) {
    // Not more: who holds the one and waits for the other is found by some databases after a second only.
    for round in 0..cx.rounds(5) {
        let (left, right) = (cx.link(), cx.link());
        cx.insert([left.clone(), right.clone()]).await;
        let outcomes = commits(&cx, |racer| {
            let (unchanged, written) = if racer % 2 == 0 { (&left, &right) } else { (&right, &left) };
            vec![expect(unchanged.id, 1), update(written.clone(), 1)]
        })
        .await;
        winner(&outcomes);
        let versions = (cx.version(left.id).await, cx.version(right.id).await);
        assert!(matches!(versions, (Some(1), Some(2)) | (Some(2), Some(1))), "round {round}: {versions:?}");
    }
}

/// Many take a key from its holder at once, over and over. It has exactly one holder after each round.
pub async fn a_key_that_is_handed_over_always_has_one_holder(cx: Cx) {
    let links: Vec<_> = (0..RACERS).map(|i| cx.natural_link(&format!("own-{i}"))).collect();
    cx.insert(links.iter().map(|link| with_natural(link.clone(), None))).await;
    let first = cx.natural_link("crown");
    cx.insert([first.clone()]).await;
    for round in 0..cx.rounds(10) {
        let Some(Record::Link(holder)) = cx.find(natural("crown")).await else { panic!("the key is lost") };
        let heirs: Vec<_> = links.iter().filter(|link| link.id != holder.id).collect();
        let mut versions = Vec::new();
        for heir in &heirs {
            versions.push(cx.version(heir.id).await.unwrap());
        }
        let outcomes = commits(&cx, |racer| {
            let heir = racer % heirs.len();
            let release = update(with_natural(holder.clone(), None), holder.version.get());
            let take = update(with_natural(heirs[heir].clone(), Some("crown")), versions[heir]);
            vec![release, take]
        })
        .await;
        let winner = winner(&outcomes) % heirs.len();
        let found = cx.find(natural("crown")).await.map(|record| record.id());
        assert_eq!(found, Some(heirs[winner].id.into()), "round {round}");
    }
}

/// Many write the same records and numbers in opposite orders. Nobody waits for ever, and nobody gets an error.
pub async fn crossing_changesets_do_not_block_each_other(cx: Cx) {
    let links: Vec<_> = (0..4).map(|_| cx.link()).collect();
    let numbers: Vec<_> = (0..4).map(|i| counter(&i.to_string())).collect();
    cx.insert(links.clone()).await;
    let mut versions = [1; 4];
    let mut applied = 0;
    for round in 0..cx.rounds(12) {
        let outcomes = commits(&cx, |racer| {
            let mut order: Vec<usize> = (0..4).collect();
            order.rotate_left(racer % 4);
            if racer % 2 == 0 {
                order.reverse();
            }
            let updates = order.iter().map(|i| update(links[*i].clone(), versions[*i]));
            updates.chain(order.iter().map(|i| count_any(&numbers[*i], 1))).collect()
        })
        .await;
        winner(&outcomes);
        applied += 1;
        for (link, version) in links.iter().zip(&mut versions) {
            *version += 1;
            assert_eq!(cx.version(link.id).await, Some(*version), "round {round}");
        }
    }
    for number in numbers {
        assert_eq!(cx.number(&number).await, applied);
    }
}

/// Many commit batches that count the same numbers in opposite orders. Nobody waits for ever, and nobody gets an
/// error.
pub async fn crossing_batches_do_not_block_each_other(cx: Cx) {
    let numbers: Vec<_> = (0..6).map(|i| counter(&i.to_string())).collect();
    let each = cx.rounds(4);
    race(|racer| {
        let (cx, numbers) = (cx.clone(), numbers.clone());
        async move {
            for round in 0..each {
                let mut batch: Vec<_> = numbers
                    .iter()
                    .map(|key| {
                        let response = Response { user: Some(user("ada")), ..cx.response() };
                        Changeset::new([insert(response), count_any(key, 1)])
                    })
                    .collect();
                batch.rotate_left((racer * 5 + round) % 6);
                if racer % 2 == 0 {
                    batch.reverse();
                }
                for answer in cx.batch(&batch).await {
                    assert_applied(&answer);
                }
            }
        }
    })
    .await;
    for number in numbers {
        assert_eq!(cx.number(&number).await, (RACERS * each) as i64);
    }
}

/// Everybody who begins to read after the acknowledgement sees the write, while others write.
pub async fn an_acknowledged_write_is_read_at_once(cx: Cx) {
    let each = cx.rounds(8);
    let total = statistic("written", "all");
    race(|racer| {
        let (cx, total) = (cx.clone(), total.clone());
        async move {
            for round in 0..each {
                let key = format!("{racer}-{round}");
                let owner = user(&format!("racer-{racer}"));
                let link = Link { owner: Some(owner), ..cx.natural_link(&key) };
                let number = counter(&key);
                cx.apply([insert(link.clone()), count_any(&number, 7), tally(&total, 1)]).await;
                let (reader, total) = (cx.clone(), total.clone());
                // On another task, and so perhaps on another thread and another connection.
                let read = tokio::spawn(async move {
                    assert_eq!(reader.get(link.id).await, Some(link.clone().into()), "by id");
                    assert_eq!(reader.find(natural(&key)).await, Some(link.clone().into()), "by key");
                    let prefix = crate::make::nobody().text(format!("racer-{racer}"));
                    let range = referral_core::store::Range::newest();
                    let found =
                        reader.page(referral_core::store::Index::LinksOfOwner, &prefix, range, 1000).await;
                    assert!(found.contains(&link.id.as_uuid()), "in its index");
                    assert_eq!(found.len(), round + 1, "all of the owner's links");
                    assert_eq!(reader.number(&number).await, 7, "its number");
                    assert!(reader.number(&total).await > round as i64, "the statistic");
                });
                if let Err(error) = read.await {
                    std::panic::resume_unwind(error.into_panic());
                }
            }
        }
    })
    .await;
}

/// Several callers commit the same changeset at once. It is applied once.
pub async fn a_retried_changeset_is_applied_once(cx: Cx) {
    let (uses, clicks) = (counter("uses"), statistic("clicks", "all"));
    let rounds = cx.rounds(10);
    for round in 0..rounds {
        let (link, alias) = (cx.natural_link(&round.to_string()), cx.alias(&format!("code-{round}")));
        let outcomes = commits(&cx, |_| {
            vec![insert(link.clone()), insert(alias.clone()), count_any(&uses, 1), tally(&clicks, 1)]
        })
        .await;
        winner(&outcomes);
        for outcome in outcomes.iter().filter(|outcome| **outcome != Outcome::Applied) {
            let conflict = Conflict::Stale { id: link.id.into(), now: Some(Version::FIRST) };
            assert_eq!(*outcome, Outcome::Conflict { index: 0, conflict }, "round {round}");
        }
    }
    assert_eq!((cx.number(&uses).await, cx.number(&clicks).await), (rounds as i64, rounds as i64));
}
