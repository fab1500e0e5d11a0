//! A caller may go away at any moment, and leaves a changeset as a whole or not at all.

use referral_core::store::{
    Change, Changeset, Conflict, CounterRange, Family, Index, Outcome, Range, Record, RecordId,
};
use referral_core::{Action, Error, Link, LinkId, Referrals};

use crate::cx::Cx;
use crate::drops::{Sweeps, drop_after};
use crate::make::{
    code, count_any, counter, give, insert, natural, nobody, numbers_of, statistic, tally, update, user,
    visitor,
};
use crate::shop::{draft, links_of, responses_of, shop, visit};

/// How many polls a call gets that is dropped together with others.
const POLLS: usize = 10;

/// Makes the changeset again, as a caller does that does not know what became of it: it must have been applied
/// whole or not at all, so now it is there exactly once.
async fn settle(cx: &Cx, changes: Vec<Change>, witness: RecordId, what: &str) {
    match cx.commit(changes).await {
        Ok(Outcome::Applied) => {}
        Ok(Outcome::Conflict { index: 0, conflict: Conflict::Stale { id, now: Some(_) } })
            if id == witness => {}
        other => panic!("{what}: a retried changeset is new, or known by its witness: {other:?}"),
    }
}

/// A commit is dropped at its first await, then at its second, and so on until one completes. Each time its
/// changeset is there as a whole or not at all.
pub async fn a_dropped_commit_is_whole_or_absent(cx: Cx) {
    let (uses, clicks) = (counter("uses"), statistic("clicks", "all"));
    let mut made = 0;
    let mut sweeps = Sweeps::of(cx.rounds(20));
    while let Some(polls) = sweeps.polls() {
        made += 1;
        let (link, alias) = (cx.natural_link(&format!("key-{made}")), cx.alias(&format!("code-{made}")));
        let changes = vec![
            insert(link.clone()),
            count_any(&uses, 1),
            insert(alias.clone()),
            tally(&clicks, 1),
            cx.witness(),
        ];
        let store = cx.store();
        let batch = [Changeset::new(changes.clone())];
        sweeps.ended(drop_after(polls, store.commit(&batch)).await.is_some());
        let what = format!("dropped after {polls} polls");
        settle(&cx, changes, link.id.into(), &what).await;
        assert_eq!(cx.get(link.id).await, Some(link.clone().into()), "{what}");
        assert_eq!(cx.find(natural(&format!("key-{made}"))).await, Some(link.into()), "{what}");
        assert_eq!(cx.find(code(&format!("code-{made}"))).await, Some(alias.into()), "{what}");
        assert_eq!((cx.number(&uses).await, cx.number(&clicks).await), (made, made), "{what}");
    }
}

/// A batch is dropped at each of its awaits. Each of its changesets is there as a whole or not at all.
pub async fn a_dropped_batch_leaves_each_changeset_whole_or_absent(cx: Cx) {
    let uses = counter("uses");
    let mut made = 0;
    let mut sweeps = Sweeps::of(cx.rounds(10));
    while let Some(polls) = sweeps.polls() {
        let members: Vec<_> = (0..4)
            .map(|member| {
                let (link, alias) = (cx.link(), cx.alias(&format!("code-{made}-{member}")));
                let changes = vec![insert(link.clone()), insert(alias.clone()), count_any(&uses, 1)];
                (link, alias, changes)
            })
            .collect();
        let batch: Vec<_> = members.iter().map(|(_, _, changes)| Changeset::new(changes.clone())).collect();
        let store = cx.store();
        sweeps.ended(drop_after(polls, store.commit(&batch)).await.is_some());
        let what = format!("dropped after {polls} polls");
        for (link, alias, changes) in members {
            settle(&cx, changes, link.id.into(), &what).await;
            made += 1;
            assert_eq!(cx.get(link.id).await, Some(link.into()), "{what}");
            assert_eq!(cx.get(alias.id).await, Some(alias.into()), "{what}");
        }
        assert_eq!(cx.number(&uses).await, made, "{what}");
    }
}

/// A dropped patch has changed all of its records or none, and their places in the indexes with them.
pub async fn a_dropped_patch_is_whole_or_absent(cx: Cx) {
    let clicks = statistic("clicks", "all");
    let mut made = 0;
    let mut sweeps = Sweeps::of(cx.rounds(10));
    while let Some(polls) = sweeps.polls() {
        made += 1;
        let responses: Vec<_> = (0..5).map(|_| cx.response()).collect();
        cx.insert(responses.clone()).await;
        let owner = format!("user-{made}");
        let ids: Vec<_> = responses.iter().map(|response| response.id).collect();
        let changes = vec![give(ids.clone(), &owner, 1), tally(&clicks, 1)];
        let store = cx.store();
        let batch = [Changeset::new(changes.clone())];
        sweeps.ended(drop_after(polls, store.commit(&batch)).await.is_some());
        let what = format!("dropped after {polls} polls");
        settle(&cx, changes, ids[0].into(), &what).await;
        for id in &ids {
            assert_eq!(cx.version(*id).await, Some(2), "{what}");
        }
        let found = cx.page(Index::ResponsesOfUser, &nobody().text(&owner), Range::newest(), 9).await;
        assert_eq!(found.len(), ids.len(), "{what}");
        assert_eq!(cx.number(&clicks).await, made, "{what}");
    }
}

