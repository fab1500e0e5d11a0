//! R1: a process that is killed while it writes has written what was acknowledged to it, once, and nothing by halves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // to clippy, helpers are no tests

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use referral_resilience::everything::Everything;
use referral_resilience::figures::report;
use referral_resilience::load::Load;
use referral_resilience::on_stores;
use referral_resilience::run::{World, number};
use referral_resilience::samples::WRITERS;
use referral_resilience::told::{Ack, verdict};
use referral_testkit::Opened;
use referral_testkit::child::{Child, acknowledge, task};
use tokio::time::{sleep, timeout_at};

/// In the promise: a killed store opens in less.
const OPEN: Duration = Duration::from_secs(5);

on_stores! { keeps_what_it_acknowledged:
    sqlite_keeps_what_it_acknowledged on sqlite,
    sqlite_behind_group_commit_keeps_what_it_acknowledged on grouped_sqlite,
    sled_keeps_what_it_acknowledged on sled,
    redb_keeps_what_it_acknowledged on redb,
    postgres_keeps_what_it_acknowledged on postgres,
    mysql_keeps_what_it_acknowledged on mysql,
    mongodb_keeps_what_it_acknowledged on mongodb,
}

/// `REFERRAL_RESILIENCE_CYCLES` says how often each is killed, `REFERRAL_RESILIENCE_SEED` repeats the moments.
async fn keeps_what_it_acknowledged(world: World) {
    if let Some(task) = task() {
        return work(world, &task).await;
    }
    let Some(Opened { store, mut guard }) = world.open().await else { return };
    let cycles = number("REFERRAL_RESILIENCE_CYCLES", cycles(world.name()));
    let seed = number("REFERRAL_RESILIENCE_SEED", rand::random());
    println!("{}: REFERRAL_RESILIENCE_SEED={seed} REFERRAL_RESILIENCE_CYCLES={cycles}", world.test);
    let mut random = StdRng::seed_from_u64(seed);
    let load = Load::over(store);
    load.prepare().await;
    drop(load);
    let (mut told, mut slowest) = (BTreeSet::new(), Duration::ZERO);
    for cycle in 0..cycles {
        // Each cycle has numbers of its own, and the last of them is the parent's.
        let first = cycle << 32;
        let address = world.harness.address(&guard).expect("an address for the child");
        let child = Child::start(["--exact", world.test, "--nocapture"], &format!("{first}@{address}"));
        let acknowledged = kill(child, &mut random).await;
        told.extend(acknowledged.iter().map(|line| line.parse::<Ack>().expect("an acknowledgement")));
        let begun = Instant::now();
        let opened = world.harness.reopen(guard).await.expect("the store opens after a kill");
        slowest = slowest.max(begun.elapsed());
        // And it can be written to.
        Load::over(opened.store).write(first | 0xffff_ffff, |_| {}).await;
        told.insert(Ack::Number(first | 0xffff_ffff));
        guard = opened.guard;
    }
    let opened = world.harness.reopen(guard).await.expect("the store opens");
    let verdict = verdict(&told, &Everything::of(&*opened.store).await);
    report(
        "R1",
        world.name(),
        &[
            ("cycles", cycles.to_string()),
            ("acknowledged", told.len().to_string()),
            ("found", verdict.found.to_string()),
            ("lost", verdict.lost.len().to_string()),
            ("duplicated", verdict.twice.len().to_string()),
            ("half there", verdict.halves.len().to_string()),
            ("not acknowledged and whole", (verdict.more_numbers + verdict.more_clicks).to_string()),
            ("ms at the slowest open", slowest.as_millis().to_string()),
            ("seed", seed.to_string()),
        ],
    );
    verdict.assert(&format!("REFERRAL_RESILIENCE_SEED={seed}"));
    let most = usize::try_from(cycles * WRITERS).unwrap();
    assert!(verdict.more_numbers + verdict.more_clicks <= most, "a writer has one write under way at a time");
    assert!(slowest < OPEN, "the store took {slowest:?} to open after a kill");
}

/// How often a store is killed where the environment does not say it. On MongoDB a transaction that its client left open
/// holds what it wrote for a minute, so that a killed process keeps the popular links of this load from being counted,
/// and a cycle takes ten seconds instead of a half.
fn cycles(store: &str) -> u64 {
    if store == "mongodb" { 4 } else { 50 }
}

/// Kills a child: now and then whatever it is doing so soon after its start, else after some acknowledgements, and a
/// moment. All that it acknowledged.
async fn kill(mut child: Child, random: &mut StdRng) -> Vec<String> {
    let mut acknowledged = Vec::new();
    if random.random_ratio(1, 5) {
        let moment = tokio::time::Instant::now() + Duration::from_millis(random.random_range(0..300));
        while let Ok(line) = timeout_at(moment, child.next()).await {
            acknowledged.push(line.expect("the child writes until it is killed"));
        }
    } else {
        let enough = random.random_range(1..200);
        while acknowledged.len() < enough {
            acknowledged.push(child.next().await.expect("the child writes until it is killed"));
        }
        // Not to wait for anything: the moment of the kill is to be any.
        sleep(Duration::from_micros(random.random_range(0..5_000))).await;
    }
    acknowledged.extend(child.kill().await);
    acknowledged
}

/// What the child does: sixteen writers, until it is killed.
async fn work(world: World, task: &str) {
    let (first, address) = task.split_once('@').expect("a number and an address");
    let first: u64 = first.parse().expect("a number");
    let opened = world.harness.attach(address).await.expect("the child finds the data");
    let load = Load::over(opened.store);
    let writers: Vec<_> =
        (0..WRITERS).map(|writer| tokio::spawn(write(load.clone(), first, writer))).collect();
    for writer in writers {
        if let Err(failure) = writer.await {
            // Ends, so that the parent does not wait for it; and not as a test, which might say so on the pipe.
            println!("a writer ended: {failure}");
            std::process::exit(70);
        }
    }
}

async fn write(load: Load, first: u64, writer: u64) {
    for round in 0.. {
        let number = first + writer + round * WRITERS;
        load.write(number, |_| {}).await;
        acknowledge(Ack::Number(number));
        match load.click(writer).await {
            Ok(click) => acknowledge(Ack::Click(click)),
            Err(_) => load.pause().await,
        }
    }
}
