//! The tables: their names, and the scripts that make them.

#[cfg(feature = "harness")]
use referral_core::store::Unique;
use referral_core::store::{Index, Kind};
use sea_query::Alias;

/// The table of all counters and tallies.
pub(crate) const COUNTER: &str = "referral_counter";
/// The table of applied migrations. It is our own because the host may use sqlx migrations too.
pub(crate) const MIGRATIONS: &str = "_referral_migrations";

/// One migration.
#[derive(Debug)]
pub struct Script {
    /// Its number. Migrations run in the order of their numbers.
    pub(crate) version: i64,
    /// The table that it makes.
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

/// The migrations of a database, from the folder of its dialect. A migration that was released is never edited.
macro_rules! scripts {
    ($dialect:ident: $folder:literal) => {
        scripts!($dialect: $folder, [
            1 "0001" "link",
            2 "0002" "alias",
            3 "0003" "response",
            4 "0004" "request",
            5 "0005" "counter"
        ]);
    };
    ($dialect:ident: $folder:literal, [$($version:literal $digits:literal $name:literal),+]) => {
        // Without this check, a kind of record without a migration would only be noticed at run time. One table more is
        // that of the numbers.
        const _: () = assert!(
            Kind::ALL.len() + 1 == [$($version),+].len(),
            "referral-core has a kind of record that no migration makes"
        );

        pub(crate) const $dialect: &[Script] = &[$(Script {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../migrations/", $folder, "/", $digits, "_", $name, ".sql")),
        }),+];
    };
}

#[cfg(feature = "mysql")]
scripts!(MYSQL: "mysql");
#[cfg(feature = "postgres")]
scripts!(POSTGRES: "postgres");
#[cfg(feature = "sqlite")]
scripts!(SQLITE: "sqlite");

/// The name of a kind's table. Its columns have core's names.
#[must_use]
#[cfg_attr(not(feature = "harness"), expect(unreachable_pub, reason = "the harness exports it"))]
pub fn table_name(kind: Kind) -> String {
    format!("referral_{}", kind.name())
}

pub(crate) fn table(kind: Kind) -> Alias {
    Alias::new(table_name(kind))
}

/// The name of an index in the database.
#[must_use]
#[cfg_attr(not(feature = "harness"), expect(unreachable_pub, reason = "the harness exports it"))]
pub fn index_name(index: Index) -> String {
    format!("referral_{}", index.shape().name)
}

/// The name of a unique index in the database.
#[cfg(feature = "harness")]
#[must_use]
pub fn unique_name(unique: Unique) -> String {
    format!("referral_{}", unique.name())
}
