//! MySQL and MariaDB read the intended index, because pages name it.

use referral_core::store::Unique;
use referral_sql::MySqlStore;
use referral_sql::harness::MySqlHarness;
use referral_sql::harness::{index_name, unique_name};

use crate::questions::{self, Asked};

fn assert_reads_by(key: &str, steps: &[String], told: &str) {
    let plan = steps.concat();
    for bad in ["filesort", "temporary_table", r#""access_type": "ALL""#] {
        assert!(!plan.contains(bad), "{told}: {plan}");
    }
    let read = plan.contains(&format!(r#""key": "{key}""#));
    // The planner looked the unique key up itself and found nothing.
    let known = plan.contains("after reading const tables");
    assert!(read || known, "{told} by {key}: {plan}");
}

async fn check(store: &MySqlStore, when: &str) {
    let mut pages = questions::pages(store, Asked::Common).await;
    pages.extend(questions::pages(store, Asked::Absent).await);
    for plan in pages {
        let told = format!("{when}: {:?} {}", plan.about, plan.asked);
        assert_reads_by(&index_name(plan.about), &plan.steps, &told);
    }
    for plan in questions::finds(store).await {
        assert_reads_by(&unique_name(plan.about.0), &plan.steps, &format!("{when}: {}", plan.asked));
    }
    // The look-up uses two unique indexes.
    let code = questions::of_a_code(store).await;
    assert_reads_by(&unique_name(Unique::AliasCode), &code, when);
    assert_reads_by(&unique_name(Unique::AliasFolded), &code, when);
    for plan in questions::gets(store).await {
        assert_reads_by("PRIMARY", &plan.steps, &format!("{when}: {:?} {}", plan.about, plan.asked));
    }
    for plan in questions::counters(store).await {
        assert_reads_by("PRIMARY", &plan.steps, &format!("{when}: {}", plan.asked));
    }
}

#[tokio::test]
async fn every_read_runs_on_its_own_index() {
    let Some((store, _scratch)) = MySqlHarness::from_env().scratch().await else { return };
    check(&store, "empty").await;
    questions::fill(&store).await;
    check(&store, "filled").await;
    sqlx::raw_sql(
        "ANALYZE TABLE referral_link, referral_alias, referral_response, referral_request, referral_counter",
    )
    .execute(store.pool())
    .await
    .unwrap();
    check(&store, "analysed").await;
    store.close().await;
}
