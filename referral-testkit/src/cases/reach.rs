//! Everything at its limit and beyond: the largest changesets, long and heavy batches, and scans behind thousands.
//! Every answer and everything that can be read is compared with the model.

use referral_core::store::{
    Change, Changeset, CounterKey, CounterRange, Family, Index, MAX_PAGE, Range, Record,
};
use referral_core::{Response, Tenant};

use crate::compare::{self, Mentioned};
use crate::cx::Cx;
use crate::make::{
    code, count, count_any, counter, delete, expect, give, insert, nobody, numbers_of, owned_by, patch,
    statistic, tally, text, update, user,
};
use crate::model::Model;

/// A store beside the model.
struct Checked<'a> {
    cx: &'a Cx,
    model: Model,
    mentioned: Mentioned,
}

impl<'a> Checked<'a> {
    fn new(cx: &'a Cx) -> Self {
        Self { cx, model: Model::default(), mentioned: Mentioned::default() }
    }

    /// Commits a batch; each answer must be the model's.
    async fn commit(&mut self, what: &str, batch: &[Changeset]) {
        let answers = self.cx.store().commit(batch).await;
        assert_eq!(answers.len(), batch.len(), "{what}: a batch has one answer for each changeset");
        for (place, (changeset, answer)) in batch.iter().zip(answers).enumerate() {
            let verdict = self.model.commit(changeset);
            self.mentioned.note(changeset, &self.model);
            assert!(
                verdict.admits(&answer),
                "{what}: changeset {place} of {}, with {} changes, was answered {answer:?} instead of {verdict:?}",
                batch.len(),
                changeset.changes().len(),
            );
        }
    }

    /// Commits one changeset.
    async fn one(&mut self, what: &str, changes: impl IntoIterator<Item = Change>) {
        self.commit(what, &[Changeset::new(changes)]).await;
    }

    /// Inserts records, as many at once as there may be.
    async fn insert<R: Into<Record>>(&mut self, records: impl IntoIterator<Item = R>) {
        let changes: Vec<_> = records.into_iter().map(insert).collect();
        for some in changes.chunks(Changeset::MAX_CHANGES) {
            self.one("inserts", some.to_vec()).await;
        }
    }

    /// Everything that can be read is what the model has.
    async fn whole(&self, what: &str) {
        let problem = compare::everything(&*self.cx.store(), &self.model, &self.mentioned).await.err();
        assert_eq!(problem, None, "{what}: what is read afterwards");
    }
}

/// In a changeset of 1,024 changes a conflict is named at its place, wherever it is, and nothing is applied.
pub async fn a_conflict_is_named_at_any_place_of_the_largest_changeset(cx: Cx) {
    let mut store = Checked::new(&cx);
    let (alias, link, full) = (cx.alias("taken"), cx.link(), counter("full"));
    store.one("what is in the way", [insert(alias.clone()), insert(link.clone()), count_any(&full, 3)]).await;
    let tallied = statistic("clicks", "all");
    for (turn, place) in [0, 1, 99, 255, 256, 511, 999, 1000, 1023].into_iter().enumerate() {
        let mut changes: Vec<_> = (0..Changeset::MAX_CHANGES).map(|_| insert(cx.link())).collect();
        changes[1022] = tally(&tallied, 1);
        changes[1021] = count_any(&counter("other"), 1);
        changes[place] = match (place, turn % 5) {
            (1.., 0) => count(&full, 1, 0, 3),
            (_, 1) => insert(link.clone()),
            (_, 2) => delete(link.id, 2),
            (_, 3) => expect(alias.id, 2),
            _ => insert(cx.alias("TAKEN")),
        };
        store.one(&format!("a conflict at change {place}"), changes).await;
    }
    store.whole("nine conflicts").await;
}

