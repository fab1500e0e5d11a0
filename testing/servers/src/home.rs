//! The folder of one server, and the user that runs it.

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{User, geteuid};

use crate::Folder;

/// The last bytes of a log that are shown.
const TAIL: u64 = 2000;

/// The folder of one server, removed on drop, and the user that runs it.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    tmp: PathBuf,
    user: Option<User>,
}

impl Home {
    /// A folder for a server that would not run as root: this process's user, or if that is root, the first of
    /// these that exists.
    pub(crate) fn for_user(folder: &Folder, name: &str, users: &[&str]) -> io::Result<Self> {
        let mut home = Self::new(folder, name)?;
        if geteuid().is_root() {
            let user = users.iter().find_map(|name| User::from_name(name).ok().flatten());
            let user = user.ok_or_else(|| io::Error::other(format!("no user {}", users.join(" or "))))?;
            chown(&home.path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
            home.user = Some(user);
        }
        Ok(home)
    }

    /// A folder for a server that runs as whoever this process is.
    pub(crate) fn new(folder: &Folder, name: &str) -> io::Result<Self> {
        // Nobody else can look into it.
        let private = fs::Permissions::from_mode(0o700);
        let path = tempfile::Builder::new()
            .prefix(&format!("{name}."))
            .permissions(private)
            .tempdir_in(folder.path())?
            .keep();
        Ok(Self { path, tmp: folder.tmp().to_owned(), user: None })
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn tmp(&self) -> &Path {
        &self.tmp
    }

    /// A file that its user, and nobody else, can read.
    pub(crate) fn write(&self, name: &str, contents: &str) -> io::Result<()> {
        let path = self.join(name);
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?
            .write_all(contents.as_bytes())?;
        match &self.user {
            Some(user) => chown(&path, Some(user.uid.as_raw()), Some(user.gid.as_raw())),
            None => Ok(()),
        }
    }

    /// A program in this folder, as its user, whose output goes to the log. In a process group of its own, so that
    /// Ctrl-C reaches the tests and not their database.
    pub(crate) fn command(&self, program: &Path) -> io::Result<Command> {
        let log = fs::OpenOptions::new().append(true).create(true).open(self.log())?;
        let mut command = Command::new(program);
        command
            .current_dir(&self.path)
            .env("TMPDIR", &self.tmp)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        Ok(command)
    }

    /// Runs a program to its end. An error if it fails.
    pub(crate) fn run(&self, command: &mut Command) -> io::Result<()> {
        let status = command.status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(status.to_string())) }
    }

    fn log(&self) -> PathBuf {
        self.join("log")
    }

    /// The end of the log.
    pub(crate) fn last_words(&self) -> String {
        let read = || -> io::Result<String> {
            let mut file = fs::File::open(self.log())?;
            let start = file.metadata()?.len().saturating_sub(TAIL);
            file.seek(SeekFrom::Start(start))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
        };
        read().unwrap_or_default()
    }

    /// Forgets what was logged.
    pub(crate) fn clear_log(&self) {
        let _ = fs::remove_file(self.log());
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What is left of it goes with the folder of the run.
        let _ = fs::remove_dir_all(&self.path);
    }
}
