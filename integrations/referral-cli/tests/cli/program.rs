//! Runs the program on a database of its own.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use referral_core::visit::{Method, SignedIn, TokenChange};
use referral_core::{Action, KeyRing, Referrals, Timestamp, UserId, Via, Visit};
use referral_sql::SqliteStore;
use serde_json::Value;
use tempfile::TempDir;

/// The program, and a folder for its database.
pub(crate) struct Program {
    folder: TempDir,
}

/// What it answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Program {
    /// With no database yet.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With an empty database.
    pub(crate) fn migrated() -> Self {
        let program = Self::new();
        program.ok(&["migrate"]);
        program
    }

    /// Where its database is.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("a database.db")
    }

    /// What its database is called, with a space, which a URL may write as it is.
    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}", self.file().display())
    }

    /// The program, not yet started, and nothing of the surroundings in it.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_referral"));
        command.args(args).env_clear().stdin(Stdio::null());
        command.env("DATABASE_URL", self.url());
        command
    }

    /// What it answers.
    pub(crate) fn run(&self, args: &[&str]) -> Answer {
        self.command(args).output().unwrap().into()
    }

    /// What it answers to these lines.
    pub(crate) fn feed(&self, args: &[&str], lines: &[u8]) -> Answer {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut stdin, lines) = (child.stdin.take().unwrap(), lines.to_vec());
        let feeder = std::thread::spawn(move || stdin.write_all(&lines));
        let answer = child.wait_with_output().unwrap().into();
        feeder.join().unwrap().unwrap();
        answer
    }

    /// What it prints, where it has to work.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let answer = self.run(args);
        assert_eq!(answer.code, 0, "{args:?}: {}", answer.err);
        answer.out
    }

    /// So many people and a bot come through a link, and the last of them signs up as `bob`.
    pub(crate) fn visit(&self, code: &str, people: usize) {
        self.work(async |referrals| {
            let visit = || Visit::new(Method::Get, "/r/x").with_agent("Mozilla/5.0 (X11) Firefox/140.0");
            let mut token = None;
            for _ in 0..people {
                match referrals.touch(code, &visit(), Via::Click).await.token {
                    TokenChange::Set(fresh) => token = Some(fresh),
                    other => panic!("no token: {other:?}"),
                }
            }
            referrals.touch(code, &visit().with_agent("Slackbot 1.0"), Via::Click).await;
            let bob = visit().with_token(token.unwrap()).with_user(UserId::new("bob").unwrap());
            let signed_up = Action::new("SIGNED_UP").unwrap();
            assert!(referrals.record(&bob, signed_up, None).await.unwrap().is_some());
        });
    }

    /// Somebody comes through a link to this URL, and turns out to be `bob`, who has had his account for a while.
    pub(crate) fn sign_up_from(&self, code: &str, url: &str) {
        self.work(async |referrals| {
            let visit = Visit::new(Method::Get, url).with_agent("Mozilla/5.0 (X11) Firefox/140.0");
            let TokenChange::Set(token) = referrals.touch(code, &visit, Via::Click).await.token else {
                panic!("no token");
            };
            let since = Timestamp::from_millis(1_782_864_000_000);
            let bob = SignedIn::since(UserId::new("bob").unwrap(), since);
            assert_eq!(referrals.identify(token.visitor, bob).await.unwrap().claimed.len(), 1);
        });
    }

    /// What an application does with the same database.
    fn work(&self, work: impl AsyncFnOnce(Referrals)) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let store = SqliteStore::open(self.file()).await.unwrap();
            let keys = KeyRing::generate().unwrap();
            work(Referrals::builder(store, keys, "https://shop.example").build().unwrap()).await;
        });
    }
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// One JSON document.
pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A JSON document on each line.
pub(crate) fn lines(text: &str) -> Vec<Value> {
    text.lines().map(json).collect()
}