/// A changeset touches 2,048 records, as many as it may, in patches, updates, deletes and expectations. If the last of
/// them is not as it should be, nothing happens to the others.
pub async fn a_changeset_touches_as_many_records_as_it_may(cx: Cx) {
    let mut store = Checked::new(&cx);
    let responses: Vec<Response> = (0..Changeset::MAX_RECORDS).map(|_| cx.response()).collect();
    store.insert(responses.clone()).await;
    let changes = |last: i64| {
        let half = |half: &[Response], by: &str| patch(half.iter().map(|one| (one.id, 1)), owned_by(by, 5));
        let mut changes = vec![half(&responses[..1000], "ada"), half(&responses[1000..2000], "eve")];
        changes.extend(responses[2000..2016].iter().map(|one| delete(one.id, 1)));
        changes.extend(responses[2016..2040].iter().map(|one| expect(one.id, 1)));
        let edited = |one: &Response| update(Response { visitor: None, ..one.clone() }, 1);
        changes.extend(responses[2040..2047].iter().map(edited));
        changes.push(delete(responses[2047].id, last));
        changes
    };
    store.one("2,048 records, the last of which is stale", changes(2)).await;
    store.whole("2,048 records, the last of which is stale").await;
    store.one("2,048 records", changes(1)).await;
    store.whole("2,048 records").await;
}

/// A patch of 1,000 records, the last or the middle one of which is stale or not there, names it and patches none; then all
/// 1,000 are patched.
pub async fn a_thousand_records_are_patched_or_none(cx: Cx) {
    let mut store = Checked::new(&cx);
    let responses: Vec<Response> = (0..Changeset::MAX_PATCH).map(|_| cx.response()).collect();
    store.insert(responses.clone()).await;
    let all = || responses.iter().map(|one| (one.id, 1));
    for place in [999, 500, 0] {
        let stale = all().enumerate().map(|(at, (id, was))| (id, if at == place { 2 } else { was }));
        store.one(&format!("record {place} of a patch is stale"), [patch(stale, owned_by("ada", 5))]).await;
        let gone = cx.response().id;
        let absent = all().enumerate().map(|(at, (id, was))| (if at == place { gone } else { id }, was));
        store.one(&format!("record {place} of a patch is absent"), [patch(absent, owned_by("ada", 5))]).await;
    }
    store.whole("patches of which a record is not as it should be").await;
    let clicks = statistic("clicks", "all");
    store
        .one("a patch of 1,000", [give(responses.iter().map(|one| one.id), "ada", 5), tally(&clicks, 1)])
        .await;
    store.whole("a patch of 1,000").await;
}

/// A key that the first of 1,024 changes releases is free for the last one; one that the last one releases is taken
/// for the first.
pub async fn a_key_released_first_is_taken_by_the_last_change(cx: Cx) {
    let mut store = Checked::new(&cx);
    let holder = cx.alias("moving");
    store.insert([holder.clone()]).await;
    let between = || (0..Changeset::MAX_CHANGES - 2).map(|_| insert(cx.link()));
    let next = cx.alias("moving");
    let early = std::iter::once(insert(next.clone())).chain(between()).chain([delete(holder.id, 1)]);
    store.one("a key that is released too late", early).await;
    let late = std::iter::once(delete(holder.id, 1)).chain(between()).chain([insert(next)]);
    store.one("a key that is released in time", late).await;
    store.whole("a key that moved").await;
}

/// A changeset counts and tallies more than a thousand numbers. If the last one would leave its bounds, none is
/// changed.
pub async fn a_thousand_numbers_are_counted_or_none(cx: Cx) {
    let mut store = Checked::new(&cx);
    let changes = |most: i64| {
        let mut changes = vec![cx.witness()];
        changes.extend((0..500).map(|i| tally(&statistic("clicks", &i.to_string()), i + 1)));
        changes.extend((0..522).map(|i| count_any(&counter(&format!("n{i}")), i + 1)));
        changes.push(count(&counter("last"), 2, 0, most));
        changes
    };
    store.one("1,022 numbers and one out of bounds", changes(1)).await;
    store.whole("1,022 numbers and one out of bounds").await;
    store.one("1,023 numbers", changes(2)).await;
    store.whole("1,023 numbers").await;
}

/// Changesets in which every tenth meets its neighbours: it takes a key that is taken, names an old version, is made
/// twice, leaves bounds, breaks a rule or holds nothing.
fn sprinkled(cx: &Cx, length: usize) -> Vec<Changeset> {
    let (uses, clicks) = (counter("uses"), statistic("clicks", "all"));
    let first = cx.alias("code-0");
    let mut batch: Vec<Changeset> = Vec::new();
    let mut version = 1;
    for place in 0..length {
        let changeset = match place {
            0 => Changeset::new([insert(first.clone()), count_any(&uses, 1)]),
            _ if place % 10 == 9 || place + 1 == length => match place / 10 % 6 {
                0 => Changeset::new([insert(cx.exact_alias("code-0")), count_any(&uses, 1)]),
                1 => Changeset::new([insert(cx.link()), expect(first.id, version + 1)]),
                2 => batch[place / 2].clone(),
                3 => Changeset::new([insert(cx.link()), tally(&clicks, 1), count(&uses, 1, 0, 1)]),
                4 => Changeset::new([count_any(&uses, 1)]),
                _ => Changeset::new([]),
            },
            _ if place % 10 == 4 => {
                version += 1;
                Changeset::new([update(first.clone(), version - 1)])
            }
            _ => Changeset::new([insert(cx.exact_alias(&format!("code-{place}"))), tally(&clicks, 1)]),
        };
        batch.push(changeset);
    }
    batch
}

