//! The URLs of databases.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use referral_mongo::mongodb::options::ConnectionString;
use referral_sql::sqlx;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

/// A database, by its URL. Prints no password.
#[derive(Clone)]
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
    /// `sled:///an/absolute/path`, `sled://a/relative/one`
    Sled {
        /// The folder.
        path: PathBuf,
    },
    /// `postgres://` or `postgresql://`
    Postgres {
        /// The URL as it was given.
        url: String,
        /// What is in it.
        options: Box<PgConnectOptions>,
    },
    /// `mysql://` or `mariadb://`
    MySql {
        /// The URL, as one of MySQL's.
        url: String,
        /// What is in it.
        options: Box<MySqlConnectOptions>,
    },
    /// `mongodb://` or `mongodb+srv://`
    Mongo {
        /// The URL as it was given.
        url: String,
    },
}

/// What a URL may begin with.
const SCHEMES: &str = "memory:, sqlite:, sled:, postgres:, mysql:, mariadb: and mongodb:";

/// Why a URL names no database that this program can open. Never shows the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddressError {
    /// No scheme at all.
    #[error(
        "the database is no URL; a file is written sqlite://referral.db or sqlite:///var/lib/referral.db"
    )]
    NoUrl,
    /// A kind of database that the program does not know.
    #[error("no database is called `{scheme}:`; there are {SCHEMES}")]
    Unknown {
        /// What the URL begins with.
        scheme: String,
    },
    /// SQLite without a file.
    #[error("SQLite needs a file: sqlite://referral.db; `memory:` is for what may be forgotten")]
    NoFile,
    /// sled without a folder.
    #[error("sled needs a folder: sled://referral or sled:///var/lib/referral")]
    NoFolder,
    /// A server without a host.
    #[error("the URL names no host: {scheme}://USER:PASSWORD@HOST/DATABASE")]
    NoHost {
        /// What the URL begins with.
        scheme: String,
    },
    /// The text behind the host might be the end of a password.
    #[error(
        "there is an `@` behind the host; inside a name or a password write `@` as %40, `/` as %2F, `?` as %3F, `#` as %23"
    )]
    Unescaped,
    /// The rest of the URL is not what this database understands.
    #[error("the database's URL is not understood")]
    Malformed(#[source] sqlx::Error),
    /// The same for MongoDB. The driver's own error is left out, because it might show the password.
    #[error(
        "the database's URL is not understood; MongoDB's are mongodb://USER:PASSWORD@HOST/DATABASE?replicaSet=rs0"
    )]
    MalformedMongo,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, AddressError> {
        let is_scheme = |scheme: &&str| {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        };
        let (scheme, rest) = url.split_once(':').filter(|(s, _)| is_scheme(s)).ok_or(AddressError::NoUrl)?;
        let scheme = scheme.to_ascii_lowercase();
        match scheme.as_str() {
            "memory" => Ok(Self::Memory),
            "sqlite" => sqlite(format!("sqlite:{rest}")),
            "sled" => {
                let path = percent_decode_str(rest.strip_prefix("//").unwrap_or(rest)).decode_utf8_lossy();
                if path.is_empty() {
                    return Err(AddressError::NoFolder);
                }
                Ok(Self::Sled { path: PathBuf::from(path.into_owned()) })
            }
            "postgres" | "postgresql" => {
                let url = server(&scheme, rest)?;
                let options = Box::new(url.parse().map_err(AddressError::Malformed)?);
                Ok(Self::Postgres { url, options })
            }
            "mysql" | "mariadb" => {
                let url = server("mysql", rest)?;
                let options = Box::new(url.parse().map_err(AddressError::Malformed)?);
                Ok(Self::MySql { url, options })
            }
            "mongodb" | "mongodb+srv" => {
                let url = server(&scheme, rest)?;
                ConnectionString::parse(&url).map_err(|_| AddressError::MalformedMongo)?;
                Ok(Self::Mongo { url })
            }
            _ => Err(AddressError::Unknown { scheme }),
        }
    }
}

