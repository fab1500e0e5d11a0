//! A process that is killed while it writes. It is this program, started a second time. It tells its parent through
//! a pipe what was acknowledged, so that nothing counts as told which the kill cut off.
//!
//! The case of the suite writes one thing with a few writers, a few times. A test that wants another load, or more
//! kills, takes [`Child`], [`task`] and [`acknowledge`] for its own:
//!
//! ```no_run
//! # async fn the_test_itself(_: String) {}
//! # #[allow(clippy::unwrap_used)]
//! # async fn test() {
//! use referral_testkit::child::{Child, acknowledge, task};
//!
//! if let Some(task) = task() {
//!     // This process is the child: it writes, and tells of each answer until it is killed.
//!     loop {
//!         acknowledge("what was written");
//!     }
//! }
//! let mut child = Child::start(["--exact", "name_of_this_test", "--nocapture"], "what to do");
//! let first = child.next().await;
//! let more = child.kill().await;
//! # }
//! ```

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fmt;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;

use referral_core::store::{Change, Changeset, CounterKey, Outcome, Store};
use referral_core::{Alias, Code, Link};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::cx::Cx;
use crate::harness::Harness;
use crate::make::{count_any, counter, text};
use crate::notes;
use crate::partner;
use crate::samples;
use crate::script::{Script, writers};
use crate::settings::runtime;

const TASK: &str = "REFERRAL_TESTKIT_CHILD";
const MARK: &str = "acknowledged:";
/// How many writers count on from a number.
const COUNTING: u64 = 4;
/// How a task begins that says to follow the scripts of a round.
pub(crate) const SCRIPTS: &str = "scripts-";
/// What each writer of a script tells before its first commit.
pub(crate) const READY: &str = "ready";
/// How a writer begins to tell that the store did not answer as the model.
pub(crate) const WRONG: &str = "wrong: ";
/// How many batches a writer has made before it begins.
const AHEAD: usize = 3;

/// What this process was started for, if [`Child::start`] started it.
#[must_use]
pub fn task() -> Option<String> {
    std::env::var(TASK).ok()
}

/// Tells the parent that this was acknowledged. The text has no line breaks. It is in the pipe when this returns,
/// so the parent reads it whenever the kill comes.
pub fn acknowledge(what: impl fmt::Display) {
    // In one piece, because the kill cuts between pieces.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("\n{MARK}{what}\n").as_bytes());
    let _ = out.flush();
}

/// The next line that the parent [told](Child::tell). It is `None` when the parent has ended or let the child go. This
/// blocks the thread.
#[must_use]
pub fn told() -> Option<String> {
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end_matches('\n').to_owned())
}

/// This program, running a second time. Dropping this kills it.
#[derive(Debug)]
pub struct Child {
    process: tokio::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts this program with these arguments, and gives it this [`task`]. The arguments for a test are
    /// `--exact`, the name of the test and `--nocapture`.
    ///
    /// # Panics
    /// Where no process can be started.
    #[must_use]
    pub fn start(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>, task: &str) -> Self {
        let program = std::env::current_exe().expect("the path of this program");
        let mut process = Command::new(program)
            .args(arguments)
            .env(TASK, task)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("this program as a child");
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        Self { process, lines }
    }

    /// Tells the child a line, which it gets from [`told`].
    ///
    /// # Panics
    /// If the child has ended.
    pub async fn tell(&mut self, line: &str) {
        let pipe = self.process.stdin.as_mut().expect("a pipe");
        pipe.write_all(format!("{line}\n").as_bytes()).await.expect("the child listens");
    }

    /// The next text that the child [acknowledged](acknowledge). It is `None` when the child has ended and told
    /// everything.
    pub async fn next(&mut self) -> Option<String> {
        while let Ok(Some(line)) = self.lines.next_line().await {
            if let Some((_, what)) = line.split_once(MARK) {
                return Some(what.to_owned());
            }
        }
        None
    }

    /// Kills the child with SIGKILL, which it cannot notice, and gives everything that it told besides.
    ///
    /// # Panics
    /// If it had ended by itself: then nothing was killed.
    pub async fn kill(mut self) -> Vec<String> {
        let ended = self.process.try_wait().expect("the state of the child");
        assert!(ended.is_none(), "the child ended by itself: {ended:?}");
        self.process.start_kill().expect("the kill");
        if let Some(notes) = notes::current() {
            notes.killed();
        }
        let mut rest = Vec::new();
        while let Some(what) = self.next().await {
            rest.push(what);
        }
        let _ = self.process.wait().await;
        rest
    }
}