/// Each of 2,000 changesets of one batch is answered as if they were applied one after another.
pub async fn a_long_batch_is_answered_at_every_place(cx: Cx) {
    let mut store = Checked::new(&cx);
    let batch = sprinkled(&cx, 2000);
    store.commit("2,000 changesets", &batch).await;
    store.whole("2,000 changesets").await;
}

/// So is a batch of one changeset more than the store likes, and one of three times as many.
pub async fn batches_larger_than_the_store_likes_are_answered_at_every_place(cx: Cx) {
    let likes = cx.facts().batch.clamp(1, 500);
    for length in [likes, likes + 1, 3 * likes + 1] {
        let mut store = Checked::new(&cx);
        // Each batch has a tenant of its own.
        let tenant: Tenant = text(&format!("batch-of-{length}"));
        let batch: Vec<_> =
            sprinkled(&cx, length).iter().map(|changeset| moved(changeset, &tenant)).collect();
        store.commit(&format!("{length} changesets"), &batch).await;
        store.whole(&format!("{length} changesets")).await;
    }
}

/// The same changeset in another tenant.
fn moved(changeset: &Changeset, tenant: &Tenant) -> Changeset {
    let record = |record: &Record| {
        let mut values = record.values();
        let position = record.id().kind.position("tenant").unwrap();
        values[position] = crate::make::words(tenant.as_str());
        Record::from_values(record.id().kind, values).unwrap()
    };
    let key = |key: &CounterKey| CounterKey { tenant: tenant.clone(), ..key.clone() };
    Changeset::new(changeset.changes().iter().map(|change| match change {
        Change::Insert(old) => Change::Insert(record(old)),
        Change::Update { record: old, was } => Change::Update { record: record(old), was: *was },
        Change::Count { counter, add, within } => {
            Change::Count { counter: key(counter), add: *add, within: *within }
        }
        Change::Tally { counter, add } => Change::Tally { counter: key(counter), add: *add },
        other => other.clone(),
    }))
}

/// A batch of more than 16 MiB is answered at every place. Of a heavy changeset that conflicts at its end, nothing is
/// there.
pub async fn a_heavy_batch_is_answered_whole(cx: Cx) {
    let mut store = Checked::new(&cx);
    let (link, clicks) = (cx.link(), statistic("clicks", "all"));
    let heavy = |last: Change| {
        let one = super::changesets::heavy(&cx);
        let weight = Changeset::new([insert(one)]).weight();
        let most = (Changeset::MAX_WEIGHT - 1000) / weight;
        let records = (0..most).map(|_| insert(super::changesets::heavy(&cx)));
        Changeset::new(records.chain([tally(&clicks, 1), last]))
    };
    let mut batch = vec![heavy(insert(link.clone()))];
    batch.push(heavy(insert(cx.exact_alias("heavy"))));
    batch.push(heavy(expect(link.id, 2)));
    batch.push(batch[0].clone());
    batch.push(heavy(insert(cx.exact_alias("heavy"))));
    batch.push(Changeset::new([insert(cx.link()), tally(&clicks, 1)]));
    let weight: usize = batch.iter().map(Changeset::weight).sum();
    assert!(weight > 16 << 20 && batch.iter().all(|changeset| changeset.check().is_ok()), "{weight} bytes");
    store.commit("a heavy batch", &batch).await;
    store.whole("a heavy batch").await;
}

