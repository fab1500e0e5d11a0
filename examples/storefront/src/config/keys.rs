//! The keys that sign visitors' tokens: from the environment, else from a file that only we may read.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use referral_core::KeyRing;

use super::database::Database;
use super::error::ConfigError;

/// The keys, and where they are from.
pub(super) fn load(env: Option<String>, database: &Database) -> Result<(KeyRing, String), ConfigError> {
    if let Some(text) = env {
        let keys = KeyRing::parse(&text).map_err(ConfigError::Keys)?;
        return Ok((keys, "from REFERRAL_KEYS".to_owned()));
    }
    match database {
        Database::Memory => {
            let keys = KeyRing::generate().map_err(ConfigError::Keys)?;
            Ok((keys, "made for this run".to_owned()))
        }
        Database::Sqlite(path) => {
            let path = path.with_extension("keys");
            Ok((beside(&path)?, path.display().to_string()))
        }
    }
}

/// The keys in a file. If there is none, it is made. If two programs start at once, one makes it and the other one
/// reads it.
fn beside(path: &Path) -> Result<KeyRing, ConfigError> {
    let shown = || path.display().to_string();
    let file = |source| ConfigError::File { path: shown(), source };
    let keys = |source| ConfigError::KeyFile { path: shown(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(file)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(mut new) => {
            let ring = KeyRing::generate().map_err(keys)?;
            new.write_all(ring.reveal().as_bytes()).and_then(|()| new.sync_all()).map_err(file)?;
            Ok(ring)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = fs::read_to_string(path).map_err(file)?;
            KeyRing::parse(&text).map_err(keys)
        }
        Err(error) => Err(file(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_makes_a_private_key_file_and_the_next_one_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("new/shop.db"));
        let (first, from) = load(None, &database).unwrap();
        let (second, _) = load(None, &database).unwrap();
        assert_eq!(first, second);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(from).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::write(folder.path().join("new/shop.keys"), "nonsense").unwrap();
        assert!(load(None, &database).unwrap_err().to_string().contains("shop.keys"));
    }
}
