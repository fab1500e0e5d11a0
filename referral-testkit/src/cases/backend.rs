//! The backend itself fails, where the harness can break it: what a store then says is true, and it works again when the
//! backend does.

use referral_core::Link;
use referral_core::store::{
    Change, Changeset, Conflict, CounterKey, CounterRange, Family, Index, MAX_PAGE, Outcome, Range, RecordId,
    StoreError, StoreErrorKind, UniqueKey,
};
use referral_core::{Alias, Destination, Metadata};
use tokio::task::yield_now;

use crate::breakage::Breakage;
use crate::cx::{Cx, assert_applied, assert_invalid};
use crate::make::{
    code, count, count_any, counter, delete, insert, natural, nobody, numbers_of, statistic, tally, text,
    update,
};
use crate::race::race;

type Answer = Result<Outcome, StoreError>;

/// How often a store may fail before it works again.
const TRIES: usize = 20;

/// A changeset, and what it leaves behind if it is applied. The write of its link comes last, so that what a store wrote
/// before it shows.
struct Member {
    link: Link,
    keys: [UniqueKey; 2],
    uses: CounterKey,
    clicks: CounterKey,
    changeset: Changeset,
}

impl Member {
    /// A link with a natural key, its code, a counter of its own, and a statistic that all members of a batch add to.
    fn of(cx: &Cx, name: &str, batch: &str) -> Self {
        Self::with(cx, name, batch, [])
    }

    /// As [`Member::of`], and about 300 KiB more.
    fn heavy(cx: &Cx, name: &str, batch: &str) -> Self {
        let metadata = Metadata::new([("k", "m".repeat(8_000))]).unwrap();
        let destination: Destination = text(&format!("/{}", "d".repeat(2_000)));
        let more =
            || insert(Link { metadata: metadata.clone(), destination: destination.clone(), ..cx.link() });
        Self::with(cx, name, batch, std::iter::repeat_with(more).take(30))
    }

    fn with(cx: &Cx, name: &str, batch: &str, more: impl IntoIterator<Item = Change>) -> Self {
        let (link, uses, clicks) = (cx.natural_link(name), counter(name), statistic(batch, "all"));
        let alias = Alias { link: link.id, ..cx.alias(name) };
        let begin = [insert(alias), count(&uses, 1, 0, 1), tally(&clicks, 1)];
        let changes = begin.into_iter().chain(more).chain([insert(link.clone())]);
        let changeset = Changeset::new(changes);
        Self { link, keys: [natural(name), code(name)], uses, clicks, changeset }
    }

    /// Whether it is there. It is an error if half of it is.
    async fn is_there(&self, cx: &Cx) -> bool {
        let [link, alias] = self.keys.clone();
        let parts = [
            cx.get(self.link.id).await.is_some(),
            cx.find(link).await.is_some(),
            cx.find(alias).await.is_some(),
            cx.number(&self.uses).await == 1,
        ];
        assert!(
            parts.iter().all(|there| *there == parts[0]),
            "a changeset is whole or absent; of this one the link, its natural key, its code and its number are there as \
             follows: {parts:?}"
        );
        parts[0]
    }
}

fn batch_of(members: &[Member]) -> Vec<Changeset> {
    members.iter().map(|member| member.changeset.clone()).collect()
}

/// A changeset that breaks a rule.
fn invalid() -> Changeset {
    Changeset::new([tally(&statistic("no-witness", "all"), 1)])
}

fn kind(answer: &Answer) -> Option<StoreErrorKind> {
    answer.as_ref().err().map(StoreError::kind)
}

/// Commits these members and a changeset that breaks a rule, as one batch, while the backend is broken. Gives the answers
/// of the members.
async fn commit_broken(cx: &Cx, breakage: Breakage, members: &[Member]) -> Vec<Answer> {
    let mut answers = cx.batch(&[batch_of(members), vec![invalid()]].concat()).await;
    let last = answers.pop().expect("the answer to the last changeset");
    assert_invalid(last, &format!("beside {}, a changeset without a witness", breakage.says()));
    answers
}

/// Every answer is an error of the backend.
#[track_caller]
fn assert_failed(breakage: Breakage, answers: &[Answer]) {
    for (member, answer) in answers.iter().enumerate() {
        assert!(
            kind(answer).is_some_and(|kind| kind != StoreErrorKind::Invalid),
            "with {}, changeset {member} cannot have been applied and meets no other; it should have been answered with \
             the error, and was answered {answer:?}",
            breakage.says()
        );
    }
}

/// An answer is an error of this kind.
#[track_caller]
fn assert_kind(breakage: Breakage, what: &str, answer: &Answer, expected: StoreErrorKind) {
    assert!(
        kind(answer) == Some(expected),
        "with {}, {what} should have been answered {expected:?}, and was answered {answer:?}",
        breakage.says()
    );
}

