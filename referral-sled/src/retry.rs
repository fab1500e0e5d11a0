//! What is tried again: only opening a folder whose lock lingers.

use std::thread;
use std::time::Duration;

/// A process that ended a moment ago may still hold the lock.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Opens a database, waiting up to two seconds for another holder of the lock to go. Blocks.
pub(crate) fn open(config: &sled::Config) -> Result<sled::Db, sled::Error> {
    let locked = |error: &sled::Error| {
        // sled hides the kind of this one in its text.
        matches!(error, sled::Error::Io(io) if io.kind() == std::io::ErrorKind::WouldBlock
            || io.to_string().contains("could not acquire lock"))
    };
    let mut tried = 0;
    loop {
        match config.open() {
            Err(error) if locked(&error) && tried < TRIES => {
                tried = tried.saturating_add(1);
                thread::sleep(PAUSE);
            }
            Err(error) if locked(&error) => {
                return Err(sled::Error::Io(std::io::Error::new(std::io::ErrorKind::WouldBlock, error)));
            }
            done => return done,
        }
    }
}
