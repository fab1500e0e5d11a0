//! What is written: clicks through the facade, and rows by hand.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use referral_core::source::{Clock, SystemClock};
use referral_core::store::{Store, StoreFacts};
use referral_core::visit::{Method, TouchOutcome};
use referral_core::{Code, KeyRing, Link, LinkDraft, Referrals, UserId, Via, Visit};
use referral_sql::SqliteStore;
use referral_sql::sqlx::query::Query;
use referral_sql::sqlx::sqlite::SqliteArguments;
use referral_sql::sqlx::{self, AssertSqlSafe, Sqlite};
use tempfile::TempDir;
use uuid::Uuid;

use crate::measure::{Failure, Line, Rounds, Turn, compare, durability};

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const REFERRER: &str = "https://news.example/2026/11/21/the-best-shops";
const CALLERS: u32 = 256;
const TURN: Duration = Duration::from_millis(500);
const COLUMNS: &str = "id, tenant, version, created_at, link, owner, visitor, user, claimed_at, account_at, \
                       via, action, target_kind, target_id, referrer, agent, landing, address, tags, flags, counted";
const ROW: &str = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// A SQLite database in a folder of its own, with the tables in it.
pub(crate) struct Database {
    pub(crate) store: SqliteStore,
    // The folder is removed when this is dropped.
    _folder: TempDir,
}

impl Database {
    /// Makes a new database below this folder.
    pub(crate) async fn new(folder: &Path) -> Result<Self, Failure> {
        let folder = TempDir::with_prefix_in("referral-bench-", folder)?;
        let store = SqliteStore::open(folder.path().join("referral.db")).await?;
        store.migrate().await?;
        Ok(Self { store, _folder: folder })
    }
}

/// Two equal databases: one for the library, and one for what is written by hand.
struct Bench {
    referrals: Referrals,
    code: Code,
    theirs: SqliteStore,
    link: Link,
    facts: StoreFacts,
    _databases: [Database; 2],
}

impl Bench {
    async fn new(folder: &Path) -> Result<Self, Failure> {
        let databases = [Database::new(folder).await?, Database::new(folder).await?];
        let [ours, theirs] = &databases;
        let keys = KeyRing::generate()?;
        let referrals = Referrals::builder(ours.store.clone(), keys, "https://shop.example").build()?;
        let draft = LinkDraft::to("/products/7")?.with_owner(UserId::new("ada")?);
        let link = referrals.links().create(draft).await?;
        let (facts, theirs) = (ours.store.facts(), theirs.store.clone());
        Ok(Self { code: link.code.clone(), referrals, theirs, link, facts, _databases: databases })
    }

    fn line(&self, case: &'static str, measured: crate::measure::Measured, rate: bool) -> Line {
        let (store, durability) = (self.facts.name, durability(self.facts));
        if rate {
            measured.as_rate(case, store, durability)
        } else {
            measured.as_time(case, store, durability)
        }
    }

    /// The values of one click, in the order of the columns.
    fn row<'q>(&'q self, query: Query<'q, Sqlite, SqliteArguments>) -> Query<'q, Sqlite, SqliteArguments> {
        let none = None::<&str>;
        let owner = self.link.owner.as_ref().map(UserId::as_str);
        query
            .bind(Uuid::now_v7())
            .bind("")
            .bind(1_i64)
            .bind(SystemClock.now().as_millis())
            .bind(self.link.id.as_uuid())
            .bind(owner)
            .bind(Uuid::now_v7())
            .bind(none)
            .bind(None::<i64>)
            .bind(None::<i64>)
            .bind("click")
            .bind("RESPONDED")
            .bind(none)
            .bind(none)
            .bind(REFERRER)
            .bind(AGENT)
            .bind("/r/hello")
            .bind(none)
            .bind(r#"{"utm_source":"news"}"#)
            .bind(0_i64)
            .bind(1_i64)
    }
}

/// Records one click of a new visitor, as a request does.
async fn click(referrals: &Referrals, code: &Code) -> Result<(), Failure> {
    let visit = Visit::new(Method::Get, "/r/hello?utm_source=news").with_agent(AGENT).with_referrer(REFERRER);
    match referrals.touch(code.as_str(), &visit, Via::Click).await.outcome {
        TouchOutcome::Recorded(_) => Ok(()),
        other => Err(format!("a click was not recorded: {other:?}").into()),
    }
}

/// One caller records a click through the facade, with its statistics. Theirs inserts the row alone.
pub(crate) async fn one(rounds: Rounds, folder: &Path) -> Result<Vec<Line>, Failure> {
    let bench = Bench::new(folder).await?;
    let sql = format!("INSERT INTO referral_response ({COLUMNS}) VALUES {ROW}");
    let (bench, sql) = (&bench, &Arc::<str>::from(sql));
    let ours = |often: u32| -> Turn<'_> {
        Box::pin(async move {
            for _ in 0..often {
                click(&bench.referrals, &bench.code).await?;
            }
            Ok(())
        })
    };
    let theirs = |often: u32| -> Turn<'_> {
        Box::pin(async move {
            for _ in 0..often {
                let query = sqlx::query(AssertSqlSafe(sql.clone()));
                bench.row(query).execute(bench.theirs.pool()).await?;
            }
            Ok(())
        })
    };
    let measured = compare(rounds, TURN, &ours, &theirs).await?;
    Ok(vec![bench.line("record-one", measured, false)])
}

/// 256 callers at once are tasks that click and wait. Theirs inserts 256 rows in each statement.
pub(crate) async fn many(rounds: Rounds, folder: &Path) -> Result<Vec<Line>, Failure> {
    let bench = Bench::new(folder).await?;
    let shared = Arc::new((bench.referrals.clone(), bench.code.clone()));
    let rows = vec![ROW; CALLERS as usize].join(", ");
    let sql = format!("INSERT INTO referral_response ({COLUMNS}) VALUES {rows}");
    let (bench, sql, shared) = (&bench, &Arc::<str>::from(sql), &shared);
    // Both do at least one batch. The time is then divided by the rows.
    let batches = |often: u32| often.div_ceil(CALLERS);
    let ours = |often: u32| -> Turn<'_> {
        Box::pin(async move {
            let caller = |_| {
                let shared = shared.clone();
                tokio::spawn(async move {
                    let (referrals, code) = &*shared;
                    for _ in 0..batches(often) {
                        click(referrals, code).await?;
                    }
                    Ok::<(), Failure>(())
                })
            };
            let callers: Vec<_> = (0..CALLERS).map(caller).collect();
            for caller in callers {
                caller.await??;
            }
            Ok(())
        })
    };
    let theirs = |often: u32| -> Turn<'_> {
        Box::pin(async move {
            for _ in 0..batches(often) {
                let query = sqlx::query(AssertSqlSafe(sql.clone()));
                let query = (0..CALLERS).fold(query, |query, _| bench.row(query));
                query.execute(bench.theirs.pool()).await?;
            }
            Ok(())
        })
    };
    let measured = compare(rounds, TURN, &ours, &theirs).await?;
    Ok(vec![bench.line("record-many", measured, true)])
}
