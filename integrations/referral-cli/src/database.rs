//! The databases that the program can open.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use referral_core::memory::MemoryStore;
use referral_core::store::Store;
use referral_core::token::KeyRing;
use referral_core::{Referrals, Tenant};
use referral_sql::SqliteStore;
use referral_sql::sqlx::sqlite::SqliteConnectOptions;

use crate::args::{DatabaseArgs, SiteArgs};
use crate::failure::Failure;

/// A database, by its URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// `memory:`
    Memory,
    /// `sqlite:///an/absolute/path`, `sqlite://a/relative/one`
    Sqlite {
        /// The URL as it was given.
        url: String,
        /// The file.
        path: PathBuf,
    },
}

/// Why a URL names no database that this program can open. Never shows the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddressError {
    /// No scheme at all.
    #[error(
        "the database is no URL; a file is written sqlite://referral.db or sqlite:///var/lib/referral.db"
    )]
    NoUrl,
    /// A database that there will be a store for.
    #[error("{name} comes with the next release; this one opens `sqlite:` and `memory:`")]
    Later {
        /// What it is called.
        name: &'static str,
    },
    /// A database that nobody has heard of.
    #[error("no database is called `{scheme}:`; this release opens `sqlite:` and `memory:`")]
    Unknown {
        /// What the URL begins with.
        scheme: String,
    },
    /// SQLite without a file.
    #[error("SQLite needs a file: sqlite://referral.db; `memory:` is for what may be forgotten")]
    NoFile,
    /// The rest of the URL is no path.
    #[error("the database's URL is not understood")]
    Malformed(#[source] referral_sql::sqlx::Error),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, AddressError> {
        let is_scheme = |scheme: &&str| {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        };
        let (scheme, rest) = url.split_once(':').filter(|(s, _)| is_scheme(s)).ok_or(AddressError::NoUrl)?;
        let later = |name| Err(AddressError::Later { name });
        match scheme.to_ascii_lowercase().as_str() {
            "memory" => Ok(Self::Memory),
            "sqlite" => {
                let given = format!("sqlite:{rest}");
                let options = SqliteConnectOptions::from_str(&given).map_err(AddressError::Malformed)?;
                let path = options.get_filename().to_owned();
                let temporary = rest.contains(":memory:") || rest.contains("mode=memory");
                if temporary || path.as_os_str().is_empty() {
                    return Err(AddressError::NoFile);
                }
                Ok(Self::Sqlite { url: given, path })
            }
            "postgres" | "postgresql" => later("PostgreSQL"),
            "mysql" => later("MySQL"),
            "mariadb" => later("MariaDB"),
            "mongodb" | "mongodb+srv" => later("MongoDB"),
            "sled" => later("sled"),
            scheme => Err(AddressError::Unknown { scheme: scheme.to_owned() }),
        }
    }
}

impl Address {
    /// Opens the database, which has to be there.
    async fn open(&self) -> Result<Arc<dyn Store>, Failure> {
        match self {
            Self::Memory => Ok(Arc::new(MemoryStore::new())),
            Self::Sqlite { url, path } => {
                if !path.exists() {
                    return Err(Failure::NoDatabase { path: path.clone() });
                }
                Ok(Arc::new(SqliteStore::open(Path::new(url)).await?))
            }
        }
    }
}

/// A facade over the database of these arguments.
pub(crate) async fn referrals(
    database: &DatabaseArgs,
    tenant: &Tenant,
    site: &SiteArgs,
) -> Result<Referrals, Failure> {
    let store = database.address()?.open().await?;
    // No verb of this program signs anything, so that the keys of the site stay where they are.
    let keys = KeyRing::generate()?;
    // One caller has nothing to merge, and nothing is asked for twice.
    let builder = Referrals::builder(store, keys, site.url_or_none())
        .with_tenant(tenant.clone())
        .with_group_commit(None)
        .with_cache(None);
    let builder = site.landing_hosts.iter().fold(builder, |builder, host| builder.with_landing_host(host));
    Ok(builder.build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(url: &str) -> PathBuf {
        match url.parse() {
            Ok(Address::Sqlite { path, .. }) => path,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn three_slashes_are_absolute_and_two_are_relative() {
        assert_eq!(path("sqlite:///var/lib/a.db"), Path::new("/var/lib/a.db"));
        assert_eq!(path("sqlite://a.db"), Path::new("a.db"));
        assert_eq!(path("SQLITE:a/b.db"), Path::new("a/b.db"));
        assert_eq!(path("sqlite:///tmp/a%20b.db"), Path::new("/tmp/a b.db"));
        assert_eq!("memory:".parse::<Address>().ok(), Some(Address::Memory));
    }

    #[test]
    fn what_cannot_be_opened_is_said_without_the_password() {
        let told = |url: &str| url.parse::<Address>().unwrap_err().to_string();
        assert!(told("postgres://u:secret@h/db").starts_with("PostgreSQL comes with the next release"));
        assert!(told("mongodb+srv://u:secret@h/db").starts_with("MongoDB comes with the next release"));
        assert!(told("oracle://u:secret@h/db").contains("`oracle:`"));
        for url in ["", "referral.db", "/var/lib/referral.db", "://x", "u:secret@h"] {
            assert!(!told(url).contains("secret"), "{url}");
        }
        for url in ["sqlite:", "sqlite://", "sqlite::memory:", "sqlite://x?mode=memory"] {
            assert!(told(url).starts_with("SQLite needs a file"), "{url}");
        }
    }
}
