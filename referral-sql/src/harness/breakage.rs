//! What breaks a database by its own means, and mends it.

use referral_testkit::Breakage;

/// The two tables that are broken.
const TABLES: [&str; 2] = ["referral_link", "referral_counter"];
/// What the tables are called while they cannot be read.
const AWAY: [&str; 2] = ["broken_link", "broken_counter"];
/// Longer than any part of a key.
const LONG: usize = 256;

/// The statements that break a database, and those that mend it.
#[derive(Debug)]
pub struct Script {
    pub(crate) breaks: String,
    pub(crate) mends: String,
}

impl Script {
    pub(crate) fn new(breaks: impl Into<String>, mends: impl Into<String>) -> Self {
        Self { breaks: breaks.into(), mends: mends.into() }
    }

    /// What is the same on every database. `joins` puts a text before or behind a column.
    pub(crate) fn of(breakage: Breakage, joins: fn(&str, &str) -> String) -> Option<Self> {
        let rename = |from: [&str; 2], to: [&str; 2]| {
            let one = |(from, to)| format!("ALTER TABLE {from} RENAME TO {to};");
            from.into_iter().zip(to).map(one).collect::<String>()
        };
        let long = "?".repeat(LONG);
        Some(match breakage {
            Breakage::Reads => Self::new(rename(TABLES, AWAY), rename(AWAY, TABLES)),
            Breakage::DamagedRecords => Self::new(
                format!("UPDATE referral_link SET status = {}", joins("'?'", "status")),
                "UPDATE referral_link SET status = SUBSTR(status, 2) WHERE status LIKE '?%'",
            ),
            // A bigint is a number whatever is in it, so the damage is in the key.
            Breakage::DamagedNumbers => Self::new(
                format!("UPDATE referral_counter SET part2 = {}", joins("part2", &format!("'{long}'"))),
                format!(
                    "UPDATE referral_counter SET part2 = SUBSTR(part2, 1, LENGTH(part2) - {LONG})
                     WHERE part2 LIKE '%{long}'"
                ),
            ),
            _ => return None,
        })
    }
}