/// Many writes and reads are dropped at once. No connection, lock or transaction stays behind.
pub async fn dropped_calls_leave_a_usable_store(cx: Cx) {
    let link = cx.link();
    cx.insert([link.clone()]).await;
    for polls in (1..=POLLS).cycle().take(cx.rounds(POLLS)) {
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let (cx, id) = (cx.clone(), RecordId::from(link.id));
                tokio::spawn(async move {
                    let store = cx.store();
                    let batch = [Changeset::new([cx.witness(), count_any(&counter("uses"), 1)])];
                    drop_after(polls, store.commit(&batch)).await;
                    drop_after(polls, store.get(&[id])).await;
                    drop_after(polls, store.find(&[natural("none")])).await;
                    drop_after(polls, store.page(Index::Links, &nobody(), &Range::newest(), 9)).await;
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
    }
    let mut version = 1;
    for _ in 0..20 {
        cx.apply([update(link.clone(), version), count_any(&counter("after"), 1)]).await;
        version += 1;
    }
    assert_eq!((cx.version(link.id).await, cx.number(&counter("after")).await), (Some(version), 20));
}

/// Each of the four reads is dropped at each of its awaits, more often than a store has connections. All of them
/// answer afterwards.
pub async fn a_dropped_read_leaves_a_usable_store(cx: Cx) {
    let (link, uses) = (cx.natural_link("there"), counter("uses"));
    cx.apply([insert(link.clone()), count_any(&uses, 1)]).await;
    let (ids, keys) = ([RecordId::from(link.id)], [natural("there")]);
    let (everything, all_uses) = (nobody(), numbers_of("", Family::LinkUses, &[]));
    let (newest, first) = (Range::newest(), CounterRange::first(9));
    let store = cx.store();
    for read in 0..4 {
        let mut sweeps = Sweeps::of(cx.rounds(40));
        while let Some(polls) = sweeps.polls() {
            let completed = match read {
                0 => drop_after(polls, store.get(&ids)).await.map(|found| found.unwrap().len()),
                1 => drop_after(polls, store.find(&keys)).await.map(|found| found.unwrap().len()),
                2 => {
                    let page = store.page(Index::Links, &everything, &newest, 9);
                    drop_after(polls, page).await.map(|found| found.unwrap().len())
                }
                _ => {
                    let numbers = store.counters(&all_uses, &first);
                    drop_after(polls, numbers).await.map(|found| found.unwrap().len())
                }
            };
            assert!(completed.is_none_or(|found| found == 1), "read {read} after {polls} polls");
            sweeps.ended(completed.is_some());
        }
    }
    assert_eq!(cx.get(link.id).await, Some(link.clone().into()));
    assert_eq!(cx.find(natural("there")).await, Some(link.clone().into()));
    assert_eq!(cx.page(Index::Links, &nobody(), Range::newest(), 9).await, [link.id.as_uuid()]);
    assert_eq!(cx.numbers(&all_uses, &first).await, [(uses, 1)]);
}

/// A verb of the facade, made for a browser that goes away.
async fn verb(shop: &Referrals, link: &Link, verb: usize, number: u128) -> Result<(), Error> {
    let browser = visit(visitor(number));
    match verb {
        0 => drop(shop.links().get_or_create(draft("ada", &number.to_string())).await?),
        1 => drop(shop.land(link.code.as_str(), &browser).await),
        2 => drop(shop.respond(link.id, &browser, Action::new("ORDERED")?, None).await?),
        _ => drop(shop.identify(visitor(number), user("eve")).await?),
    }
    Ok(())
}

/// A new link, a click, a later action and an identified visitor are there with their codes and statistics, or not
/// at all.
pub async fn a_dropped_verb_is_whole_or_absent(cx: Cx) {
    // Without group commit, which would go on without the caller.
    let shop = shop(&cx).with_group_commit(None).build().unwrap();
    let link = shop.links().create(draft("ada", "dropped").with_click_limit(1_000_000)).await.unwrap();
    let mut number = 0;
    for which in 0..4 {
        let mut sweeps = Sweeps::of(cx.rounds(10));
        while let Some(polls) = sweeps.polls() {
            number += 1;
            let mut made = Vec::new();
            for name in ["READ", "LIKED"].iter().filter(|_| which == IDENTIFY) {
                let action = Action::new(*name).unwrap();
                made.push(shop.respond(link.id, &visit(visitor(number)), action, None).await.unwrap());
            }
            sweeps.ended(drop_after(polls, verb(&shop, &link, which, number)).await.is_some());
            // Once more, by somebody with patience: what was claimed before is claimed, the rest is now.
            for response in made {
                shop.identify(visitor(number), user("eve")).await.unwrap();
                let Some(Record::Response(now)) = cx.get(response.id).await else { panic!("it is gone") };
                assert_eq!((now.user, now.version.get()), (Some(user("eve")), 2), "claimed once");
            }
        }
    }
    settled(&shop, link.id).await;
    for link in links_of(&shop, &user("ada")).await {
        let found = shop.links().by_code(&link.code).await.unwrap().map(|found| found.id);
        assert_eq!(found, Some(link.id), "a link has its code");
    }
}

const IDENTIFY: usize = 3;

/// Waits until what is still on its way, when its caller has gone, has arrived: whole, so that the numbers are those
/// of the records.
async fn settled(shop: &Referrals, link: LinkId) {
    const PATIENCE: usize = 100;
    for round in 0.. {
        let told = shop.responses().statistics(link).await.unwrap();
        let rows = responses_of(shop, link).await;
        let told: i64 = told.actions.values().map(|numbers| numbers.counted + numbers.flagged).sum();
        if told == rows.len() as i64 {
            return;
        }
        assert!(round < PATIENCE, "{told} responses are counted, and {} are there", rows.len());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
