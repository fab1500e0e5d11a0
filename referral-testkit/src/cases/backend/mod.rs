//! The backend itself fails, where the harness can break it: what a store then says is true, and it works again when the
//! backend does.

mod checks;

use referral_core::store::{
    Change, Changeset, Conflict, CounterRange, Family, Index, MAX_PAGE, Outcome, Range, StoreError,
    StoreErrorKind,
};
use referral_core::{Alias, Link};

use self::checks::{
    Answer, Member, assert_failed, assert_kind, assert_read_failed, assert_reads_fail, assert_taken_or,
    assert_true, assert_works_again, batch_of, commit_broken, invalid, kind,
};
use crate::breakage::Breakage;
use crate::cx::{Cx, assert_applied, assert_invalid};
use crate::make::{count, count_any, counter, delete, insert, nobody, numbers_of, statistic, tally, update};
use crate::race::race;

/// A write fails before COMMIT: every changeset is answered with the error, nothing of it is stored, also not what came
/// before the write that failed, and one that breaks a rule is `Invalid` all the same.
pub async fn a_failed_write_stores_nothing(cx: Cx) {
    const BROKEN: Breakage = Breakage::Writes;
    let stored = [cx.link(), cx.link()];
    cx.insert(stored.clone()).await;
    if !cx.break_backend(BROKEN).await {
        return;
    }
    let members = ["one", "two", "three"].map(|name| Member::of(&cx, name, "failed"));
    let answers = commit_broken(&cx, BROKEN, &members).await;
    assert_failed(BROKEN, &answers);
    let uses = counter("changed");
    let [first, second] = &stored;
    let changed = Link { destination: "/changed".try_into().unwrap(), ..first.clone() };
    for changes in [
        [update(changed, 1), count_any(&uses, 1)],
        [delete(second.id, 1), count_any(&uses, 1)],
        [insert(cx.link()), count_any(&uses, 1)],
    ] {
        assert_failed(BROKEN, &[cx.commit(changes).await]);
    }
    assert_works_again(&cx, BROKEN).await;
    assert_true(&cx, BROKEN, &members, &answers).await;
    for link in stored {
        let found = cx.get(link.id).await;
        assert_eq!(found, Some(link.into()), "an update and a delete that failed leave the record as it was");
    }
    assert_eq!(cx.number(&uses).await, 0, "what failed counted nothing");
}

/// The write of a batch fails. A member that meets the key or the id of an earlier one is told of the failure and
/// of no conflict, because the earlier one is not there. Members that break a rule are `Invalid` all the same.
pub async fn no_conflict_rests_on_what_was_not_written(cx: Cx) {
    const BROKEN: Breakage = Breakage::Writes;
    let (held, link, alias) = (cx.alias("held"), cx.natural_link("key"), cx.alias("code"));
    cx.insert([held.clone()]).await;
    if !cx.break_backend(BROKEN).await {
        return;
    }
    let (uses, clicks) = (counter("uses"), statistic("clicks", "all"));
    let whole = |link: Link, alias: Alias| {
        let records = [insert(link), insert(alias), insert(cx.response())];
        Changeset::new(records.into_iter().chain([count(&uses, 1, 0, 1), tally(&clicks, 1)]))
    };
    let batch = [
        whole(link.clone(), alias.clone()),
        whole(cx.natural_link("key"), cx.alias("another")),
        whole(cx.link(), cx.alias("code")),
        whole(link.clone(), cx.alias("a-third")),
        whole(cx.link(), cx.alias("a-fourth")),
        whole(cx.link(), cx.alias("held")),
        invalid(),
    ];
    let answers = cx.batch(&batch).await;
    assert_invalid(answers[6].clone(), "a changeset without witness");
    assert_failed(BROKEN, &answers[..5]);
    // This one meets what is there, so it may be told so.
    let taken = |answer: &Answer| matches!(answer, Ok(Outcome::Conflict { conflict: Conflict::Taken { holder, .. }, .. }) if *holder == held.id.into());
    if !taken(&answers[5]) {
        assert_failed(BROKEN, &answers[5..6]);
    }
    assert_works_again(&cx, BROKEN).await;
    for changeset in &batch[..6] {
        for change in changeset.changes() {
            if let Change::Insert(record) = change {
                assert_eq!(
                    cx.get(record.id()).await,
                    None,
                    "nothing of a batch whose writes failed is there"
                );
            }
        }
    }
    assert_eq!((cx.number(&uses).await, cx.number(&clicks).await), (0, 0), "what failed counted nothing");
}

