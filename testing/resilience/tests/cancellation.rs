//! R12: a call whose caller goes away, at whatever await point, leaves all or nothing, no transaction open, and the
//! pool at full size.
#![allow(clippy::unwrap_used, clippy::panic)] // to clippy, helpers are no tests

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::future::{BoxFuture, join_all};
use referral_core::store::{
    Change, Changeset, CounterPrefix, CounterRange, Family, Index, Outcome, Prefix, Range, Read, Store,
    Unique, UniqueKey, Value,
};
use referral_core::visit::Method;
use referral_core::{KeyRing, LinkDraft, Referrals, Tenant, UserId, Visit, VisitorId};
use referral_mongo::MongoStore;
use referral_mongo::mongodb::Client;
use referral_mongo::mongodb::bson::doc;
use referral_mongo::mongodb::options::ClientOptions;
use referral_resilience::figures::report;
use referral_resilience::polls::dropped_after;
use referral_resilience::proxy::Proxy;
use referral_resilience::samples::{WHOLE, changeset, ids, parts, response, uuid};
use referral_resilience::scratch::ServerKind;
use referral_sled::SledStore;
use referral_sql::backend::Backend;
use referral_sql::sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use referral_sql::sqlx::{self, MySql, MySqlPool, PgPool, Postgres, pool::PoolOptions};
use referral_sql::{SqlStore, SqliteStore};

/// How many connections a pool has.
const SIZE: u32 = 4;
/// Waits for what a dropped call leaves behind, at most so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A store, and what its server says about it.
struct World {
    name: &'static str,
    store: Arc<dyn Store>,
    /// How many transactions are open in the database; `None` where nobody can tell.
    open: Box<dyn Fn() -> BoxFuture<'static, Option<i64>> + Send + Sync>,
    /// Ends when as many transactions were open at once as the pool has connections.
    full: Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
    dropped: u64,
}

impl World {
    /// Drops a call at its first poll, the next one at its second, and so on, until one is through by itself; how many
    /// calls there were.
    async fn every_await<F: Future>(&mut self, mut call: impl FnMut(u64) -> F) -> u64 {
        for polls in 1..1_000 {
            // Each time, because the next transaction on a connection ends one that was left open there. Also because a
            // call that has to connect first has hundreds of await points more: see `connecting`.
            self.settled().await;
            let ended = dropped_after(polls, call(polls as u64)).await.is_some();
            if ended {
                self.settled().await;
                return polls as u64;
            }
            self.dropped += 1;
        }
        panic!("{}: the call does not end", self.name);
    }

    /// Drops a read that has to connect first, because the one before was dropped while it did.
    async fn connecting(&mut self) {
        let mut polls = 1;
        while dropped_after(polls, reads::get(self.store.clone(), 1)).await.is_none() {
            self.dropped += 1;
            // Most of them are yields in one computation.
            polls += 1 + polls / 8;
            assert!(polls < 100_000, "{}: the call does not end", self.name);
        }
        self.settled().await;
    }

