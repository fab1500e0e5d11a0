//! One link with all that leads to it, and what a handle shows of it.

use referral_core::store::{
    Change, Changeset, CounterKey, Index, Outcome, Prefix, Range, Read, Record, RecordId, Store, UniqueKey,
    Version,
};
use referral_core::{Alias, Link};
use uuid::Uuid;

use crate::cx::{Cx, Handle, number};
use crate::make::{
    code, count_any, counter, delete, insert, natural, nobody, patch, statistic, tally, text, update, user,
    with_natural, words,
};
use crate::samples;

/// What is written and read: a link that is reached in every way, and two numbers.
#[derive(Clone)]
pub(crate) struct Subject {
    name: String,
    pub(crate) link: Link,
    alias: Alias,
}

/// What a handle shows of a [`Subject`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Shown {
    by_id: Option<Record>,
    by_key: Option<Record>,
    by_other_key: Option<Record>,
    code: Option<RecordId>,
    page: Vec<Record>,
    codes: Vec<RecordId>,
}

impl Subject {
    pub(crate) fn new(cx: &Cx, name: &str) -> Self {
        // A code has no spaces.
        Self::of([cx.uuid(), cx.uuid()], name.replace(' ', "-"))
    }

    /// The subject of a number, which is the same in every process.
    pub(crate) fn numbered(number: u64) -> Self {
        Self::of([1, 2].map(|low| Uuid::from_u64_pair(number, low)), format!("subject-{number}"))
    }

    fn of([link, alias]: [Uuid; 2], name: String) -> Self {
        let link = with_natural(samples::link(link), Some(&name));
        let link = Link { owner: Some(user(&name)), ..link };
        let alias = Alias { link: link.id, ..samples::alias(alias, text(&name)) };
        Self { name, link, alias }
    }

    fn other_key(&self) -> String {
        format!("other {}", self.name)
    }

    fn keys(&self) -> [UniqueKey; 3] {
        [natural(&self.name), natural(&self.other_key()), code(&self.name)]
    }

    pub(crate) fn numbers(&self) -> [CounterKey; 2] {
        [counter(&self.name), statistic(&self.name, "all")]
    }

    /// What leads to nothing.
    pub(crate) fn absent(&self) -> Shown {
        Shown { by_id: None, by_key: None, by_other_key: None, code: None, page: vec![], codes: vec![] }
    }

    fn there(&self, link: Link) -> Shown {
        let record = Record::from(link);
        let alias = RecordId::from(self.alias.id);
        let is_held = |key| UniqueKey::all_of(&record).contains(&natural(key)).then(|| record.clone());
        Shown {
            by_id: Some(record.clone()),
            by_key: is_held(&self.name),
            by_other_key: is_held(&self.other_key()),
            code: Some(alias),
            page: vec![record.clone()],
            codes: vec![alias],
        }
    }

    /// The changesets of a life, one after another, each with what is there behind it.
    pub(crate) fn life(&self) -> Vec<(&'static str, Changeset, Shown)> {
        let at = |version: i64, link: &Link| Link { version: Version::new(version), ..link.clone() };
        let born = self.link.clone();
        let edited = Link { label: text("edited"), ..with_natural(born.clone(), Some(&self.other_key())) };
        let patched = Link { label: text("patched"), ..edited.clone() };
        vec![
            (
                "inserted it",
                Changeset::new([insert(born.clone()), insert(self.alias.clone())]),
                self.there(at(1, &born)),
            ),
            ("updated it", Changeset::new([update(edited.clone(), 1)]), self.there(at(2, &edited))),
            (
                "patched it",
                Changeset::new([patch([(self.link.id, 2)], [("label", words("patched"))])]),
                self.there(at(3, &patched)),
            ),
            (
                "deleted it",
                Changeset::new([delete(self.link.id, 3), delete(self.alias.id, 1)]),
                self.absent(),
            ),
        ]
    }

    /// What a handle shows, asked in every way.
    pub(crate) async fn shown<S: Read + ?Sized>(&self, store: &S) -> Shown {
        let mut points = store.get(&[self.link.id.into()]).await.expect("get");
        let mut found = store.find(&self.keys()).await.expect("find");
        let page = |index: Index, prefix: Prefix| async move {
            store.page(index, &prefix, &Range::oldest(), 9).await.expect("page")
        };
        let codes = page(Index::AliasesOfLink, nobody().uuid(self.link.id.as_uuid())).await;
        Shown {
            by_id: points.pop().flatten(),
            code: found.pop().flatten().map(|record| record.id()),
            by_other_key: found.pop().flatten(),
            by_key: found.pop().flatten(),
            page: page(Index::LinksOfOwner, nobody().text(&self.name)).await,
            codes: codes.iter().map(Record::id).collect(),
        }
    }

    /// Changes both numbers.
    pub(crate) fn counted(&self, witness: Change, add: i64) -> Changeset {
        let [uses, clicks] = self.numbers();
        Changeset::new([witness, count_any(&uses, add), tally(&clicks, add)])
    }

    pub(crate) async fn read_numbers<S: Read + ?Sized>(&self, store: &S) -> [i64; 2] {
        let [uses, clicks] = self.numbers();
        [number(store, &uses).await, number(store, &clicks).await]
    }

    /// Every call once, on one handle: the whole life, with the numbers.
    pub(crate) async fn everything(&self, cx: &Cx, store: &dyn Store) {
        assert_eq!(self.shown(store).await, self.absent(), "what is there of {}", self.name);
        for (what, changeset, there) in self.life() {
            commit(store, changeset).await;
            assert_eq!(self.shown(store).await, there, "what is there of {} after who {what}", self.name);
        }
        let before = self.read_numbers(store).await;
        commit(store, self.counted(cx.witness(), 3)).await;
        let after = before.map(|number| number + 3);
        assert_eq!(self.read_numbers(store).await, after, "the numbers of {} and 3 more", self.name);
    }
}

/// Commits one changeset on a handle, which must be applied.
pub(crate) async fn commit(store: &dyn Store, changeset: Changeset) {
    let answers = store.commit(&[changeset]).await;
    assert!(
        matches!(answers.as_slice(), [Ok(Outcome::Applied)]),
        "this should have been applied: {answers:?}"
    );
}

/// One more handle, where the store says that several may use the data.
pub(crate) async fn another(cx: &Cx) -> Option<Handle> {
    if !cx.facts().shared {
        return None;
    }
    if cx.address().is_none() {
        cx.skip("the harness gives no address at which another handle finds the data");
        return None;
    }
    let handle = cx.handle().await;
    assert!(
        handle.is_some(),
        "the store says that it is shared, and its harness opens no other handle on it"
    );
    handle
}
