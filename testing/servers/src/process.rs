//! Killing a server with all its processes.

use std::collections::HashSet;
use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sysinfo::{ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

/// How long a process that got a SIGKILL may take to disappear.
const GONE: Duration = Duration::from_secs(10);
/// Between two looks.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);

/// Sends a signal to a child, if it is still there.
pub(crate) fn send(child: &Child, signal: Signal) {
    if let Some(pid) = pid(child.id()) {
        let _ = kill(pid, signal);
    }
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().map(Pid::from_raw)
}

/// Kills a child and all its descendants as a crash would, and waits until they are gone.
pub(crate) fn crash(child: &mut Child) {
    // Else it could notice that one of its own died, and start another.
    send(child, Signal::SIGSTOP);
    let family = descendants(child.id());
    for &id in &family {
        if let Some(pid) = pid(id) {
            let _ = kill(pid, Signal::SIGKILL);
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    let start = Instant::now();
    // A database refuses to start while one of its former processes holds its memory.
    while start.elapsed() < GONE && look().processes().values().any(|process| alive(process, &family)) {
        std::thread::sleep(PAUSE);
    }
}

/// A zombie has nothing any more but its number.
fn alive(process: &sysinfo::Process, family: &HashSet<u32>) -> bool {
    family.contains(&process.pid().as_u32()) && process.status() != ProcessStatus::Zombie
}

fn look() -> System {
    let mut system = System::new();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, ProcessRefreshKind::nothing());
    system
}

/// The ids of all that a process has started, and they, and so on, without itself.
fn descendants(ancestor: u32) -> HashSet<u32> {
    let system = look();
    let mut family = HashSet::from([ancestor]);
    loop {
        let before = family.len();
        for process in system.processes().values() {
            if process.parent().is_some_and(|parent| family.contains(&parent.as_u32())) {
                family.insert(process.pid().as_u32());
            }
        }
        if family.len() == before {
            family.remove(&ancestor);
            return family;
        }
    }
}

/// Waits until a child has ended by itself; false if it has not in time.
pub(crate) fn ends_within(child: &mut Child, time: Duration) -> bool {
    let start = Instant::now();
    loop {
        if !matches!(child.try_wait(), Ok(None)) {
            return true;
        }
        if start.elapsed() >= time {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
}