/// A read failed with this error, or with any.
#[track_caller]
fn assert_read_failed<T: std::fmt::Debug>(
    breakage: Breakage,
    read: &str,
    answer: &Result<T, StoreError>,
    expected: Option<StoreErrorKind>,
) {
    let Err(error) = answer else {
        panic!("with {}, {read} should have failed, and was answered {answer:?}", breakage.says())
    };
    let never = [StoreErrorKind::Invalid, StoreErrorKind::UnknownOutcome];
    let right = expected.map_or(!never.contains(&error.kind()), |expected| error.kind() == expected);
    let wanted = expected.map_or_else(|| format!("none of {never:?}"), |kind| format!("{kind:?}"));
    assert!(
        right,
        "with {}, {read} should have failed with {wanted}, and failed with {error:?}",
        breakage.says()
    );
}

/// Each of the four reads fails, where it would give a record or a number of this member.
async fn assert_reads_fail(cx: &Cx, breakage: Breakage, there: &Member, expected: Option<StoreErrorKind>) {
    let store = cx.store();
    let [key, _] = there.keys.clone();
    assert_read_failed(breakage, "get", &store.get(&[there.link.id.into()]).await, expected);
    assert_read_failed(breakage, "find", &store.find(&[key]).await, expected);
    let page = store.page(Index::Links, &nobody(), &Range::newest(), 10).await;
    assert_read_failed(breakage, "page", &page, expected);
    let numbers = numbers_of("", Family::LinkUses, &[]);
    let numbers = store.counters(&numbers, &CounterRange::first(MAX_PAGE)).await;
    assert_read_failed(breakage, "counters", &numbers, expected);
}

/// The backend is mended, and the same handle writes and reads again within a few tries.
async fn assert_works_again(cx: &Cx, breakage: Breakage) {
    cx.mend_backend().await;
    let mut said = None;
    for _ in 0..TRIES {
        let member = Member::of(cx, &format!("mended-{}", cx.uuid().simple()), "mended");
        match cx.commit_set(member.changeset.clone()).await {
            Ok(Outcome::Applied) => match cx.store().get(&[member.link.id.into()]).await {
                Ok(found) => {
                    assert!(found.iter().all(Option::is_some), "what was applied can be read: {found:?}");
                    return;
                }
                Err(error) => said = Some(error),
            },
            Ok(conflict) => panic!("after {}, a new changeset met {conflict:?}", breakage.says()),
            Err(error) => said = Some(error),
        }
        yield_now().await;
    }
    panic!("{} is over, and the handle still fails after {TRIES} tries: {said:?}", breakage.says());
}

/// What was answered while the backend was broken is what is there now that it works again, and the same changesets,
/// committed again, are applied once.
async fn assert_true(cx: &Cx, breakage: Breakage, members: &[Member], answers: &[Answer]) {
    let mut there = Vec::new();
    for (at, (member, answer)) in members.iter().zip(answers).enumerate() {
        let is_there = member.is_there(cx).await;
        let told = match answer {
            Ok(Outcome::Applied) => Some(true),
            Ok(Outcome::Conflict { .. }) => Some(false),
            Err(error) if error.kind() == StoreErrorKind::UnknownOutcome => None,
            Err(_) => Some(false),
        };
        assert!(
            told.is_none_or(|told| told == is_there),
            "with {}, changeset {at} was answered {answer:?}, and afterwards it is {}",
            breakage.says(),
            if is_there { "there" } else { "not there" }
        );
        there.push(is_there);
    }
    for (at, (member, is_there)) in members.iter().zip(&there).enumerate() {
        let answer = cx.commit_set(member.changeset.clone()).await;
        let refused = matches!(
            answer,
            Ok(Outcome::Conflict { index: 0, conflict: Conflict::Stale { now: Some(_), .. } })
        );
        assert!(
            if *is_there { refused } else { matches!(answer, Ok(Outcome::Applied)) },
            "after {}, changeset {at} was {}, and committed again it was answered {answer:?}",
            breakage.says(),
            if *is_there { "there" } else { "not there" }
        );
        assert!(member.is_there(cx).await, "after {}, changeset {at} is there once", breakage.says());
    }
    if let Some(first) = members.first() {
        let sum = cx.number(&first.clicks).await;
        assert_eq!(
            sum,
            members.len() as i64,
            "each of {} changesets added 1 to this statistic",
            members.len()
        );
    }
}

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

/// An insert that needs the natural key of a stored member was refused by it, or failed as expected.
#[track_caller]
fn assert_taken_or(breakage: Breakage, answer: &Answer, there: &Member, expected: Option<StoreErrorKind>) {
    let id = RecordId::from(there.link.id);
    let right = match answer {
        Ok(Outcome::Applied) => false,
        Ok(Outcome::Conflict { conflict, .. }) => {
            matches!(conflict, Conflict::Taken { holder, .. } if *holder == id)
        }
        Err(error) => match expected {
            Some(expected) => error.kind() == expected,
            None => error.kind() != StoreErrorKind::Invalid,
        },
    };
    let wanted = expected.map_or_else(|| "with an error".to_owned(), |kind| format!("with {kind:?}"));
    assert!(
        right,
        "with {}, the insert of a natural key that {id} holds should have been answered Taken by it or {wanted}, and was \
         answered {answer:?}",
        breakage.says()
    );
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
