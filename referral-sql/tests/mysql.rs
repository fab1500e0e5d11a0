//! MySQL or MariaDB keeps every promise of the contract. The tests run if a server is named.
#![cfg(feature = "mysql")]
#![allow(clippy::unwrap_used)] // to clippy, helpers are no tests

use referral_sql::harness::MySqlHarness;
use referral_testkit::conformance;

conformance!(MySqlHarness::from_env());

/// At the server's default level a transaction reads old versions of rows, so it could not see which record it lost
/// a race against.
#[tokio::test]
async fn every_connection_reads_what_is_committed() {
    let Some((store, _scratch)) = MySqlHarness::from_env().scratch().await else { return };
    // The setting has different names on MariaDB and MySQL, and some versions know both.
    let sql = "SHOW SESSION VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation')";
    let mut connections = Vec::new();
    for _ in 0..3 {
        let mut connection = store.pool().acquire().await.unwrap();
        let levels: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(&mut *connection).await.unwrap();
        assert!(!levels.is_empty());
        assert!(levels.iter().all(|(_, level)| level == "READ-COMMITTED"), "{levels:?}");
        connections.push(connection);
    }
}
