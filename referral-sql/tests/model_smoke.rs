//! Random changesets and reads, on the store and on the reference store: the answers are the same.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // to clippy, helpers are no tests

mod common;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use common::{alias, counter, link, response, tenant, user, uuid};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use referral_core::memory::MemoryStore;
use referral_core::store::{
    Bounds, Change, Changeset, Conflict, CounterKey, CounterPrefix, CounterRange, Family, Index, Outcome,
    Part, Prefix, Range, Seek, Store, UniqueKey,
};
use referral_core::{
    KeyPart, Kind, LinkId, Record, RecordId, ResponseId, Status, Timestamp, Value, Version, VisitorId,
};

fn pick<'a>(random: &mut StdRng, of: &[&'a str]) -> &'a str {
    of[random.random_range(0..of.len())]
}

/// What the records are at, so that most guards hold.
type Versions = HashMap<RecordId, Version>;

fn version(random: &mut StdRng, versions: &Versions, id: RecordId) -> Version {
    match versions.get(&id) {
        Some(version) if random.random_bool(0.8) => *version,
        _ => Version::new(random.random_range(1..4)),
    }
}

/// How many ids there are of each kind.
const IDS: u64 = 24;

fn record(random: &mut StdRng) -> Record {
    let number = random.random_range(0..IDS);
    let at = Timestamp::from_millis(random.random_range(0..4));
    // Tenant and creation belong to the id, because an update keeps them.
    let tenant = tenant(["", "a", "ab"][(number % 3) as usize]);
    let users = [None, Some(user("ada")), Some(user("Ada")), Some(user("ada ")), Some(user("ä"))];
    let owner = users[random.random_range(0..users.len())].clone();
    match random.random_range(0..3) {
        0 => {
            let mut link = link(random.random_range(0..9));
            link.id = LinkId::from_uuid(uuid(number));
            link.tenant = tenant;
            link.owner = owner;
            link.status = [Status::Active, Status::Archived][random.random_range(0..2)];
            if link.status == Status::Archived {
                link.natural = None;
            }
            link.into()
        }
        1 => {
            let mut alias =
                alias(number, pick(random, &["abc", "ABC", "abo", "ab0", "x", "y", "z", "zz", "zzz"]));
            alias.tenant = tenant;
            alias.link = LinkId::from_uuid(uuid(random.random_range(0..3)));
            alias.case_exact = random.random_bool(0.3);
            alias.into()
        }
        _ => {
            let mut response = response(number);
            response.tenant = tenant;
            response.created_at = Timestamp::from_millis((number / 4 * 300) as i64);
            response.owner = owner;
            response.user = random.random_bool(0.3).then(|| user("bob"));
            response.visitor =
                random.random_bool(0.8).then(|| VisitorId::from_uuid(uuid(random.random_range(50..52))));
            response.claimed_at = random.random_bool(0.2).then_some(at);
            response.into()
        }
    }
}

fn id(random: &mut StdRng) -> RecordId {
    let kind = Kind::ALL[random.random_range(0..Kind::ALL.len())];
    RecordId { kind, uuid: uuid(random.random_range(0..IDS)) }
}

fn number(random: &mut StdRng, counted: bool) -> CounterKey {
    let families: Vec<_> = Family::ALL.iter().filter(|family| family.is_counted() == counted).collect();
    let mut key =
        counter(*families[random.random_range(0..families.len())], pick(random, &["", "a", "ab"]), 0);
    key.tenant = tenant(pick(random, &["", "a"]));
    key.parts[1] = KeyPart::new(pick(random, &["", "A", "a", "ä"]).to_owned()).unwrap();
    key.bucket = random.random_range(-2..3);
    key
}

fn amount(random: &mut StdRng) -> i64 {
    match random.random_range(0..12) {
        0 => i64::MAX,
        1 => i64::MIN,
        2 => i64::MAX - 1,
        _ => random.random_range(-3..4),
    }
}

