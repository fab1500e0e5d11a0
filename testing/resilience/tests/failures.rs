//! R10 without a kill: a primary of MongoDB steps down, connections are cut and answers to commits get lost, all
//! under load. It needs a server with fail points. Without one it prints that it is skipped, or fails in strict
//! mode.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // to clippy, helpers are no tests

use std::sync::Arc;

use referral_core::layer::GroupCommit;
use referral_core::store::Store;
use referral_mongo::MongoStore;
use referral_mongo::mongodb::Client;
use referral_mongo::mongodb::bson::{Document, doc};
use referral_mongo::mongodb::options::ClientOptions;
use referral_resilience::everything::Everything;
use referral_resilience::figures::report;
use referral_resilience::journal::Journal;
use referral_resilience::load::Load;
use referral_resilience::run::{runtime, strict};
use referral_resilience::servers::Server;
use referral_resilience::told::verdict;

/// Only the commands of this client fail.
const CLIENT: &str = "referral-in-mid-load";
/// How many commands fail each time.
const TIMES: i32 = 5;
/// How many writes must be acknowledged while commands fail.
const ENOUGH: usize = 50;

/// What fails: a name, the commands, and the options of the fail point.
fn failures() -> Vec<(&'static str, Vec<&'static str>, Document)> {
    let transient = vec!["TransientTransactionError"];
    let unknown = vec!["UnknownTransactionCommitResult"];
    vec![
        (
            "not the primary before the commit",
            vec!["insert", "update", "find"],
            doc! { "errorCode": 10107, "errorLabels": transient.clone() },
        ),
        ("not the primary at the commit", vec!["commitTransaction"], doc! { "errorCode": 10107 }),
        ("cut before the commit", vec!["insert", "update", "find"], doc! { "closeConnection": true }),
        ("cut at the commit", vec!["commitTransaction"], doc! { "closeConnection": true }),
        (
            "unknown at the commit",
            vec!["commitTransaction"],
            doc! { "errorCode": 91, "errorLabels": unknown },
        ),
        (
            "committed, and not known to a majority",
            vec!["commitTransaction"],
            doc! { "writeConcernError": { "code": 64, "errmsg": "waiting for replication timed out" } },
        ),
        (
            "not known to the server at the commit",
            vec!["commitTransaction"],
            doc! { "errorCode": 251, "errorLabels": transient },
        ),
    ]
}

#[test]
fn mongodb_loses_nothing_when_its_commands_fail() {
    runtime().block_on(async {
        let Some(server) = Server::mongodb() else { return };
        let mut options = ClientOptions::parse(server.url()).await.unwrap();
        options.app_name = Some(CLIENT.to_owned());
        options.server_selection_timeout = Some(std::time::Duration::from_secs(5));
        // Without this, the driver waits ten seconds before it looks again after a server said "not the primary".
        options.heartbeat_freq = Some(std::time::Duration::from_millis(500));
        let store =
            MongoStore::with_client(Client::with_options(options).unwrap(), "referral").await.unwrap();
        store.migrate().await.unwrap();
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        let loads = [Load::over(shared.clone()), Load::over(Arc::new(GroupCommit::new(shared.clone())))];
        loads[0].prepare().await;
        let journal = Journal::start(&loads);
        let mut kinds = Vec::new();
        for (name, commands, how) in failures() {
            journal.is_calm(3).await;
            let mut data = doc! { "failCommands": commands, "appName": CLIENT };
            data.extend(how);
            if !set(&store, doc! { "times": TIMES }, Some(data)).await {
                return;
            }
            journal.acknowledges(ENOUGH).await;
            assert!(set(&store, "off", None).await);
            // Every writer can write again.
            journal.is_calm(3).await;
            kinds.push(name);
        }
        let met = journal.end().await;
        let verdict = verdict(&met.told, &Everything::of(&*shared).await);
        report(
            "R10 commands",
            "mongodb",
            &[
                ("server", server.version()),
                ("kinds of failures", kinds.len().to_string()),
                ("commands failed of each kind", TIMES.to_string()),
                ("acknowledged", met.told.len().to_string()),
                ("found", verdict.found.to_string()),
                ("lost", verdict.lost.len().to_string()),
                ("duplicated", verdict.twice.len().to_string()),
                ("half there", verdict.halves.len().to_string()),
                ("errors heard", met.by_kind()),
                ("doubtful clicks", met.doubtful_clicks.to_string()),
                ("of them recorded", verdict.more_clicks.to_string()),
            ],
        );
        verdict.assert(&format!("after {kinds:?}"));
        assert!(verdict.more_numbers == 0 && verdict.more_clicks <= met.doubtful_clicks, "{verdict:?}");
    });
}

/// Sets the fail point. On a server without fail points it prints that the test is skipped, and returns `false`.
async fn set(
    store: &MongoStore,
    mode: impl Into<referral_mongo::mongodb::bson::Bson>,
    data: Option<Document>,
) -> bool {
    let mut command = doc! { "configureFailPoint": "failCommand", "mode": mode.into() };
    if let Some(data) = data {
        command.insert("data", data);
    }
    match store.database().client().database("admin").run_command(command).await {
        Ok(_) => true,
        Err(error) => {
            assert!(!strict(), "skipped, and that is not allowed: the server has no fail points: {error}");
            println!("skipped: the server has no fail points: {error}");
            false
        }
    }
}