/// The changeset of a number: [its records](parts), and one count.
#[must_use]
pub fn changeset(number: u64) -> Changeset {
    let (link, alias, counter) = parts(number);
    Changeset::new([Change::Insert(link.into()), Change::Insert(alias.into()), count_any(&counter, 1)])
}

/// The records and the counter that [`changeset`] writes under a number: a link, its code and a counter of its uses.
/// The number stands in the upper half of their ids.
#[must_use]
pub fn parts(number: u64) -> (Link, Alias, CounterKey) {
    let name = format!("child-{number}");
    let code = Code::new(name.clone()).unwrap();
    let owner = Some(text("the-child"));
    let link = Link { code: code.clone(), owner, ..samples::link(Uuid::from_u64_pair(number, 1)) };
    let alias = Alias { link: link.id, ..samples::alias(Uuid::from_u64_pair(number, 2), code) };
    (link, alias, counter(&name))
}

/// What the child of a case does. Its task is `number@address`: it writes to the store at the address, from the
/// number on, until it is killed. Where the task begins with [`SCRIPTS`], it does what the scripts of that round say. Or
/// it is a [partner] at the address.
pub(crate) fn work(harness: Arc<dyn Harness>, task: String) -> ! {
    // Not on this thread: it may belong to a runtime already.
    let worker = std::thread::spawn(move || {
        runtime().block_on(async move {
            let (what, address) = task.split_once('@').expect("a number and an address");
            if what == partner::TASK {
                return partner::serve(&*harness, address).await;
            }
            let number = |number: &str| number.parse::<u64>().expect("a number");
            let opened = harness.attach(address).await.expect("the child finds the parent's data");
            match what.strip_prefix(SCRIPTS) {
                Some(round) => {
                    let round = number(round);
                    let start = Arc::new(Barrier::new(writers(round).count()));
                    let follow = |writer| follow(opened.store.clone(), round, writer, start.clone());
                    all(writers(round), follow).await;
                }
                None => {
                    let start = number(what);
                    all(0..COUNTING, |first| count_on(opened.store.clone(), start + first)).await;
                }
            }
        });
    });
    let _ = worker.join();
    // A child that could not write ends, so that the parent does not wait for it.
    std::process::exit(70)
}

async fn all<F>(writers: std::ops::Range<u64>, run: impl Fn(u64) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    for writer in writers.map(|writer| tokio::spawn(run(writer))).collect::<Vec<_>>() {
        writer.await.expect("a writer of the child");
    }
}

async fn count_on(store: Arc<dyn Store>, first: u64) {
    for round in 0.. {
        write(&*store, first + round * COUNTING).await;
    }
}

/// Commits one batch of a script after another, and tells the writer's number whenever one was answered.
async fn follow(store: Arc<dyn Store>, round: u64, writer: u64, start: Arc<Barrier>) {
    let mut script = Script::new(round, writer);
    // So many are made ahead, so that the time until the kill is spent by the store.
    let mut ahead: VecDeque<_> = (0..AHEAD).map(|_| script.batch()).collect();
    start.wait().await;
    acknowledge(READY);
    loop {
        let batch = ahead.pop_front().unwrap_or_else(|| script.batch());
        let changesets: Vec<_> = batch.iter().map(|(changeset, _)| changeset.clone()).collect();
        let answers = store.commit(&changesets).await;
        if answers.len() != batch.len() {
            acknowledge(format!("{WRONG}{} answers to {} changesets", answers.len(), batch.len()));
            return;
        }
        for (place, ((_, verdict), answer)) in batch.iter().zip(answers).enumerate() {
            if !verdict.admits(&answer) {
                acknowledge(format!(
                    "{WRONG}changeset {place} was answered {answer:?} instead of {verdict:?}"
                ));
                return;
            }
        }
        acknowledge(writer);
    }
}

async fn write(store: &dyn Store, number: u64) {
    let answers = store.commit(&[changeset(number)]).await;
    assert!(matches!(answers.as_slice(), [Ok(Outcome::Applied)]), "the child's commit: {answers:?}");
    acknowledge(number);
}

/// Starts this program again as a child, kills it after `enough` acknowledgements, and gives all that it made.
pub(crate) async fn kill_one(cx: &Cx, task: &str, enough: usize) -> Vec<u64> {
    let mut child = Child::start(&cx.settings().again, task);
    let mut acknowledged = Vec::new();
    while acknowledged.len() < enough {
        let Some(number) = child.next().await else {
            panic!("the child ended by itself after {} acknowledgements", acknowledged.len())
        };
        acknowledged.push(number);
    }
    acknowledged.extend(child.kill().await);
    acknowledged.iter().map(|number| number.parse().expect("a number")).collect()
}