fn change(random: &mut StdRng, versions: &Versions, first: bool) -> Change {
    match random.random_range(if first { 0..7 } else { 0..12 }) {
        0..=1 => Change::Insert(record(random)),
        2..=3 => {
            let record = record(random);
            let was = version(random, versions, record.id());
            Change::Update { record, was }
        }
        4 | 5 => {
            let id = id(random);
            Change::Delete { id, was: version(random, versions, id) }
        }
        6 => Change::Claim {
            responses: (0..random.random_range(1..4))
                .map(|_| ResponseId::from_uuid(uuid(random.random_range(0..IDS))))
                .collect(),
            user: user("eve"),
            at: Timestamp::from_millis(9),
        },
        7 => {
            let id = id(random);
            Change::Expect { id, was: version(random, versions, id) }
        }
        8 | 9 => {
            let (low, high) = (amount(random), amount(random));
            let within = Bounds::new(low.min(high), low.max(high));
            Change::Count { counter: number(random, true), add: amount(random), within }
        }
        _ => Change::Tally { counter: number(random, false), add: amount(random) },
    }
}

fn changeset(random: &mut StdRng, versions: &Versions) -> Changeset {
    let plain = random.random_bool(0.4);
    let length = if plain { 1 } else { random.random_range(1..6) };
    let mut changeset = Changeset::default();
    for at in 0..length {
        let change = change(random, versions, at == 0);
        changeset.changes.push(if plain { Change::Insert(record(random)) } else { change });
    }
    if plain && random.random_bool(0.5) {
        changeset.changes.push(Change::Tally { counter: number(random, false), add: amount(random) });
    }
    changeset
}

/// What must be equal: of several held keys either may be named.
fn settle(outcome: &Outcome) -> Outcome {
    match outcome {
        Outcome::Conflict { index, conflict: Conflict::Taken { .. } } => Outcome::Conflict {
            index: *index,
            conflict: Conflict::Stale { id: RecordId { kind: Kind::Link, uuid: uuid(0) }, now: None },
        },
        other => other.clone(),
    }
}

async fn same_reads(random: &mut StdRng, ours: &dyn Store, model: &dyn Store) -> Versions {
    let ids: Vec<_> = Kind::ALL
        .iter()
        .flat_map(|kind| (0..=IDS).map(|number| RecordId { kind: *kind, uuid: uuid(number) }))
        .collect();
    let stored = model.get(&ids).await.unwrap();
    assert_eq!(ours.get(&ids).await.unwrap(), stored);
    let mut keys: Vec<UniqueKey> = (0..20).flat_map(|_| UniqueKey::all_of(&record(random))).collect();
    keys.push(keys[0].clone());
    assert_eq!(ours.find(&keys).await.unwrap(), model.find(&keys).await.unwrap());
    for index in Index::ALL {
        let shape = index.shape();
        let sample = stored.iter().flatten().find_map(|record| index.entry(record, &record.values()));
        let mut prefix = sample.map_or_else(|| Prefix::new(&tenant("")), |entry| entry.prefix);
        if shape.tenant && random.random_bool(0.1) {
            prefix.tenant = Some(tenant("zz"));
        }
        if prefix.parts.len() != shape.parts.iter().filter(|p| matches!(p, Part::Is(_))).count()
            || prefix.tenant.is_some() != shape.tenant
        {
            continue;
        }
        let any = |random: &mut StdRng| random.random_bool(0.4).then(|| random.random_range(-1..5) * 300);
        let range = Range {
            from: any(random),
            until: any(random),
            after: any(random).map(|at| Seek { at, id: uuid(random.random_range(0..12)) }),
            ascending: random.random_bool(0.5),
        };
        let limit = random.random_range(0..6);
        assert_eq!(
            ours.page(*index, &prefix, &range, limit).await.unwrap(),
            model.page(*index, &prefix, &range, limit).await.unwrap(),
            "{index:?} {prefix:?} {range:?}"
        );
    }
    for family in Family::ALL {
        let parts = [pick(random, &["", "a", "ab"]), pick(random, &["", "A"])];
        let parts = parts[..random.random_range(0..3)].iter().map(|p| KeyPart::new((*p).to_owned()).unwrap());
        let prefix = CounterPrefix { tenant: tenant(""), family: *family, parts: parts.collect() };
        let any = |random: &mut StdRng| random.random_bool(0.3).then(|| random.random_range(-2..3));
        let range = CounterRange {
            from: any(random),
            until: any(random),
            after: random.random_bool(0.4).then(|| number(random, family.is_counted())),
            limit: random.random_range(0..30),
        };
        assert_eq!(
            ours.counters(&prefix, &range).await.unwrap(),
            model.counters(&prefix, &range).await.unwrap(),
            "{prefix:?} {range:?}"
        );
    }
    stored.iter().flatten().map(|record| (record.id(), record.version())).collect()
}

