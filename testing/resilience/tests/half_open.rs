//! R11: a line that falls silent costs a call its time and the pool nothing.
//!
//! SQLite and sled have no line: they are in the process.
#![allow(clippy::unwrap_used, clippy::panic)] // to clippy, helpers are no tests

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, join_all};
use referral_core::store::{Bounds, Change, Changeset, Outcome, Read, Store, StoreError, StoreErrorKind};
use referral_mongo::MongoStore;
use referral_mongo::mongodb::Client;
use referral_mongo::mongodb::event::EventHandler;
use referral_mongo::mongodb::event::cmap::CmapEvent;
use referral_mongo::mongodb::options::ClientOptions;
use referral_resilience::figures::report;
use referral_resilience::proxy::Proxy;
use referral_resilience::samples::{WHOLE, changeset, counter, ids, link, parts};
use referral_resilience::scratch::{Database, ServerKind};
use referral_sql::backend::Backend;
use referral_sql::sqlx::{MySql, Postgres, pool::PoolOptions};
use referral_sql::{MySqlStore, PostgresStore, SqlStore};

/// How many connections a pool has.
const SIZE: u32 = 8;
/// How many calls have to meet silence.
const SILENT: usize = 1_000;
/// How long a call may take.
const TIMEOUT: Duration = Duration::from_millis(250);
/// What a busy machine may add to it.
const SLACK: Duration = Duration::from_millis(400);

type Call = BoxFuture<'static, Result<(), StoreError>>;

/// The longest that any call of a store took.
#[derive(Clone, Default)]
struct Slowest(Arc<AtomicU64>);

impl Slowest {
    async fn of<T>(&self, call: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let answer = call.await;
        self.0.fetch_max(begun.elapsed().as_micros() as u64, Ordering::SeqCst);
        answer
    }

    fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// What calls came to while the line fell silent.
#[derive(Default)]
struct Seen {
    calls: usize,
    silent: usize,
    unknown: usize,
}

impl Seen {
    async fn add(&mut self, calls: Vec<Call>) {
        for ended in join_all(calls.into_iter().map(tokio::spawn)).await {
            self.calls += 1;
            match ended.unwrap().map_err(|error| (error.kind(), error)) {
                Ok(()) => {}
                Err((StoreErrorKind::Unavailable, _)) => self.silent += 1,
                Err((StoreErrorKind::UnknownOutcome, _)) => {
                    self.silent += 1;
                    self.unknown += 1;
                }
                Err((_, error)) => panic!("a silent line is no reason for {error:?}"),
            }
        }
    }
}

/// Calls of every kind, round after round, on a line that falls silent ever later in them.
async fn fall_silent(proxy: &Proxy, mut call: impl FnMut(u64) -> Call) -> Seen {
    let mut seen = Seen::default();
    let mut number = 0;
    let mut next = || {
        number += 1;
        call(number)
    };
    let mut round = 0;
    while seen.silent < SILENT - 300 {
        proxy.speak();
        proxy.silence_after(round * 7 % 150);
        seen.add((0..32).map(|_| next()).collect()).await;
        round += 1;
        assert!(round < 200, "{} of {} calls met silence", seen.silent, seen.calls);
    }
    proxy.silence();
    seen.add((0..300).map(|_| next()).collect()).await;
    proxy.speak();
    seen
}

fn tell(name: &str, seen: &Seen, slowest: Duration, lost: u32) {
    report(
        "R11",
        name,
        &[
            ("silent calls", seen.silent.to_string()),
            ("of unknown outcome", seen.unknown.to_string()),
            ("slowest answer", format!("{:.2} s", slowest.as_secs_f64())),
            ("timeout", format!("{:.2} s", TIMEOUT.as_secs_f64())),
            ("permits lost", lost.to_string()),
        ],
    );
    assert!(slowest < TIMEOUT + SLACK, "{name}: a call took {slowest:?}");
    assert_eq!(lost, 0);
}

/// A commit, with what its answer says about what is stored.
fn commit(store: Arc<dyn Store>, number: u64, told: Arc<Told>, slowest: Slowest) -> Call {
    Box::pin(async move {
        let answer = slowest.of(store.commit(&[changeset(number)])).await.remove(0);
        told.lock().unwrap().push((number, answer.as_ref().map(|_| ()).map_err(StoreError::kind)));
        assert!(matches!(answer, Ok(Outcome::Applied) | Err(_)), "{answer:?}");
        answer.map(drop)
    })
}

type Told = std::sync::Mutex<Vec<(u64, Result<(), StoreErrorKind>)>>;

/// What was acknowledged is there, what was refused is not, and nothing is there in part.
async fn told_the_truth(store: &dyn Read, told: &Told) {
    let told = std::mem::take(&mut *told.lock().unwrap());
    assert!(!told.is_empty());
    for (number, answer) in told {
        let found = parts(store, number).await.unwrap();
        let right = match answer {
            Ok(()) => found == WHOLE,
            Err(StoreErrorKind::UnknownOutcome) => found == 0 || found == WHOLE,
            Err(_) => found == 0,
        };
        assert!(right, "number {number} was answered {answer:?}, and {found} of its parts are there");
    }
}

/// One commit on a line that falls silent after its first chunk, its second, and so on, until some are through.
async fn every_stage(name: &str, proxy: &Proxy, store: Arc<dyn Store>, at_rest: impl Fn() -> bool) {
    let told = Arc::new(Told::default());
    let (mut stages, mut through) = (0, 0);
    while through < 3 {
        proxy.speak();
        // A pool of the host's finds out one by one which of its connections are dead.
        let mut tries = 0;
        while let Err(error) = store.get(&ids(0)).await {
            tries += 1;
            assert!(tries < 20, "{name}: {error:?}");
        }
        // On its way back a connection is asked how it is. That is no stage of the commit.
        while !at_rest() {
            tokio::task::yield_now().await;
        }
        proxy.silence_after(stages);
        let done = commit(store.clone(), 2_000_000 + stages as u64, told.clone(), Slowest::default()).await;
        through += usize::from(done.is_ok());
        stages += 1;
        assert!(stages < 500, "{name}: a commit takes {stages} chunks");
    }
    proxy.speak();
    let mut tries = 0;
    while let Err(error) = store.get(&ids(0)).await {
        tries += 1;
        assert!(tries < 20, "{name}: {error:?}");
    }
    let unknown = Err(StoreErrorKind::UnknownOutcome);
    let unknown = told.lock().unwrap().iter().filter(|(_, answer)| *answer == unknown).count();
    told_the_truth(&*store, &told).await;
    let figures = [("stages of a commit", stages.to_string()), ("of unknown outcome", unknown.to_string())];
    report("R11", name, &figures);
    assert!(unknown > 0, "{name}: COMMIT met no silence");
}

async fn works_again(store: &Arc<dyn Store>) {
    let told = Arc::new(Told::default());
    let calls = (0..200).map(|n| commit(store.clone(), 1_000_000 + n, told.clone(), Slowest::default()));
    let failed: Vec<_> = join_all(calls).await.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{failed:?}");
    told_the_truth(&**store, &told).await;
}

async fn sql<B: Backend>(database: &Database, options: PoolOptions<B>, direct: SqlStore<B>) {
    direct.migrate().await.unwrap();
    let (proxy, url) = Proxy::before(&database.url).await;
    let options = options.max_connections(SIZE).acquire_timeout(Duration::from_secs(30));
    let store = SqlStore::from_pool(options.connect(&url).await.unwrap()).await.unwrap();
    let (quick, patient) = (store.clone().with_timeout(TIMEOUT), store.with_timeout(Duration::from_secs(30)));
    let told = Arc::new(Told::default());
    let slowest = Slowest::default();
    let seen = fall_silent(&proxy, |number| {
        let (store, slowest) = (quick.clone(), slowest.clone());
        match number % 5 {
            0 => Box::pin(async move { slowest.of(store.get(&ids(number))).await.map(drop) }),
            1 => Box::pin(async move {
                let joined = store.join(slowest.of(store.begin()).await?);
                slowest.of(joined.get(&ids(number))).await?;
                slowest.of(joined.commit(&[changeset(number)])).await.remove(0).map(drop)
            }),
            2 => {
                Box::pin(async move { slowest.of(store.begin()).await.map(|begun| drop(store.join(begun))) })
            }
            _ => commit(Arc::new(store), number, told.clone(), slowest),
        }
    })
    .await;
    // As many transactions at once as the pool has connections, each held until all are there.
    let begun = join_all((0..SIZE).map(|_| patient.begin())).await;
    let lost = begun.iter().filter(|begun| begun.is_err()).count() as u32;
    for transaction in begun.into_iter().flatten() {
        transaction.rollback().await.unwrap();
    }
    tell(B::STORE, &seen, slowest.get(), lost);
    let patient: Arc<dyn Store> = Arc::new(patient);
    works_again(&patient).await;
    told_the_truth(&direct, &told).await;
    let at_rest = || quick.pool().num_idle() == quick.pool().size() as usize;
    every_stage(B::STORE, &proxy, Arc::new(quick.clone()), at_rest).await;
    quick.close().await;
    direct.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_line_to_postgres_costs_time_and_no_connection() {
    let Some(database) = ServerKind::Postgres.database().await else { return };
    let direct = PostgresStore::open(&database.url).await.unwrap();
    sql::<Postgres>(&database, PostgresStore::pool_options(), direct).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_line_to_a_pool_of_the_hosts_costs_time_and_no_connection() {
    let Some(database) = ServerKind::Postgres.database().await else { return };
    let direct = PostgresStore::open(&database.url).await.unwrap();
    // sqlx's own way: it asks an idle connection how it is, for as long as the call may take.
    sql::<Postgres>(&database, PoolOptions::new(), direct).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_line_to_mysql_costs_time_and_no_connection() {
    let Some(database) = ServerKind::MySql.database().await else { return };
    let direct = MySqlStore::open(&database.url).await.unwrap();
    sql::<MySql>(&database, MySqlStore::pool_options(), direct).await;
}

/// What a line takes along that fell silent inside a transaction: the server gives it up by itself.
async fn locks_are_let_go<B: Backend>(database: &Database, options: PoolOptions<B>, direct: SqlStore<B>) {
    direct.migrate().await.unwrap();
    let count = |number| {
        let count = Change::Count { counter: counter(1), add: 1, within: Bounds::ANY };
        [Changeset::new([Change::Insert(link(number).into()), count])]
    };
    assert_eq!(direct.commit(&count(1)).await.remove(0).unwrap(), Outcome::Applied);
    let (proxy, url) = Proxy::before(&database.url).await;
    let silent = SqlStore::from_pool(options.connect(&url).await.unwrap()).await.unwrap();
    let joined = silent.join(silent.begin().await.unwrap());
    assert_eq!(joined.commit(&count(2)).await.remove(0).unwrap(), Outcome::Applied);
    proxy.silence();
    let begun = Instant::now();
    let direct = direct.with_timeout(Duration::from_secs(1));
    let mut tries = 0;
    while let Err(error) = direct.commit(&count(3)).await.remove(0) {
        assert!(error.is_retryable(), "{error:?}");
        tries += 1;
        assert!(tries < 40, "{error:?}");
    }
    assert!(tries > 0, "the lock was not held");
    let waited = format!("{:.1} s", begun.elapsed().as_secs_f64());
    report("R11", B::STORE, &[("locks of a silent line gone after", waited)]);
    drop((joined, proxy));
    direct.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_lets_go_of_the_locks_of_a_silent_line() {
    let Some(database) = ServerKind::Postgres.database().await else { return };
    let direct = PostgresStore::open(&database.url).await.unwrap();
    locks_are_let_go::<Postgres>(&database, PostgresStore::pool_options(), direct).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mysql_lets_go_of_the_locks_of_a_silent_line() {
    let Some(database) = ServerKind::MySql.database().await else { return };
    let direct = MySqlStore::open(&database.url).await.unwrap();
    locks_are_let_go::<MySql>(&database, MySqlStore::pool_options(), direct).await;
}

/// Connections that fell silent while they were idle are replaced before a call gets one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_died_idle_fail_no_call() {
    let Some(database) = ServerKind::Postgres.database().await else { return };
    let (proxy, url) = Proxy::before(&database.url).await;
    // A busy machine takes its time to make ten connections at once.
    let options = PostgresStore::pool_options().acquire_timeout(Duration::from_secs(10));
    let store = SqlStore::from_pool(options.connect(&url).await.unwrap()).await.unwrap();
    store.migrate().await.unwrap();
    let begun: Vec<_> = join_all((0..10).map(|_| store.begin())).await;
    for transaction in begun {
        transaction.unwrap().rollback().await.unwrap();
    }
    // Not while they are on their way back: there sqlx asks them without a limit, and the host's are not ours to bound.
    while store.pool().num_idle() < 10 {
        tokio::task::yield_now().await;
    }
    proxy.silence();
    proxy.speak();
    let answers = join_all((0..10).map(async |n| store.get(&ids(n)).await.map(drop))).await;
    let failed: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{failed:?}");
    store.close().await;
}

async fn migrating(name: &str, proxy: &Proxy, migrate: impl AsyncFn() -> Result<(), StoreError>) {
    let mut slowest = Duration::ZERO;
    let mut tries = 0;
    loop {
        proxy.speak();
        proxy.silence_after(tries * 9);
        let begun = Instant::now();
        let done = migrate().await;
        slowest = slowest.max(begun.elapsed());
        match done {
            Ok(()) => break,
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}"),
        }
        tries += 1;
    }
    assert!(tries > 2, "{tries}");
    let slowest = format!("{:.2} s", slowest.as_secs_f64());
    report("R11", name, &[("silent migrations", tries.to_string()), ("slowest answer", slowest)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrating_on_a_silent_line_ends_in_time_and_can_be_run_again() {
    if let Some(database) = ServerKind::Postgres.database().await {
        let (proxy, url) = Proxy::before(&database.url).await;
        let store = PostgresStore::open(&url).await.unwrap().with_migration_timeout(2 * TIMEOUT);
        migrating("postgres", &proxy, async || store.migrate().await).await;
    }
}

/// Which connections are in use, and the most that were at once. By name: a call that was dropped on its way to a
/// connection checks one in that it never checked out.
#[derive(Default)]
struct InUse {
    now: BTreeSet<u32>,
    most: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_line_to_mongodb_costs_time_and_no_connection() {
    let Some(database) = ServerKind::Mongo.database().await else { return };
    let direct = MongoStore::open(&database.url).await.unwrap();
    direct.migrate().await.unwrap();
    let (proxy, url) = Proxy::before(&database.url).await;
    let in_use = Arc::new(Mutex::new(InUse::default()));
    let mut options = ClientOptions::parse(&url).await.unwrap();
    options.max_pool_size = Some(SIZE);
    options.connect_timeout = Some(TIMEOUT);
    options.heartbeat_freq = Some(Duration::from_millis(500));
    options.server_selection_timeout = Some(Duration::from_secs(10));
    let counted = in_use.clone();
    options.cmap_event_handler = Some(EventHandler::callback(move |event| match event {
        CmapEvent::ConnectionCheckedOut(event) => {
            let mut in_use = counted.lock().unwrap();
            in_use.now.insert(event.connection_id);
            in_use.most = in_use.most.max(in_use.now.len());
        }
        CmapEvent::ConnectionCheckedIn(event) => {
            counted.lock().unwrap().now.remove(&event.connection_id);
        }
        _ => {}
    }));
    let client = Client::with_options(options).unwrap();
    let store = MongoStore::with_client(client, &database.name).await.unwrap();
    let (quick, patient) = (store.clone().with_timeout(TIMEOUT), store.with_timeout(Duration::from_secs(60)));
    let told = Arc::new(Told::default());
    let slowest = Slowest::default();
    let seen = fall_silent(&proxy, |number| {
        let (store, slowest) = (quick.clone(), slowest.clone());
        match number % 3 {
            0 => Box::pin(async move { slowest.of(store.get(&ids(number))).await.map(drop) }),
            _ => commit(Arc::new(store), number, told.clone(), slowest),
        }
    })
    .await;
    let again = Instant::now();
    patient.get(&ids(0)).await.unwrap();
    let again = again.elapsed();
    // More at once than there are connections, and slow: all connections are needed, and none is in use behind them.
    proxy.delay(Duration::from_millis(30));
    in_use.lock().unwrap().most = 0;
    let ids = (0..64).map(ids).collect::<Vec<_>>();
    for found in join_all(ids.iter().map(|ids| patient.get(ids))).await {
        found.unwrap();
    }
    proxy.delay(Duration::ZERO);
    let lost = SIZE.saturating_sub(u32::try_from(in_use.lock().unwrap().most).unwrap());
    let settled = AtomicU64::new(0);
    while !in_use.lock().unwrap().now.is_empty() {
        let looks = settled.fetch_add(1, Ordering::SeqCst);
        assert!(looks < 1_000, "these connections stay in use: {:?}", in_use.lock().unwrap().now);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tell("mongodb", &seen, slowest.get(), lost);
    report("R11", "mongodb", &[("first answer after the silence", format!("{:.2} s", again.as_secs_f64()))]);
    let patient: Arc<dyn Store> = Arc::new(patient);
    works_again(&patient).await;
    told_the_truth(&direct, &told).await;
    every_stage("mongodb", &proxy, Arc::new(quick), || true).await;
}
