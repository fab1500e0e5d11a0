//! Every page and every look-up runs on the index that is meant for it: no scan, no sort.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)] // to clippy, helpers are no tests

mod common;

use common::{alias, counter, link, response, tenant, user, uuid};
use referral_core::code::Code;
use referral_core::store::{
    Change, Changeset, CounterPrefix, CounterRange, Family, Index, Outcome, Part, Prefix, Range, Seek, Store,
    Unique, UniqueKey,
};
use referral_core::{ColumnType, KeyPart, Kind, LinkId, Record, RecordId, Status, Tenant, Value, VisitorId};
use referral_sql::harness::SqliteHarness;
use referral_sql::schema::{index_name, table_name, unique_name};
use referral_sql::{Question, SqliteStore};

/// A value that a column could hold.
fn value(holds: ColumnType) -> Value {
    match holds {
        ColumnType::Uuid => Value::Uuid(uuid(1)),
        ColumnType::Int => Value::Int(1),
        ColumnType::Text(_) => Value::Text("ada".into()),
    }
}

/// Both directions; with and without ends, and behind a place.
fn ranges() -> Vec<Range> {
    let mut ranges = Vec::new();
    for ascending in [true, false] {
        for from in [None, Some(500)] {
            for until in [None, Some(5_000)] {
                for after in [None, Some(Seek { at: 1_000, id: uuid(7) })] {
                    ranges.push(Range { from, until, after, ascending });
                }
            }
        }
    }
    ranges
}

/// Holds the plans of all reads against the indexes they are meant for.
async fn check(store: &SqliteStore, when: &str) {
    for index in Index::ALL {
        let shape = index.shape();
        let holds = |column: &str| shape.kind.columns().iter().find(|c| c.name == column).unwrap().holds;
        let prefix = Prefix {
            tenant: shape.tenant.then(Tenant::default),
            parts: shape
                .parts
                .iter()
                .filter_map(|part| match part {
                    Part::Is(column) => Some(value(holds(column))),
                    Part::Null(_) => None,
                })
                .collect(),
        };
        for range in ranges() {
            let plan = store.explain(Question::Page(*index, &prefix, &range, 50)).await.unwrap();
            let told = format!("{when}: {index:?} {range:?}: {plan:#?}");
            let unbounded = range == Range { ascending: range.ascending, ..Range::default() };
            // Over everything there is nothing to search for: the index is read from its end.
            let verb = if unbounded && !shape.tenant { "SCAN" } else { "SEARCH" };
            let wanted = format!("{verb} {} USING INDEX {}", table_name(shape.kind), index_name(*index));
            assert_eq!(plan.len(), 1, "{told}");
            assert!(plan.iter().all(|step| step.split(" (").next() == Some(&wanted)), "{told}");
            if !unbounded {
                assert!(
                    plan.iter().all(|step| step.contains(shape.order)),
                    "not from the right place: {told}"
                );
            }
        }
    }
    for unique in Unique::ALL {
        let holds = |column: &&str| {
            let columns = unique.kind().columns();
            value(columns.iter().find(|c| c.name == *column).unwrap().holds)
        };
        let parts: Vec<Value> = unique.columns().iter().map(holds).collect();
        let key = UniqueKey { unique: *unique, tenant: Tenant::default(), parts };
        for many in [1, 2, 3, 100] {
            let plan = store.explain(Question::Find(&vec![key.clone(); many])).await.unwrap();
            let wanted = format!("SEARCH {} USING INDEX {}", table_name(unique.kind()), unique_name(*unique));
            let searches = assert_searches_only(&plan, &format!("{when}: {unique:?}"));
            assert_eq!(searches.len(), many);
            assert!(searches.iter().all(|step| step.starts_with(&wanted)), "{when}: {unique:?}: {plan:#?}");
        }
    }
    // How a code is looked up: two rules in one statement.
    let keys: Vec<_> = UniqueKey::all_of(&alias(1, "abc").into());
    let plan = store.explain(Question::Find(&keys)).await.unwrap();
    assert_eq!(assert_searches_only(&plan, when).len(), 2);
    for kind in Kind::ALL {
        // Not more: for most of a small table a scan is right.
        for many in [1, 3, 100] {
            let ids = vec![RecordId { kind: *kind, uuid: uuid(1) }; many];
            let plan = store.explain(Question::Get(&ids)).await.unwrap();
            let primary = format!("USING INDEX sqlite_autoindex_{}_1 (id=?)", table_name(*kind));
            assert!(
                assert_searches_only(&plan, when).iter().all(|step| step.contains(&primary)),
                "{plan:#?}"
            );
        }
    }
    for parts in 0..=2 {
        let parts = ["a", "b"].iter().take(parts).map(|part| KeyPart::new(*part).unwrap()).collect();
        let prefix = CounterPrefix { tenant: Tenant::default(), family: Family::ResponsesByHour, parts };
        let after = Some(counter(Family::ResponsesByHour, "a", 7));
        for after in [None, after] {
            let range = CounterRange { from: Some(1), until: Some(9), after, limit: 50 };
            let plan = store.explain(Question::Counters(&prefix, &range)).await.unwrap();
            let searches = assert_searches_only(&plan, when);
            assert!(
                searches.iter().all(|step| step.contains("PRIMARY KEY (tenant=? AND family=?")),
                "{plan:#?}"
            );
        }
    }
}

