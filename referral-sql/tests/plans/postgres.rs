//! PostgreSQL reads an index and does not sort, if it has statistics. A value that nearly every row has may be read
//! from another index than the intended one, which is as fast.

use referral_sql::harness::PostgresHarness;
use referral_sql::harness::{index_name, unique_name};
use referral_sql::{PostgresStore, SqlStore};

use sqlx::postgres::{PgConnectOptions, PgPool};

use crate::questions::{self, Asked};

/// The words in a plan for reading more than needed, and for sorting.
fn assert_reads_indexes_only(steps: &[String], told: &str) {
    for bad in ["Seq Scan", "Sort", "Materialize", "Hash"] {
        assert!(!steps.iter().any(|step| step.contains(bad)), "{told}: {steps:#?}");
    }
    assert!(steps.iter().any(|step| step.contains("Index Scan")), "{told}: {steps:#?}");
}

async fn check(store: &PostgresStore) {
    for plan in questions::pages(store, Asked::Common).await {
        assert_reads_indexes_only(&plan.steps, &format!("{:?} {}", plan.about, plan.asked));
    }
    for plan in questions::pages(store, Asked::Absent).await {
        let told = format!("{:?} {}", plan.about, plan.asked);
        assert_reads_indexes_only(&plan.steps, &told);
        let wanted = index_name(plan.about);
        assert!(plan.steps.iter().any(|step| step.contains(&wanted)), "{told}: {:#?}", plan.steps);
    }
    for plan in questions::finds(store).await {
        let (unique, many) = plan.about;
        assert_reads_indexes_only(&plan.steps, &plan.asked);
        let wanted = unique_name(unique);
        let scans = plan.steps.iter().filter(|step| step.contains(&wanted)).count();
        assert_eq!(scans, many, "{:#?}", plan.steps);
    }
    assert_reads_indexes_only(&questions::of_a_code(store).await, "a code");
    for plan in questions::gets(store).await {
        assert_reads_indexes_only(&plan.steps, &plan.asked);
    }
    for plan in questions::counters(store).await {
        assert_reads_indexes_only(&plan.steps, &plan.asked);
    }
}

#[tokio::test]
async fn every_read_runs_on_an_index_and_sorts_nothing() {
    let Some((store, _scratch)) = PostgresHarness::from_env().scratch().await else { return };
    questions::fill(&store).await;
    sqlx::raw_sql("ANALYZE").execute(store.pool()).await.unwrap();
    store.close().await;
    // For few rows PostgreSQL may use a bitmap scan and sort, which costs no more; for many rows it does not. With
    // bitmap scans off, the plan shows whether the index gives the order.
    let options = PgConnectOptions::clone(&store.pool().connect_options());
    let options = options.options([("enable_bitmapscan", "off")]);
    let store = SqlStore::from_pool(PgPool::connect_with(options).await.unwrap()).await.unwrap();
    check(&store).await;
    store.close().await;
}