/// COMMIT fails. What is then said to be unwritten is unwritten; where the store cannot know it says `UnknownOutcome`, and
/// never that trying again is safe.
pub async fn a_failed_commit_is_unknown_or_undone(cx: Cx) {
    const BROKEN: Breakage = Breakage::Commit;
    if !cx.break_backend(BROKEN).await {
        return;
    }
    let alone = [Member::of(&cx, "alone", "alone")];
    let answer = cx.batch(&batch_of(&alone)).await;
    assert_failed(BROKEN, &answer);
    let says = kind(&answer[0]);
    let untrue = [StoreErrorKind::Unavailable, StoreErrorKind::Contended, StoreErrorKind::Full];
    assert!(
        says.is_some_and(|says| !untrue.contains(&says)),
        "a COMMIT that failed is UnknownOutcome, or another error if it is known to be undone, and none of {untrue:?}; it \
         was answered {answer:?}"
    );
    let members = ["one", "two", "three"].map(|name| Member::of(&cx, name, "failed"));
    let answers = commit_broken(&cx, BROKEN, &members).await;
    assert_failed(BROKEN, &answers);
    assert_works_again(&cx, BROKEN).await;
    assert_true(&cx, BROKEN, &alone, &answer).await;
    assert_true(&cx, BROKEN, &members, &answers).await;
}

/// COMMIT is done and its answer never arrives: that is `UnknownOutcome`, and nothing else. The same changesets, committed
/// again, are refused by their witnesses.
pub async fn a_lost_answer_is_an_unknown_outcome(cx: Cx) {
    const BROKEN: Breakage = Breakage::CommitAnswer;
    if !cx.break_backend(BROKEN).await {
        return;
    }
    let alone = [Member::of(&cx, "alone", "alone")];
    let answer = cx.batch(&batch_of(&alone)).await;
    assert_kind(BROKEN, "a changeset that was written", &answer[0], StoreErrorKind::UnknownOutcome);
    assert_works_again(&cx, BROKEN).await;
    assert!(alone[0].is_there(&cx).await, "the harness lost the answer to a COMMIT that was done");
    assert_true(&cx, BROKEN, &alone, &answer).await;

    if cx.break_backend(BROKEN).await {
        let members = ["one", "two", "three"].map(|name| Member::of(&cx, name, "lost"));
        let answers = commit_broken(&cx, BROKEN, &members).await;
        assert_failed(BROKEN, &answers);
        let unknown = |answer: &Answer| kind(answer) == Some(StoreErrorKind::UnknownOutcome);
        assert!(answers.iter().any(unknown), "of a batch that was written nobody was told so: {answers:?}");
        assert_works_again(&cx, BROKEN).await;
        assert_true(&cx, BROKEN, &members, &answers).await;
    }
}

/// A read that fails is an error. It is never an empty answer, and a commit does not take it for one.
pub async fn a_failed_read_is_no_answer(cx: Cx) {
    const BROKEN: Breakage = Breakage::Reads;
    let there = Member::of(&cx, "there", "there");
    assert_applied(&cx.commit_set(there.changeset.clone()).await);
    if !cx.break_backend(BROKEN).await {
        return;
    }
    assert_reads_fail(&cx, BROKEN, &there, None).await;
    let members = ["one", "two", "three"].map(|name| Member::of(&cx, name, "read"));
    let answers = commit_broken(&cx, BROKEN, &members).await;
    let taken = cx.commit([insert(cx.natural_link("there"))]).await;
    assert_taken_or(BROKEN, &taken, &there, None);
    assert_works_again(&cx, BROKEN).await;
    assert!(there.is_there(&cx).await, "what was stored is there when it can be read again");
    assert_true(&cx, BROKEN, &members, &answers).await;
}