fn sqlite(url: String) -> Result<Address, AddressError> {
    let options = SqliteConnectOptions::from_str(&url).map_err(AddressError::Malformed)?;
    let path = options.get_filename().to_owned();
    let temporary = url.contains(":memory:") || url.contains("mode=memory");
    if temporary || path.as_os_str().is_empty() {
        return Err(AddressError::NoFile);
    }
    Ok(Address::Sqlite { url, path })
}

/// Checks that a URL has a host, and that nothing behind it could be a piece of a password, which would be shown as the
/// name of the database.
fn server(scheme: &str, rest: &str) -> Result<String, AddressError> {
    let behind = rest.strip_prefix("//").unwrap_or_default();
    let (authority, tail) = behind.split_at(behind.find(['/', '?', '#']).unwrap_or(behind.len()));
    if tail.contains('@') {
        return Err(AddressError::Unescaped);
    }
    // PostgreSQL and MySQL name a socket behind the `?`.
    if authority.is_empty() && !tail.contains('?') {
        return Err(AddressError::NoHost { scheme: scheme.to_owned() });
    }
    Ok(format!("{scheme}:{rest}"))
}

/// The folder that a file or folder lies in.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new(".")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(url: &str) -> PathBuf {
        match url.parse() {
            Ok(Address::Sqlite { path, .. } | Address::Sled { path }) => path,
            Ok(_) => panic!("{url} is no file"),
            Err(error) => panic!("{url}: {error}"),
        }
    }

    fn told(url: &str) -> String {
        url.parse::<Address>().map(|_| "it is understood").unwrap_err().to_string()
    }

    #[test]
    fn three_slashes_are_absolute_and_two_are_relative() {
        assert_eq!(path("sqlite:///var/lib/a.db"), Path::new("/var/lib/a.db"));
        assert_eq!(path("sqlite://a.db"), Path::new("a.db"));
        assert_eq!(path("SQLITE:a/b.db"), Path::new("a/b.db"));
        assert_eq!(path("sqlite:///tmp/a%20b.db"), Path::new("/tmp/a b.db"));
        assert_eq!(path("sled:///var/lib/a%20b"), Path::new("/var/lib/a b"));
        assert_eq!(path("sled://a"), Path::new("a"));
        assert!(matches!("memory:".parse(), Ok(Address::Memory)));
        assert_eq!(beside(Path::new("a.db")), Path::new("."));
    }

    #[test]
    fn a_server_has_all_its_names() {
        assert!(matches!("postgresql://h/db".parse(), Ok(Address::Postgres { .. })));
        assert!(matches!("mongodb+srv://h.example/db".parse(), Ok(Address::Mongo { .. })));
        let Ok(Address::MySql { url, options }) = "MariaDB://u:p@h:7/db".parse() else {
            panic!("it is MySQL's")
        };
        assert_eq!(url, "mysql://u:p@h:7/db");
        assert_eq!((options.get_host(), options.get_port(), options.get_database()), ("h", 7, Some("db")));
    }

    #[test]
    fn what_cannot_be_opened_is_said_without_the_password() {
        assert!(told("oracle://u:secret@h/db").contains("`oracle:`"));
        let nonsense = [
            "",
            "referral.db",
            "/var/lib/referral.db",
            "://x",
            "u:secret@h",
            "postgres://u:se/cret@h/db",
            "postgres://u:12/secret@h/db",
            "postgres://u:12#secret@h/db",
            "postgres://u:secret",
            "postgres:u:secret@h",
            "mysql://u:1?secret@h/db",
            "mariadb://u:secret",
            "mongodb://u:secret",
            "mongodb://u:se/cret@h/db",
            "mongodb://u:se%ZZcret@h:secret/db",
            "mongodb://u:secret@h/?authMechanism=secret",
            "mongodb+srv://u:secret@h:1/db",
        ];
        for url in nonsense {
            let error = url.parse::<Address>().map(|_| "it is understood").unwrap_err();
            let causes =
                std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
            let told = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
            assert!(!told.contains("secret") && !told.contains("cret@"), "{url}: {told}");
        }
        for url in ["sqlite:", "sqlite://", "sqlite::memory:", "sqlite://x?mode=memory"] {
            assert!(told(url).starts_with("SQLite needs a file"), "{url}");
        }
        assert!(told("sled://").starts_with("sled needs a folder"));
        assert!(told("mysql://").starts_with("the URL names no host"));
    }
}
