//! The process that is killed: it writes to a store as fast as it can, and says what was acknowledged.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;

use referral_core::code::Code;
use referral_core::store::{Change, Changeset, CounterKey, Outcome, Store};
use referral_core::{Alias, AliasId, Record};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use uuid::Uuid;

use crate::cx::Cx;
use crate::harness::Harness;
use crate::make::{count_any, counter, text};
use crate::runner::runtime;

const ADDRESS: &str = "REFERRAL_TESTKIT_CHILD";
const MARK: &str = "acknowledged:";
const WRITERS: u64 = 4;

/// Where this process shall write and from which number on, if it was started to be killed: `number@address`.
pub(crate) fn address() -> Option<String> {
    std::env::var(ADDRESS).ok()
}

/// What the child commits under a number: a link, its code and a count.
pub(crate) fn changeset(cx: &Cx, number: u64) -> Changeset {
    let (link, alias, counter) = parts(cx, number);
    Changeset::new([Change::Insert(link), Change::Insert(alias), count_any(&counter, 1)])
}

/// The records and the counter that the child commits under a number.
pub(crate) fn parts(cx: &Cx, number: u64) -> (Record, Record, CounterKey) {
    let id = |kind: u64| Uuid::from_u64_pair(number, kind);
    let code = Code::new(format!("child-{number}")).unwrap();
    let mut link = cx.link();
    link.id = referral_core::LinkId::from_uuid(id(1));
    link.code = code.clone();
    link.owner = Some(text("the-child"));
    let alias = Alias { id: AliasId::from_uuid(id(2)), link: link.id, code, ..cx.alias("any") };
    (link.into(), alias.into(), counter(&format!("child-{number}")))
}

/// Writes until it is killed. Never returns.
pub(crate) fn work(harness: Arc<dyn Harness>, address: String) -> ! {
    // Not on this thread: it may belong to a runtime already.
    let worker = std::thread::spawn(move || {
        runtime().block_on(async move {
            let (start, address) = address.split_once('@').expect("a number and an address");
            let start: u64 = start.parse().expect("a number");
            let opened = harness.attach(address).await.expect("the child finds the parent's data");
            let store = opened.store.clone();
            let cx = Cx::new(harness, crate::Settings::default(), opened);
            let writers = (0..WRITERS).map(|first| {
                let (store, cx) = (store.clone(), cx.clone());
                tokio::spawn(async move {
                    for round in 0.. {
                        write(&cx, &*store, start + first + round * WRITERS).await;
                    }
                })
            });
            for writer in writers.collect::<Vec<_>>() {
                writer.await.expect("a writer of the child");
            }
        });
    });
    let _ = worker.join();
    // A child that could not write ends, so that the parent does not wait for it.
    std::process::exit(70)
}

async fn write(cx: &Cx, store: &dyn Store, number: u64) {
    let answers = store.commit(&[changeset(cx, number)]).await;
    assert!(matches!(answers.as_slice(), [Ok(Outcome::Applied)]), "the child's commit: {answers:?}");
    // Straight to the pipe: what the parent reads has been acknowledged, whenever the kill comes.
    // In one piece, because the kill cuts between pieces.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("\n{MARK}{number}\n").as_bytes());
    let _ = out.flush();
}

/// Starts this program again as a child, kills it after `enough` acknowledgements, and gives all that it made.
pub(crate) async fn kill_one(cx: &Cx, address: &str, enough: usize) -> Vec<u64> {
    let program = std::env::current_exe().expect("the path of this program");
    let mut child = Command::new(program)
        .args(&cx.settings().again)
        .env(ADDRESS, address)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("this program as a child");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut acknowledged = Vec::new();
    let mut killed = false;
    while let Ok(Some(line)) = lines.next_line().await {
        let Some((_, number)) = line.split_once(MARK) else { continue };
        acknowledged.extend(number.parse::<u64>());
        if acknowledged.len() >= enough && !killed {
            killed = true;
            child.start_kill().expect("the kill");
        }
    }
    let _ = child.wait().await;
    assert!(killed, "the child ended by itself after {} acknowledgements", acknowledged.len());
    acknowledged
}