    async fn settled(&self) {
        let closed = async {
            while (self.open)().await.unwrap_or_default() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let closed = tokio::time::timeout(PATIENCE, closed).await;
        assert!(closed.is_ok(), "{}: transactions stay open", self.name);
        let full = tokio::time::timeout(PATIENCE, (self.full)()).await;
        assert!(full.is_ok(), "{}: the pool is not at full size", self.name);
    }

    async fn whole_or_absent(&self, numbers: impl Iterator<Item = u64>) {
        for number in numbers {
            let found = parts(&*self.store, number).await.unwrap();
            assert!(matches!(found, 0 | WHOLE), "{}: {found} of the parts of {number} are there", self.name);
        }
    }

    async fn calls(&mut self) {
        let store = self.store.clone();
        let commits = self.every_await(|n| commit(store.clone(), n)).await;
        self.whole_or_absent(1..=commits).await;
        assert_eq!(parts(&*store, commits).await.unwrap(), WHOLE);

        self.every_await(|n| reads::get(store.clone(), n)).await;
        self.every_await(|n| reads::find(store.clone(), n)).await;
        self.every_await(|n| reads::page(store.clone(), n)).await;
        self.every_await(|n| reads::counters(store.clone(), n)).await;
        self.connecting().await;
        self.verbs().await;
    }

    /// What an application calls. Its writes go through group commit and cache.
    async fn verbs(&mut self) {
        let keys = KeyRing::generate().unwrap();
        let referrals = Referrals::builder(self.store.clone(), keys, "https://shop.example").build().unwrap();
        let link = referrals.links().create(LinkDraft::to("/p").unwrap()).await.unwrap();
        let browser = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0";
        self.every_await(|_| async {
            let visit = Visit::new(Method::Get, "/r/x").with_agent(browser);
            drop(referrals.land(link.code.as_str(), &visit).await);
        })
        .await;
        // A group commit goes on by itself when all of its callers are gone: one more waits for it.
        let visit = Visit::new(Method::Get, "/r/x").with_agent(browser);
        drop(referrals.land(link.code.as_str(), &visit).await);
        let prefix = Prefix::new(&Tenant::default()).uuid(link.id.as_uuid());
        let touches = self.store.page(Index::ResponsesOfLink, &prefix, &Range::newest(), 250).await.unwrap();
        assert_eq!(
            referrals.responses().count(link.id).await.unwrap(),
            touches.len() as i64,
            "{}",
            self.name
        );

        // Three touches of each visitor are claimed together.
        let visitor = |n| 2_000_000 + n;
        let touches = |n| {
            let touch = |touch: u64| response(visitor(n) + touch * 1_000, visitor(n));
            Changeset::new((0..3).map(|number| Change::Insert(touch(number).into())))
        };
        let most = 250;
        let batch: Vec<_> = (1..=most).map(touches).collect();
        self.store.commit(&batch).await.into_iter().for_each(|answer| drop(answer.unwrap()));
        let user = || UserId::new("ada").unwrap();
        let calls = self
            .every_await(|n| {
                let (referrals, visitor) = (&referrals, VisitorId::from_uuid(uuid(visitor(n))));
                async move { drop(referrals.identify(visitor, user()).await.unwrap()) }
            })
            .await;
        assert!(calls < most, "{}: identify takes {calls} polls", self.name);
        referrals.identify(VisitorId::from_uuid(uuid(visitor(most))), user()).await.unwrap();
        for n in 1..=calls {
            let prefix = Prefix::new(&Tenant::default()).uuid(uuid(visitor(n)));
            let left =
                self.store.page(Index::ResponsesUnclaimed, &prefix, &Range::newest(), 9).await.unwrap();
            assert!(
                matches!(left.len(), 0 | 3),
                "{}: {} of three touches are unclaimed",
                self.name,
                left.len()
            );
        }
    }

    async fn tell(&self) {
        let told = (self.open)().await.is_some();
        let open = if told { "0" } else { "not told" };
        report(
            "R12",
            self.name,
            &[("calls dropped", self.dropped.to_string()), ("transactions left open", open.into())],
        );
    }
}

async fn commit(store: Arc<dyn Store>, number: u64) {
    assert_eq!(store.commit(&[changeset(number)]).await.remove(0).unwrap(), Outcome::Applied);
}

mod reads {
    use super::*;

    pub(crate) async fn get(store: Arc<dyn Store>, number: u64) {
        store.get(&ids(number)).await.unwrap();
    }

    pub(crate) async fn find(store: Arc<dyn Store>, number: u64) {
        let parts = vec![Value::Text(format!("code{number}").into())];
        let key = UniqueKey { unique: Unique::AliasCode, tenant: Tenant::default(), parts };
        store.find(&[key]).await.unwrap();
    }

    pub(crate) async fn page(store: Arc<dyn Store>, _: u64) {
        let prefix = Prefix::new(&Tenant::default());
        store.page(Index::Links, &prefix, &Range::oldest(), 50).await.unwrap();
    }

