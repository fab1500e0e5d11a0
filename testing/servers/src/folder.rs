//! The private folder of a run, and the end of everything in it.

use std::fs::{self, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// A run's private folder, in which its servers live.
///
/// It is made in `TMPDIR` (or `/tmp`). When it is dropped, or when this process ends in whatever way (also by
/// SIGKILL, or by `exit` with the folder in a `static`), then every process is ended that has [`tmp`](Self::tmp) in
/// its environment or its arguments, and the folder is removed. So whoever starts processes for a run gives them
/// that folder as `TMPDIR`, and need not know what they start in turn.
///
/// That is the work of a small process beside this one. It is in a process group of its own, so that Ctrl-C does not
/// reach it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    tmp: PathBuf,
    guard: Mutex<Option<Child>>,
}

impl Folder {
    /// Makes a folder and starts its guard.
    ///
    /// # Errors
    ///
    /// There is no `sh`, or the temporary folder is not to be written.
    pub fn new() -> io::Result<Self> {
        let mut guard = Command::new("sh")
            .args(["-c", include_str!("guard.sh"), "guard"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("sh, for the guard: {error}")))?;
        let path = tempfile::Builder::new()
            .prefix("referral.")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()?
            .keep();
        if let Some(pipe) = &mut guard.stdin {
            pipe.write_all(path.as_os_str().as_bytes())?;
            pipe.write_all(b"\n")?;
        }
        let tmp = path.join("tmp");
        let folder = Self { path, tmp, guard: Mutex::new(Some(guard)) };
        fs::create_dir(&folder.tmp)?;
        // The servers' users must be able to pass through, and nobody to look around.
        fs::set_permissions(&folder.path, Permissions::from_mode(0o711))?;
        fs::set_permissions(&folder.tmp, Permissions::from_mode(0o1777))?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder in it that is the `TMPDIR` of everything that a run starts.
    pub fn tmp(&self) -> &Path {
        &self.tmp
    }

    /// Ends every process of the run and removes the folder; returns when that is done. Also done on drop. A second
    /// call waits for the first and does nothing. Takes up to 15 seconds if a process does not heed SIGTERM.
    ///
    /// # Errors
    ///
    /// Processes that would not end, by their ids.
    pub fn remove(&self) -> io::Result<()> {
        let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut guard) = guard.take() else { return Ok(()) };
        drop(guard.stdin.take());
        let mut left = String::new();
        if let Some(mut pipe) = guard.stdout.take() {
            pipe.read_to_string(&mut left)?;
        }
        guard.wait()?;
        if left.is_empty() {
            Ok(())
        } else {
            let left = left.split_whitespace().collect::<Vec<_>>().join(" ");
            Err(io::Error::other(format!("these processes would not end: {left}")))
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Whoever wants to know calls `remove`.
        let _ = self.remove();
    }
}