/// The steps that look something up. Every other step holds them together, and none scans or sorts.
fn assert_searches_only(plan: &[String], told: &str) -> Vec<String> {
    let harmless = ["COMPOUND QUERY", "LEFT-MOST SUBQUERY", "UNION ALL"];
    let rest = plan.iter().filter(|step| !harmless.contains(&step.as_str()));
    let searches: Vec<_> = rest.cloned().collect();
    assert!(searches.iter().all(|step| step.starts_with("SEARCH ")), "{told}: {plan:#?}");
    searches
}

/// A few thousand rows of which most are alike: one tenant, one owner, one link, one visitor.
fn skewed() -> Vec<Record> {
    let mut records = Vec::new();
    for number in 0..1_500_u64 {
        let rare = number % 100 == 0;
        let mut link = link(number);
        link.owner = Some(user(if rare { "eve" } else { "ada" }));
        link.status = if rare { Status::Archived } else { Status::Active };
        link.natural = None;
        link.code = Code::new(format!("link-{number}")).unwrap();
        records.push(link.into());
        let mut alias = alias(number, &format!("link-{number}"));
        alias.case_exact = !rare;
        alias.link = LinkId::from_uuid(uuid(if rare { number } else { 1 }));
        records.push(alias.into());
        for copy in 0..2 {
            let mut response = response(2 * number + copy);
            response.visitor =
                (number % 3 > 0).then(|| VisitorId::from_uuid(uuid(if rare { number } else { 1 })));
            response.user = (number % 5 > 0).then(|| user(if rare { "eve" } else { "ada" }));
            response.tenant = tenant(if rare { "other" } else { "" });
            records.push(response.into());
        }
    }
    records
}

#[tokio::test]
async fn every_read_runs_on_its_own_index() {
    let (store, _folder) = SqliteHarness::new().scratch().await;
    check(&store, "empty").await;
    for records in skewed().chunks(256) {
        let batch: Vec<_> =
            records.iter().map(|record| Changeset::new([Change::Insert(record.clone())])).collect();
        for outcome in store.commit(&batch).await {
            assert_eq!(outcome.unwrap(), Outcome::Applied);
        }
    }
    check(&store, "filled").await;
    sqlx::raw_sql("ANALYZE").execute(store.pool()).await.unwrap();
    // Opened anew, because readers look at the statistics when they load the schema.
    let file: String = sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'")
        .fetch_one(store.pool())
        .await
        .unwrap();
    let analysed = SqliteStore::open(file).await.unwrap();
    check(&analysed, "analysed").await;
}