/// What happened how often, so that a test can tell that it tested something.
type Seen = BTreeMap<String, usize>;

fn note(seen: &mut Seen, changeset: &Changeset, outcome: &Outcome) {
    let first = |text: String| text.split([' ', '(']).next().unwrap_or_default().to_owned();
    let name = match outcome {
        Outcome::Applied => "Applied".to_owned(),
        Outcome::Conflict { index, conflict } => {
            let change = first(format!("{:?}", changeset.changes[*index]));
            format!("{} by {change}", first(format!("{conflict:?}")))
        }
    };
    *seen.entry(name).or_default() += 1;
}

async fn run(seed: u64, ours: Arc<dyn Store>, steps: usize, seen: &mut Seen) {
    let mut random = StdRng::seed_from_u64(seed);
    let model = MemoryStore::new();
    let mut versions = Versions::new();
    for step in 0..steps {
        let batch: Vec<_> =
            (0..random.random_range(1..9)).map(|_| changeset(&mut random, &versions)).collect();
        let (a, b) = (ours.commit(&batch).await, model.commit(&batch).await);
        for ((a, b), changeset) in a.iter().zip(&b).zip(&batch) {
            match (a, b) {
                (Ok(a), Ok(b)) => {
                    note(seen, changeset, a);
                    assert_eq!(settle(a), settle(b), "seed {seed} step {step}: {changeset:#?}");
                    if let Outcome::Conflict { conflict: Conflict::Taken { key, holder }, .. } = a {
                        assert!(key.parts.iter().all(|part| *part != Value::Null));
                        assert_eq!(key.unique.kind(), holder.kind);
                    }
                }
                (Err(a), Err(b)) => assert_eq!(a.kind(), b.kind()),
                _ => panic!("seed {seed} step {step}: {a:?} against {b:?}: {changeset:#?}"),
            }
        }
        versions = same_reads(&mut random, &*ours, &model).await;
    }
}

/// Everything that can happen did.
fn assert_saw_all(seen: &Seen) {
    for wanted in [
        "Applied",
        "Stale by Insert",
        "Stale by Update",
        "Stale by Delete",
        "Stale by Expect",
        "Stale by Claim",
        "Taken by Insert",
        "Taken by Update",
        "OutOfBounds by Count",
    ] {
        assert!(seen.get(wanted).is_some_and(|times| *times > 5), "{wanted}: {seen:?}");
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_answers_as_the_reference_does() {
    let mut seen = Seen::new();
    for seed in 0..4 {
        let (store, _folder) = common::sqlite().await;
        run(seed, Arc::new(store), 60, &mut seen).await;
    }
    assert_saw_all(&seen);
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_joined_sqlite_answers_as_the_reference_does() {
    let mut seen = Seen::new();
    for seed in 100..104 {
        let (store, _folder) = common::sqlite().await;
        let joined = store.join(store.begin().await.unwrap());
        run(seed, Arc::new(joined.clone()), 60, &mut seen).await;
        joined.release().await.unwrap().commit().await.unwrap();
    }
    assert_saw_all(&seen);
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_answers_as_the_reference_does() {
    let Some(scratch) = common::scratch::postgres().await else { return };
    scratch
        .run(|store| async move {
            let mut seen = Seen::new();
            store.migrate().await.unwrap();
            run(200, Arc::new(store), 120, &mut seen).await;
        })
        .await;
}

#[cfg(feature = "mysql")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mysql_answers_as_the_reference_does() {
    let Some(scratch) = common::scratch::mysql().await else { return };
    scratch
        .run(|store| async move {
            let mut seen = Seen::new();
            store.migrate().await.unwrap();
            run(300, Arc::new(store), 120, &mut seen).await;
        })
        .await;
}
