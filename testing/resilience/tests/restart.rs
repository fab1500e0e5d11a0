//! R10: a server that is killed and restarted in the midst of a load costs some calls their answers, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // to clippy, helpers are no tests

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use referral_core::layer::GroupCommit;
use referral_core::store::Store;
use referral_mongo::MongoStore;
use referral_mongo::mongodb::bson::{Document, doc};
use referral_resilience::everything::Everything;
use referral_resilience::figures::report;
use referral_resilience::journal::{Journal, Met};
use referral_resilience::load::Load;
use referral_resilience::run::{number, runtime};
use referral_resilience::servers::Server;
use referral_resilience::told::verdict;
use referral_sql::backend::Backend;
use referral_sql::{MySqlStore, PostgresStore, SqlStore};
use tokio::sync::Barrier;
use tokio::time::sleep;

/// This long after the server answers again, no caller gets an error any more. The promise names this time.
const WELL: Duration = Duration::from_secs(10);

#[test]
fn postgres_loses_nothing_when_it_is_killed() {
    runtime().block_on(async {
        let Some(server) = Server::postgres() else { return };
        let store = PostgresStore::open(&server.url()).await.unwrap();
        store.migrate().await.unwrap();
        is_killed("postgres", server, store.clone(), || transactions(&store)).await;
    });
}

#[test]
fn mysql_loses_nothing_when_it_is_killed() {
    runtime().block_on(async {
        let Some(server) = Server::mariadb() else { return };
        let store = MySqlStore::open(&server.url()).await.unwrap();
        store.migrate().await.unwrap();
        is_killed("mysql", server, store.clone(), || transactions(&store)).await;
    });
}

#[test]
fn mongodb_loses_nothing_when_it_is_killed() {
    runtime().block_on(async {
        let Some(server) = Server::mongodb() else { return };
        let store = MongoStore::open(server.url()).await.unwrap();
        store.migrate().await.unwrap();
        is_killed("mongodb", server, store.clone(), || sessions(&store)).await;
    });
}

/// Kills the server again and again while sixteen write, half of them behind the layer that merges commits. `full`
/// tells how many transactions at once the store's connections carry afterwards, and how many they should.
async fn is_killed<F>(name: &str, mut server: Server, store: impl Store, full: impl FnOnce() -> F)
where
    F: Future<Output = (usize, usize)>,
{
    let rounds = number("REFERRAL_RESILIENCE_RESTARTS", 3);
    let seed = number("REFERRAL_RESILIENCE_SEED", rand::random());
    let context = format!(
        "{}: REFERRAL_RESILIENCE_SEED={seed} REFERRAL_RESILIENCE_RESTARTS={rounds}",
        server.version()
    );
    println!("{name}: {context}");
    let mut random = StdRng::seed_from_u64(seed);
    let store: Arc<dyn Store> = Arc::new(store);
    let loads = [Load::over(store.clone()), Load::over(Arc::new(GroupCommit::new(store.clone())))];
    loads[0].prepare().await;
    let journal = Journal::start(&loads);
    let (mut ready, mut calm) = (Instant::now(), Instant::now());
    let (mut to_last_error, mut to_all) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..rounds {
        journal.acknowledges(random.random_range(20..300)).await;
        // Not to wait for anything: the moment of the kill is to be any.
        sleep(Duration::from_micros(random.random_range(0..5_000))).await;
        let early: Vec<_> = journal.met().errors_since(calm).cloned().collect();
        assert!(early.is_empty(), "errors while the server was well: {early:?}\n{context}");
        server.kill();
        server.restart();
        ready = Instant::now();
        journal.is_calm(5).await;
        calm = Instant::now();
        to_all = to_all.max(calm - ready);
        let last = journal.met().errors_since(ready).map(|(when, ..)| *when - ready).max();
        to_last_error = to_last_error.max(last.unwrap_or_default());
    }
    // The promise has to be looked at for as long as it takes, once.
    sleep((ready + WELL + Duration::from_secs(2)).saturating_duration_since(Instant::now())).await;
    let met = journal.end().await;
    let late: Vec<_> = met.errors_since(ready + WELL).collect();
    let (carried, size) = full().await;
    let verdict = verdict(&met.told, &Everything::of(&*store).await);
    report(
        "R10",
        name,
        &[
            ("server", server.version()),
            ("kills", rounds.to_string()),
            ("acknowledged", met.told.len().to_string()),
            ("found", verdict.found.to_string()),
            ("lost", verdict.lost.len().to_string()),
            ("duplicated", verdict.twice.len().to_string()),
            ("half there", verdict.halves.len().to_string()),
            ("errors heard", met.by_kind()),
            ("doubtful clicks", met.doubtful_clicks.to_string()),
            ("of them recorded", verdict.more_clicks.to_string()),
            ("ms from the answering server to the last error", to_last_error.as_millis().to_string()),
            ("ms from there until all write", to_all.as_millis().to_string()),
            ("errors more than 10 s after", late.len().to_string()),
            ("transactions at once afterwards", format!("{carried} of {size}")),
            ("seed", seed.to_string()),
        ],
    );
    verdict.assert(&context);
    said_the_truth(&met, verdict.more_numbers, verdict.more_clicks);
    assert!(to_last_error < WELL && late.is_empty(), "errors {to_last_error:?} after it was back, {late:?}");
    assert_eq!(carried, size, "the pool is at full size");
}

/// What nobody acknowledged is there only where it was said that this is not known.
fn said_the_truth(met: &Met, more_numbers: usize, more_clicks: usize) {
    assert_eq!(more_numbers, 0, "every writer ended by an acknowledgement");
    assert!(
        more_clicks <= met.doubtful_clicks,
        "{more_clicks} clicks are recorded without an acknowledgement, {} were said to be doubtful; the errors: {:?}",
        met.doubtful_clicks,
        met.errors
    );
}

/// How many transactions a pool carries at once, of as many as it may have connections.
async fn transactions<B: Backend>(store: &SqlStore<B>) -> (usize, usize) {
    let size = usize::try_from(store.pool().options().get_max_connections()).unwrap();
    at_once(size, |barrier| {
        let store = store.clone();
        async move {
            let transaction = store.begin().await.expect("a transaction");
            // Nobody goes on before all have one.
            barrier.wait().await;
            transaction.rollback().await.expect("its end");
        }
    })
    .await
}

async fn sessions(store: &MongoStore) -> (usize, usize) {
    // The driver's default.
    at_once(10, |barrier| {
        let database = store.database().clone();
        async move {
            let mut session = database.client().start_session().await.expect("a session");
            session.start_transaction().await.expect("a transaction");
            let links = database.collection::<Document>("referral_link");
            links.find_one(doc! {}).session(&mut session).await.expect("a read");
            barrier.wait().await;
            session.abort_transaction().await.expect("its end");
        }
    })
    .await
}

async fn at_once<F>(size: usize, transaction: impl Fn(Arc<Barrier>) -> F) -> (usize, usize)
where
    F: Future<Output = ()> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(size));
    let all: Vec<_> = (0..size).map(|_| tokio::spawn(transaction(barrier.clone()))).collect();
    let mut carried = 0;
    let until = tokio::time::Instant::now() + WELL;
    for one in all {
        if let Ok(Ok(())) = tokio::time::timeout_at(until, one).await {
            carried += 1;
        }
    }
    (carried, size)
}
