//! What the environment says: where to listen, where to keep the data, who the public thinks we are.

use std::env;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use referral_core::KeyRing;
use referral_core::token::KeyError;

use crate::keys;

/// Everything the environment decides.
pub(crate) struct Config {
    pub(crate) host: IpAddr,
    pub(crate) port: u16,
    pub(crate) database: Database,
    /// The URL that visitors use; derived from the address that is really bound where nobody named one.
    pub(crate) public_url: Option<String>,
    pub(crate) keys: KeyRing,
    /// Where the keys came from, for the lines at the start.
    pub(crate) keys_from: String,
    /// Cookies without `Secure`, for trying the shop on a phone in the same network.
    pub(crate) insecure_cookies: bool,
}

/// Where the shop and the referrals are kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Database {
    Memory,
    Sqlite(PathBuf),
}

/// Why the shop did not open, in words that say what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("PORT must be a number from 0 to 65535; it is {0:?}")]
    Port(String),
    #[error(
        "HOST must be an IP address to listen on, such as 127.0.0.1, or 0.0.0.0 for everybody; it is {0:?}"
    )]
    Host(String),
    #[error("INSECURE_COOKIES is either 1 or unset; it is {0:?}")]
    Insecure(String),
    #[error(
        "{0} comes with the next release; until then DATABASE_URL takes sqlite://FILE (the default is \
         {default}) and memory:",
        default = DEFAULT_DATABASE
    )]
    NotYet(&'static str),
    #[error(
        "DATABASE_URL is neither sqlite://FILE nor memory: (it begins with {0:?}); without it the shop uses \
         {default}",
        default = DEFAULT_DATABASE
    )]
    Database(String),
    #[error("REFERRAL_KEYS cannot be read")]
    Keys(#[source] KeyError),
    #[error("the keys in {path} cannot be used; put the file back, or remove it to begin with new keys")]
    KeyFile { path: String, source: KeyError },
    #[error("{path} cannot be read or written")]
    File { path: String, source: io::Error },
}

const DEFAULT_DATABASE: &str = "sqlite://storefront.db";

impl Config {
    /// Reads the environment, and makes a key file where there is none.
    pub(crate) fn from_env() -> Result<Self, ConfigError> {
        let var = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
        let port =
            var("PORT").map_or(Ok(3000), |text| text.trim().parse().map_err(|_| ConfigError::Port(text)))?;
        let host = match var("HOST") {
            None => IpAddr::from([127, 0, 0, 1]),
            Some(text) if text.trim() == "localhost" => IpAddr::from([127, 0, 0, 1]),
            Some(text) => text.trim().parse().map_err(|_| ConfigError::Host(text))?,
        };
        let insecure_cookies = match var("INSECURE_COOKIES").as_deref() {
            None | Some("0") => false,
            Some("1") => true,
            Some(other) => return Err(ConfigError::Insecure(other.to_owned())),
        };
        let database = Database::parse(&var("DATABASE_URL").unwrap_or_else(|| DEFAULT_DATABASE.to_owned()))?;
        let (keys, keys_from) = keys::load(var("REFERRAL_KEYS"), &database)?;
        Ok(Self { host, port, database, public_url: var("PUBLIC_URL"), keys, keys_from, insecure_cookies })
    }
}

impl Database {
    /// Reads a database's URL.
    pub(crate) fn parse(url: &str) -> Result<Self, ConfigError> {
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        let later = match scheme.to_ascii_lowercase().as_str() {
            "memory" => return Ok(Self::Memory),
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                // Options behind the path are the driver's business elsewhere; here there are none.
                let path = path.split_once('?').map_or(path, |(path, _)| path);
                if path.is_empty() || path == ":memory:" {
                    return Ok(Self::Memory);
                }
                return Ok(Self::Sqlite(PathBuf::from(path)));
            }
            "postgres" | "postgresql" => "PostgreSQL (postgres://)",
            "mysql" | "mariadb" => "MySQL and MariaDB (mysql://)",
            "mongodb" | "mongodb+srv" => "MongoDB (mongodb://)",
            "sled" => "sled (sled://)",
            // Only the scheme: the rest of a database's URL may hold a password.
            other => return Err(ConfigError::Database(other.chars().take(20).collect())),
        };
        Err(ConfigError::NotYet(later))
    }

    /// What the lines at the start call it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Memory => "in memory, gone when the shop closes".to_owned(),
            Self::Sqlite(path) => format!("{} (SQLite)", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_a_file_or_memory() {
        assert_eq!(Database::parse("memory:").unwrap(), Database::Memory);
        assert_eq!(Database::parse("sqlite://shop.db").unwrap(), Database::Sqlite("shop.db".into()));
        assert_eq!(Database::parse("sqlite:///tmp/a b.db").unwrap(), Database::Sqlite("/tmp/a b.db".into()));
        assert_eq!(Database::parse("sqlite:shop.db?mode=rwc").unwrap(), Database::Sqlite("shop.db".into()));
        assert_eq!(Database::parse("sqlite::memory:").unwrap(), Database::Memory);
    }

    #[test]
    fn databases_of_the_next_release_are_named_and_passwords_are_not() {
        for url in ["postgres://u:s3cret@h/d", "mysql://u:s3cret@h/d", "mongodb://u:s3cret@h", "sled://dir"] {
            let said = Database::parse(url).unwrap_err().to_string();
            assert!(said.contains("next release") && said.contains("sqlite://"), "{said}");
            assert!(!said.contains("s3cret"), "{said}");
        }
        let said = Database::parse("oracle://u:s3cret@h").unwrap_err().to_string();
        assert!(said.contains("oracle") && !said.contains("s3cret"), "{said}");
    }
}
