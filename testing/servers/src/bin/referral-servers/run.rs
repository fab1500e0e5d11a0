//! One run: its folder, the command that it attends, and the end of both, also by a signal.

use std::fs;
use std::io::{self, ErrorKind, IsTerminal as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitCode, exit};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use referral_servers::Folder;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// One run. Whoever ends it, by the end of the command or by a signal, holds the lock from then on, so that nobody
/// else does anything more.
pub(crate) struct Run {
    folder: Arc<Folder>,
    command: Arc<Mutex<Option<Attended>>>,
}

/// The command under attendance.
#[derive(Clone, Copy)]
struct Attended {
    pid: Pid,
    /// At a terminal it has the terminal, and gets Ctrl-C from there. Otherwise it is a process group of its own.
    at_terminal: bool,
}

impl Run {
    /// Makes the folder, and from now on ends the run on SIGHUP, SIGINT and SIGTERM.
    pub(crate) fn begin() -> io::Result<Self> {
        // Before the folder: else a signal in between would leave it to the guard, which nobody waits for.
        let ignored = ignored();
        let mut signals =
            Signals::new([SIGHUP, SIGINT, SIGTERM].iter().filter(|signal| !ignored.contains(signal)))?;
        let run = Self { folder: Arc::new(Folder::new()?), command: Arc::default() };
        let (folder, command) = (run.folder.clone(), run.command.clone());
        thread::spawn(move || {
            for signal in signals.forever() {
                let command = lock(&command);
                match *command {
                    // It knows, and may go on: to a database's shell, Ctrl-C means the end of a query.
                    Some(Attended { at_terminal: true, .. }) if signal == SIGINT => continue,
                    Some(Attended { at_terminal: true, pid }) => _ = kill(pid, Signal::SIGTERM),
                    Some(Attended { at_terminal: false, pid }) => _ = killpg(pid, Signal::SIGTERM),
                    None => {}
                }
                remove(&folder);
                // With the lock: a second signal, or the end of the command, changes nothing any more.
                exit(128 + signal);
            }
        });
        Ok(run)
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Runs a command to its end and gives its status, as a shell would.
    pub(crate) fn attend(&self, command: &mut Command) -> u8 {
        command.env("TMPDIR", self.folder.tmp());
        let at_terminal = io::stdin().is_terminal();
        if !at_terminal {
            command.process_group(0);
        }
        match self.spawn(command, at_terminal) {
            Ok(mut child) => {
                let status = child.wait();
                *lock(&self.command) = None;
                let code = status.ok().and_then(|status| status.code().or(status.signal().map(|n| n + 128)));
                code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
            }
            Err(error) => {
                eprintln!("scripts/test: {}: {error}", command.get_program().display());
                if error.kind() == ErrorKind::NotFound { 127 } else { 126 }
            }
        }
    }

    fn spawn(&self, command: &mut Command, at_terminal: bool) -> io::Result<Child> {
        let mut attended = lock(&self.command);
        let child = command.spawn()?;
        let pid = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
        *attended = Some(Attended { pid, at_terminal });
        Ok(child)
    }

    /// Does something, unless the run is being ended by a signal: then this does not return.
    pub(crate) fn unless_ending<T>(&self, work: impl FnOnce() -> T) -> T {
        let _lock = lock(&self.command);
        work()
    }

    /// Ends every process of the run and removes its folder. A signal does not interrupt it.
    pub(crate) fn end(self, status: u8) -> ExitCode {
        let _lock = lock(&self.command);
        remove(&self.folder);
        // Not by returning: the lock has to last.
        exit(status.into())
    }
}

fn lock(command: &Mutex<Option<Attended>>) -> MutexGuard<'_, Option<Attended>> {
    command.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remove(folder: &Folder) {
    if let Err(error) = folder.remove() {
        eprintln!("scripts/test: {error}");
    }
}

/// The signals that this process was told to ignore, as by nohup. It stays with that.
fn ignored() -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..=64).filter(|signal| mask & (1 << (signal - 1)) != 0).collect()
}
