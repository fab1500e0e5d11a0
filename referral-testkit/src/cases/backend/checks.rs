//! What the cases of a broken backend commit, and what they hold the answers to.

use referral_core::store::{
    Change, Changeset, Conflict, CounterKey, CounterRange, Family, Index, MAX_PAGE, Outcome, Range, RecordId,
    StoreError, StoreErrorKind, UniqueKey,
};
use referral_core::{Alias, Destination, Link, Metadata};
use tokio::task::yield_now;

use crate::breakage::Breakage;
use crate::cx::{Cx, assert_invalid};
use crate::make::{code, count, counter, insert, natural, nobody, numbers_of, statistic, tally, text};

pub(super) type Answer = Result<Outcome, StoreError>;

/// How often a store may fail before it works again.
pub(super) const TRIES: usize = 20;

/// A changeset, and what it leaves behind if it is applied. The write of its link comes last, so that what a store wrote
/// before it shows.
pub(super) struct Member {
    pub(super) link: Link,
    pub(super) keys: [UniqueKey; 2],
    pub(super) uses: CounterKey,
    pub(super) clicks: CounterKey,
    pub(super) changeset: Changeset,
}

impl Member {
    /// A link with a natural key, its code, a counter of its own, and a statistic that all members of a batch add to.
    pub(super) fn of(cx: &Cx, name: &str, batch: &str) -> Self {
        Self::with(cx, name, batch, [])
    }

    /// As [`Member::of`], and about 300 KiB more.
    pub(super) fn heavy(cx: &Cx, name: &str, batch: &str) -> Self {
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
    pub(super) async fn is_there(&self, cx: &Cx) -> bool {
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

pub(super) fn batch_of(members: &[Member]) -> Vec<Changeset> {
    members.iter().map(|member| member.changeset.clone()).collect()
}

/// A changeset that breaks a rule.
pub(super) fn invalid() -> Changeset {
    Changeset::new([tally(&statistic("no-witness", "all"), 1)])
}

pub(super) fn kind(answer: &Answer) -> Option<StoreErrorKind> {
    answer.as_ref().err().map(StoreError::kind)
}

/// Commits these members and a changeset that breaks a rule, as one batch, while the backend is broken. Gives the answers
/// of the members.
pub(super) async fn commit_broken(cx: &Cx, breakage: Breakage, members: &[Member]) -> Vec<Answer> {
    let mut answers = cx.batch(&[batch_of(members), vec![invalid()]].concat()).await;
    let last = answers.pop().expect("the answer to the last changeset");
    assert_invalid(last, &format!("beside {}, a changeset without a witness", breakage.says()));
    answers
}

/// Every answer is an error of the backend.
#[track_caller]
pub(super) fn assert_failed(breakage: Breakage, answers: &[Answer]) {
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
pub(super) fn assert_kind(breakage: Breakage, what: &str, answer: &Answer, expected: StoreErrorKind) {
    assert!(
        kind(answer) == Some(expected),
        "with {}, {what} should have been answered {expected:?}, and was answered {answer:?}",
        breakage.says()
    );
}

/// A read failed with this error, or with any.
#[track_caller]
pub(super) fn assert_read_failed<T: std::fmt::Debug>(
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
pub(super) async fn assert_reads_fail(
    cx: &Cx,
    breakage: Breakage,
    there: &Member,
    expected: Option<StoreErrorKind>,
) {
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
pub(super) async fn assert_works_again(cx: &Cx, breakage: Breakage) {
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
pub(super) async fn assert_true(cx: &Cx, breakage: Breakage, members: &[Member], answers: &[Answer]) {
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

/// An insert that needs the natural key of a stored member was refused by it, or failed as expected.
#[track_caller]
pub(super) fn assert_taken_or(
    breakage: Breakage,
    answer: &Answer,
    there: &Member,
    expected: Option<StoreErrorKind>,
) {
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
