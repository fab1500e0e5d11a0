//! The keys that sign visitors' tokens: from the environment, else from a file that only we may read.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use referral_core::KeyRing;
use tempfile::NamedTempFile;

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

/// The keys in a file. If there is none, it is made. If several programs start at once, one makes it and the others read
/// it; it appears under its name with everything in it, so a crash leaves no half of one.
fn beside(path: &Path) -> Result<KeyRing, ConfigError> {
    let shown = || path.display().to_string();
    let file = |source| ConfigError::File { path: shown(), source };
    let keys = |source| ConfigError::KeyFile { path: shown(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(file)?;
    if !path.exists() {
        let ring = KeyRing::generate().map_err(keys)?;
        // Only its owner may read it.
        let mut new = NamedTempFile::new_in(folder).map_err(file)?;
        new.write_all(ring.reveal().as_bytes()).and_then(|()| new.as_file().sync_all()).map_err(file)?;
        match new.persist_noclobber(path) {
            Ok(_) => return Ok(ring),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(file(error.error)),
        }
    }
    let text = fs::read_to_string(path).map_err(file)?;
    KeyRing::parse(&text).map_err(keys)
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
    #[test]
    fn programs_that_start_at_once_have_the_same_keys() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("shop.db"));
        let starts: Vec<_> = (0..16)
            .map(|_| {
                let database = database.clone();
                std::thread::spawn(move || load(None, &database).unwrap().0)
            })
            .collect();
        let rings: Vec<_> = starts.into_iter().map(|start| start.join().unwrap()).collect();
        assert!(rings.iter().all(|ring| *ring == rings[0]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the file and nothing else");
    }
}
