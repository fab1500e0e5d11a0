//! SQLite reads the intended index when the tables are empty, when they are full, and when it has statistics.

use referral_sql::SqliteStore;
use referral_sql::harness::SqliteHarness;
use referral_sql::harness::{index_name, table_name, unique_name};

use crate::questions::{self, Asked};

/// The steps that look something up. Every other step only combines them, and none scans or sorts.
fn assert_searches_only(plan: &[String], told: &str) -> Vec<String> {
    let harmless = ["COMPOUND QUERY", "LEFT-MOST SUBQUERY", "UNION ALL"];
    let rest = plan.iter().filter(|step| !harmless.contains(&step.as_str()));
    let searches: Vec<_> = rest.cloned().collect();
    assert!(searches.iter().all(|step| step.starts_with("SEARCH ")), "{told}: {plan:#?}");
    searches
}

/// Compares the plans of all reads with the indexes that they should use.
async fn check(store: &SqliteStore, when: &str) {
    let mut pages = questions::pages(store, Asked::Common).await;
    pages.extend(questions::pages(store, Asked::Absent).await);
    for plan in pages {
        let (index, steps) = (plan.about, &plan.steps);
        let shape = index.shape();
        let told = format!("{when}: {index:?} {}: {steps:#?}", plan.asked);
        let wanted = format!("SEARCH {} USING INDEX {}", table_name(shape.kind), index_name(index));
        assert_eq!(steps.len(), 1, "{told}");
        assert!(steps.iter().all(|step| step.split(" (").next() == Some(&wanted)), "{told}");
        if plan.bounded {
            assert!(steps.iter().all(|step| step.contains(shape.order)), "not from the right place: {told}");
        }
    }
    for plan in questions::finds(store).await {
        let (unique, many) = plan.about;
        let wanted = format!("SEARCH {} USING INDEX {}", table_name(unique.kind()), unique_name(unique));
        let searches = assert_searches_only(&plan.steps, &format!("{when}: {unique:?}"));
        assert_eq!(searches.len(), many);
        assert!(searches.iter().all(|step| step.starts_with(&wanted)), "{when}: {unique:?}: {searches:#?}");
    }
    assert_eq!(assert_searches_only(&questions::of_a_code(store).await, when).len(), 2);
    for plan in questions::gets(store).await {
        let primary = format!("USING INDEX sqlite_autoindex_{}_1 (id=?)", table_name(plan.about));
        let searches = assert_searches_only(&plan.steps, when);
        assert!(searches.iter().all(|step| step.contains(&primary)), "{searches:#?}");
    }
    for plan in questions::counters(store).await {
        let searches = assert_searches_only(&plan.steps, when);
        let wanted = "PRIMARY KEY (tenant=? AND family=?";
        assert!(searches.iter().all(|step| step.contains(wanted)), "{searches:#?}");
    }
}

#[tokio::test]
async fn every_read_runs_on_its_own_index() {
    let (store, _folder) = SqliteHarness::new().scratch().await;
    check(&store, "empty").await;
    questions::fill(&store).await;
    check(&store, "filled").await;
    sqlx::raw_sql("ANALYZE").execute(store.pool()).await.unwrap();
    // The store is opened again, because connections read the statistics when they load the schema.
    let file: String = sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'")
        .fetch_one(store.pool())
        .await
        .unwrap();
    let analysed = SqliteStore::open(file).await.unwrap();
    check(&analysed, "analysed").await;
}
