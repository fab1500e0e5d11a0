//! Where the shop and the referrals are kept.

use std::path::PathBuf;

use super::error::ConfigError;

/// Where the shop and the referrals are kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Database {
    Memory,
    Sqlite(PathBuf),
}

impl Database {
    /// Reads a database's URL.
    pub(crate) fn parse(url: &str) -> Result<Self, ConfigError> {
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        let later = match scheme.to_ascii_lowercase().as_str() {
            "memory" => return Ok(Self::Memory),
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                // Other programs pass options behind the path to the driver. This one has none.
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
            // Only the scheme is shown, because the rest of a database's URL may hold a password.
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