/// Pages follow each other through 2,500 entries to the end, in both directions, between prefixes of as many
/// neighbours.
pub async fn pages_follow_each_other_to_the_end(cx: Cx) {
    let mut store = Checked::new(&cx);
    let owned = |by: &str| Response { user: Some(user(by)), ..cx.response() };
    store
        .insert(
            (0..2500).map(|i| owned(if i % 25 == 0 { ["a", "ad", "adam", "b"][i / 25 % 4] } else { "ada" })),
        )
        .await;
    store.whole("2,500 responses").await;
    let all = store.model.page(Index::ResponsesOfUser, &nobody().text("ada"), &Range::oldest(), usize::MAX);
    assert_eq!(all.len(), 2400, "the model knows them");
    for limit in [MAX_PAGE - 1, 500] {
        let (mut range, mut found) = (Range::oldest(), Vec::new());
        loop {
            let page = cx.records(Index::ResponsesOfUser, &nobody().text("ada"), range, limit).await;
            let Some(last) = page.last() else { break };
            range.after = Index::ResponsesOfUser.entry(last, &last.values()).map(|entry| entry.seek);
            found.extend(page);
            assert!(found.len() <= all.len(), "pages of {limit} give more than there is");
        }
        assert!(found == all, "pages of {limit} give {} of {} records", found.len(), all.len());
    }
}

/// Pages of numbers follow each other through 2,500 counters and 2,500 statistics to the end, between neighbours.
pub async fn numbers_follow_each_other_to_the_end(cx: Cx) {
    let mut store = Checked::new(&cx);
    let names = ["a", "ab", "abc", "b"];
    for turn in 0..3 {
        let mut changes = vec![cx.witness()];
        let numbers = turn * 833..(turn + 1) * 833;
        changes.extend(numbers.filter(|i| i % 2 == 0).flat_map(|i| {
            // Most of them are those of one part.
            let name = if i % 50 == 0 { names[i / 50 % 4] } else { "ab" };
            let counted = CounterKey { family: Family::LinkUses, ..statistic(name, &i.to_string()) };
            [count_any(&counted, 1), tally(&statistic(name, &i.to_string()), 1)]
        }));
        store.one("numbers", changes).await;
        let again = (0..833).map(|i| tally(&statistic("ab", &format!("more-{turn}-{i}")), 1));
        store.one("more numbers", std::iter::once(cx.witness()).chain(again)).await;
    }
    store.whole("thousands of numbers").await;
    for family in [Family::LinkUses, Family::Responses] {
        let prefix = numbers_of("", family, &["ab"]);
        let all = store.model.counters(&prefix, &CounterRange::first(u32::MAX));
        assert!(all.len() > 1000, "the model knows them: {}", all.len());
        for limit in [MAX_PAGE, MAX_PAGE - 1] {
            let (mut range, mut found) = (CounterRange::first(limit), Vec::new());
            loop {
                let page = cx.numbers(&prefix, &range).await;
                let Some((last, _)) = page.last() else { break };
                range.after = Some(last.clone());
                found.extend(page);
                assert!(found.len() <= all.len(), "pages of {limit} give more than there is");
            }
            assert!(
                found == all,
                "pages of {limit} of {family:?} give {} of {} numbers",
                found.len(),
                all.len()
            );
        }
    }
}

/// A thousand ids and a thousand keys, of which every third belongs to nothing and some are asked for twice, are
/// answered at their places.
pub async fn a_thousand_points_with_holes_are_answered(cx: Cx) {
    let most = MAX_PAGE as usize;
    let aliases: Vec<_> = (0..most).map(|i| cx.exact_alias(&format!("point-{i}"))).collect();
    let there = |i: &usize| i % 3 != 1;
    cx.insert((0..most).filter(there).map(|i| aliases[i].clone())).await;
    // Not in the order in which they were made; the last one is the first one again.
    let order: Vec<usize> = (0..most - 1).map(|i| i * 7 % most).chain([0]).collect();
    let expected: Vec<_> =
        order.iter().map(|i| there(i).then(|| Record::from(aliases[*i].clone()))).collect();
    let ids: Vec<_> = order.iter().map(|i| aliases[*i].id.into()).collect();
    let found = cx.store().get(&ids).await.expect("get");
    let different = (0..most).find(|at| found.get(*at) != expected.get(*at));
    assert_eq!((found.len(), different), (most, None), "the answers of get and the first wrong one");
    let keys: Vec<_> = order.iter().map(|i| code(&format!("point-{i}"))).collect();
    let found = cx.store().find(&keys).await.expect("find");
    let different = (0..most).find(|at| found.get(*at) != expected.get(*at));
    assert_eq!((found.len(), different), (most, None), "the answers of find and the first wrong one");
}