/// There is no room. That is `Full`; nothing of what found no room is stored, and it can be stored when there is room.
pub async fn a_full_disk_is_full(cx: Cx) {
    const BROKEN: Breakage = Breakage::Full;
    let there = Member::of(&cx, "there", "there");
    assert_applied(&cx.commit_set(there.changeset.clone()).await);
    if !cx.break_backend(BROKEN).await {
        return;
    }
    let alone = [Member::heavy(&cx, "alone", "alone")];
    let answer = cx.batch(&batch_of(&alone)).await;
    assert_kind(BROKEN, "a changeset of 300 KiB", &answer[0], StoreErrorKind::Full);
    let members = ["one", "two"].map(|name| Member::heavy(&cx, name, "full"));
    let answers = commit_broken(&cx, BROKEN, &members).await;
    for answer in &answers {
        assert_kind(BROKEN, "a changeset of 300 KiB beside another", answer, StoreErrorKind::Full);
    }
    assert_works_again(&cx, BROKEN).await;
    assert!(there.is_there(&cx).await, "what was stored before is there");
    assert_true(&cx, BROKEN, &alone, &answer).await;
    assert_true(&cx, BROKEN, &members, &answers).await;
}

/// The database cannot be reached. That is `Unavailable`. A commit that was on its way may be of unknown outcome, but none
/// that begins when the line is known to be cut.
pub async fn what_cannot_be_reached_is_unavailable(cx: Cx) {
    const BROKEN: Breakage = Breakage::Unreachable;
    let there = Member::of(&cx, "there", "there");
    assert_applied(&cx.commit_set(there.changeset.clone()).await);
    if !cx.break_backend(BROKEN).await {
        return;
    }
    assert_reads_fail(&cx, BROKEN, &there, Some(StoreErrorKind::Unavailable)).await;
    let members = ["one", "two"].map(|name| Member::of(&cx, name, "cut"));
    let answers = commit_broken(&cx, BROKEN, &members).await;
    for answer in &answers {
        let may = [Some(StoreErrorKind::Unavailable), Some(StoreErrorKind::UnknownOutcome)];
        assert!(may.contains(&kind(answer)), "a commit on a line that is cut was answered {answer:?}");
    }
    let last = [Member::of(&cx, "last", "last")];
    let answer = cx.batch(&batch_of(&last)).await;
    assert_kind(BROKEN, "a later commit", &answer[0], StoreErrorKind::Unavailable);
    assert_works_again(&cx, BROKEN).await;
    assert!(there.is_there(&cx).await, "what was stored before is there");
    assert_true(&cx, BROKEN, &members, &answers).await;
    assert_true(&cx, BROKEN, &last, &answer).await;
}

/// Stored records that this library did not write are `Corrupt`: for every read, and for a commit that has to read them.
pub async fn damaged_records_are_corrupt(cx: Cx) {
    const BROKEN: Breakage = Breakage::DamagedRecords;
    let there = Member::of(&cx, "there", "there");
    assert_applied(&cx.commit_set(there.changeset.clone()).await);
    if !cx.break_backend(BROKEN).await {
        return;
    }
    let corrupt = Some(StoreErrorKind::Corrupt);
    let store = cx.store();
    let [key, _] = there.keys.clone();
    assert_read_failed(BROKEN, "get", &store.get(&[there.link.id.into()]).await, corrupt);
    assert_read_failed(BROKEN, "find", &store.find(&[key]).await, corrupt);
    let page = store.page(Index::Links, &nobody(), &Range::newest(), 10).await;
    assert_read_failed(BROKEN, "page", &page, corrupt);
    // A store that does not look at the damage answers as if there were none.
    let taken = cx.commit([insert(cx.natural_link("there"))]).await;
    assert_taken_or(BROKEN, &taken, &there, corrupt);
    let stale = cx.commit([update(there.link.clone(), 7)]).await;
    let truth = Outcome::Conflict {
        index: 0,
        conflict: Conflict::Stale { id: there.link.id.into(), now: Some(there.link.version) },
    };
    assert!(
        stale.as_ref().ok() == Some(&truth) || kind(&stale) == corrupt,
        "with damaged records, an update at another version is Stale or Corrupt, and was answered {stale:?}"
    );
    assert_works_again(&cx, BROKEN).await;
    let found = cx.get(there.link.id).await;
    assert_eq!(found, Some(there.link.clone().into()), "what was damaged and mended is as it was");
    assert!(there.is_there(&cx).await, "what was damaged and mended is as it was");
}