    pub(crate) async fn counters(store: Arc<dyn Store>, _: u64) {
        let prefix = CounterPrefix { tenant: Tenant::default(), family: Family::LinkUses, parts: Vec::new() };
        store.counters(&prefix, &CounterRange::first(50)).await.unwrap();
    }
}

/// As many transactions at once as the pool has connections, each held until all are there.
async fn all_at_once<B: Backend>(store: SqlStore<B>, size: u32) {
    let begun = join_all((0..size).map(|_| store.begin())).await;
    for transaction in begun {
        transaction.unwrap().rollback().await.unwrap();
    }
}

/// A transaction of the host's, from its begin to its commit.
async fn joined<B: Backend>(store: SqlStore<B>, number: u64) {
    let joined = store.join(store.begin().await.unwrap());
    assert_eq!(joined.commit(&[changeset(number)]).await.remove(0).unwrap(), Outcome::Applied);
    joined.get(&ids(number)).await.unwrap();
    joined.release().await.unwrap().commit().await.unwrap();
}

async fn sql<B: Backend>(
    store: SqlStore<B>,
    size: u32,
    open: impl Fn() -> BoxFuture<'static, Option<i64>> + Send + Sync + 'static,
) {
    // A migration that goes on without its caller may take its time, and has a connection meanwhile.
    let pool = store.clone().with_timeout(PATIENCE);
    let mut world = World {
        name: B::STORE,
        store: Arc::new(store.clone()),
        open: Box::new(open),
        full: Box::new(move || Box::pin(all_at_once(pool.clone(), size))),
        dropped: 0,
    };
    world.every_await(|_| async { store.migrate().await.unwrap() }).await;
    world.calls().await;
    let base = 3_000_000;
    let calls = world.every_await(|n| joined(store.clone(), base + n)).await;
    world.whole_or_absent((1..=calls).map(|n| base + n)).await;
    world.tell().await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_leaves_nothing_behind_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("referral.db");
    let store = SqliteStore::open(&file).await.unwrap();
    let options = SqliteConnectOptions::new().filename(file).busy_timeout(Duration::ZERO);
    let watch = SqlitePool::connect_with(options).await.unwrap();
    let open = move || -> BoxFuture<'static, Option<i64>> {
        let watch = watch.clone();
        Box::pin(async move {
            // Two at once cannot write.
            let other = watch.begin_with("BEGIN IMMEDIATE").await;
            Some(i64::from(other.is_err()))
        })
    };
    // One connection writes.
    sql(store, 1, open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_leaves_nothing_behind_in_postgres() {
    let Some(database) = ServerKind::Postgres.database().await else { return };
    let (proxy, url) = Proxy::before(&database.url).await;
    let options = PoolOptions::<Postgres>::new().max_connections(SIZE);
    let store = SqlStore::from_pool(options.connect(&url).await.unwrap()).await.unwrap();
    // Slow, so that nothing is there when it is asked for.
    proxy.delay(Duration::from_millis(1));
    let watch = PgPool::connect(&database.url).await.unwrap();
    let open = move || -> BoxFuture<'static, Option<i64>> {
        let watch = watch.clone();
        Box::pin(async move {
            let sql = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL";
            Some(sqlx::query_scalar(sql).fetch_one(&watch).await.unwrap())
        })
    };
    sql(store, SIZE, open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_leaves_nothing_behind_in_mysql() {
    let Some(database) = ServerKind::MySql.database().await else { return };
    let (proxy, url) = Proxy::before(&database.url).await;
    let options = PoolOptions::<MySql>::new().max_connections(SIZE);
    let store = SqlStore::from_pool(options.connect(&url).await.unwrap()).await.unwrap();
    proxy.delay(Duration::from_millis(1));
    let watch = MySqlPool::connect(&database.url).await.unwrap();
    let pool = store.pool().clone();
    let open = move || -> BoxFuture<'static, Option<i64>> {
        let (watch, pool) = (watch.clone(), pool.clone());
        Box::pin(async move {
            // The server shows what it showed before to whoever asks again within a tenth of a second.
            tokio::time::sleep(Duration::from_millis(120)).await;
            let sql = "SELECT COUNT(*) FROM information_schema.innodb_trx
                JOIN information_schema.processlist ON id = trx_mysql_thread_id
                WHERE db = DATABASE() AND id <> CONNECTION_ID()";
            let open: i64 = sqlx::query_scalar(sql).fetch_one(&watch).await.unwrap();
            // That shows one that has done something. One that has not is known to its connection alone.
            let connections = join_all((0..SIZE).map(|_| pool.acquire())).await;
            let sql = "SELECT CAST(@@in_transaction AS SIGNED)";
            let begun = connections.into_iter().map(async |connection| {
                sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut *connection.unwrap()).await.unwrap()
            });
            Some(open + join_all(begun).await.iter().sum::<i64>())
        })
    };
    sql(store, SIZE, open).await;
}

/// More commits at once than the store has connections, all of them good.
async fn many_at_once(store: Arc<dyn Store>, round: u64) {
    let numbers = (0..32).map(|n| 4_000_000 + round * 100 + n);
    join_all(numbers.map(|number| commit(store.clone(), number))).await;
}

async fn keyed(
    name: &'static str,
    store: Arc<dyn Store>,
    open: impl Fn() -> BoxFuture<'static, Option<i64>> + Send + Sync + 'static,
) {
    let (again, round) = (store.clone(), std::sync::atomic::AtomicU64::new(0));
    let full = move || -> BoxFuture<'static, ()> {
        let round = round.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Box::pin(many_at_once(again.clone(), round))
    };
    let mut world = World { name, store, open: Box::new(open), full: Box::new(full), dropped: 0 };
    world.calls().await;
    world.tell().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_leaves_nothing_behind_in_sled() {
    let folder = tempfile::tempdir().unwrap();
    // It has a thread that writes, and nothing that could tell of a transaction.
    keyed("sled", Arc::new(SledStore::open(folder.path()).await.unwrap()), || Box::pin(async { None })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_leaves_nothing_behind_in_mongodb() {
    let Some(database) = ServerKind::Mongo.database().await else { return };
    let (proxy, url) = Proxy::before(&database.url).await;
    let mut options = ClientOptions::parse(&url).await.unwrap();
    options.max_pool_size = Some(SIZE);
    let client = Client::with_options(options).unwrap();
    let store = MongoStore::with_client(client, &database.name).await.unwrap();
    for polls in 1.. {
        if let Some(done) = dropped_after(polls, store.migrate()).await {
            done.unwrap();
            break;
        }
    }
    proxy.delay(Duration::from_millis(1));
    let watch = Client::with_uri_str(&database.url).await.unwrap();
    // A stand-in may not know the question, or answer it with nothing whatever is open.
    let scratch = watch.database(&database.name).collection("open");
    scratch.insert_one(doc! {}).await.unwrap();
    let mut session = watch.start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    scratch.insert_one(doc! {}).session(&mut session).await.unwrap();
    let tells = transactions(&watch).await.is_some_and(|open| open > 0);
    session.abort_transaction().await.unwrap();
    let open = move || -> BoxFuture<'static, Option<i64>> {
        let watch = watch.clone();
        Box::pin(async move { if tells { transactions(&watch).await } else { None } })
    };
    keyed("mongodb", Arc::new(store), open).await;
}

/// A read that is dropped half-way leaves no answer behind for the next one on its connection.
async fn answers_stay_with_their_questions<B: Backend>(name: &str, url: &str) {
    let (proxy, url) = Proxy::before(url).await;
    // So that each read prepares its statement first, and on whatever connection there is.
    let url = format!("{url}?statement-cache-capacity=0");
    let options = PoolOptions::<B>::new().max_connections(1).test_before_acquire(false);
    let store = SqlStore::from_pool(options.connect(&url).await.unwrap()).await.unwrap();
    store.migrate().await.unwrap();
    for number in 0..8 {
        commit(Arc::new(store.clone()), number).await;
    }
    proxy.delay(Duration::from_micros(300));
    let mut dropped = 0;
    for turn in 0..40 {
        let (one, other) = (ids(turn % 8), ids((turn + 3) % 8));
        dropped += usize::from(dropped_after(1 + turn as usize % 19, store.get(&one)).await.is_none());
        let found = store.get(&other).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|record| record.unwrap().id()).collect();
        assert_eq!(found, other, "after a dropped read");
    }
    report("R12", name, &[("reads dropped", dropped.to_string()), ("wrong answers after them", "0".into())]);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_nobody_waits_for_is_nobody_elses() {
    if let Some(database) = ServerKind::Postgres.database().await {
        answers_stay_with_their_questions::<Postgres>("postgres", &database.url).await;
    }
    if let Some(database) = ServerKind::MySql.database().await {
        answers_stay_with_their_questions::<MySql>("mysql", &database.url).await;
    }
}

async fn transactions(client: &Client) -> Option<i64> {
    let open = doc! { "$match": { "transaction": { "$exists": true } } };
    let stages = [doc! { "$currentOp": { "idleSessions": true } }, open];
    let found: Vec<_> = client.database("admin").aggregate(stages).await.ok()?.try_collect().await.ok()?;
    i64::try_from(found.len()).ok()
}