/// Stored numbers that this library did not write are `Corrupt`, and never 0 and never left out.
pub async fn damaged_numbers_are_corrupt(cx: Cx) {
    const BROKEN: Breakage = Breakage::DamagedNumbers;
    let uses = counter("there");
    cx.apply([cx.witness(), count_any(&uses, 5)]).await;
    if !cx.break_backend(BROKEN).await {
        return;
    }
    let corrupt = Some(StoreErrorKind::Corrupt);
    let store = cx.store();
    let all = numbers_of("", Family::LinkUses, &[]);
    let all = store.counters(&all, &CounterRange::first(MAX_PAGE)).await;
    assert_read_failed(BROKEN, "counters", &all, corrupt);
    // Where the damage is in the key, nobody can know whose number it was.
    let own = numbers_of("", Family::LinkUses, &["there", ""]);
    if let Err(error) = store.counters(&own, &CounterRange::first(MAX_PAGE)).await {
        assert_eq!(Some(error.kind()), corrupt, "with damaged numbers, counters failed with {error:?}");
        for (min, max) in [(6, 6), (1, 1), (0, i64::MAX)] {
            let answer = cx.commit([cx.witness(), count(&uses, 1, min, max)]).await;
            assert_kind(BROKEN, "a count of one of them", &answer, StoreErrorKind::Corrupt);
        }
    }
    assert_works_again(&cx, BROKEN).await;
    assert_eq!(cx.number(&uses).await, 5, "a number that was damaged and mended is what it was");
}

/// More callers than most stores have connections fail at once. When the backend works again, as many callers at once are
/// served.
pub async fn failures_use_up_nothing(cx: Cx) {
    const CALLERS: usize = 12;
    let there = Member::of(&cx, "there", "there");
    assert_applied(&cx.commit_set(there.changeset.clone()).await);
    for broken in [Breakage::Writes, Breakage::Commit, Breakage::Reads] {
        if !cx.break_backend(broken).await {
            continue;
        }
        race(CALLERS, |_| {
            let (cx, id) = (cx.clone(), there.link.id);
            async move {
                let member = Member::of(&cx, &format!("failed-{}", cx.uuid().simple()), "callers");
                // What is answered is the matter of other cases.
                drop(cx.store().commit(&[member.changeset]).await);
                drop(cx.store().get(&[id.into()]).await);
            }
        })
        .await;
        assert_works_again(&cx, broken).await;
        let served = race(CALLERS, |_| {
            let (cx, id) = (cx.clone(), there.link.id);
            async move {
                let member = Member::of(&cx, &format!("served-{}", cx.uuid().simple()), "callers");
                let answer = cx.commit_set(member.changeset).await;
                let found = cx.store().get(&[id.into()]).await;
                let kind = |error: StoreError| error.kind();
                (answer.map_err(kind), found.map(|found| found.len()).map_err(kind))
            }
        })
        .await;
        for answer in served {
            assert!(
                answer == (Ok(Outcome::Applied), Ok(1)),
                "{CALLERS} callers failed at {}; afterwards as many at once should have been served, and one was answered \
                 {answer:?}",
                broken.says()
            );
        }
    }
}
