//! The suite is held to account: every defect is noticed by the cases that say they do, and an honest store by none.
//!
//! Not a test of `#[test]`s, because the panics of cases that shall fail would fill the output.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use referral_testkit::broken::{BrokenHarness, Defect, SharedHarness};
use referral_testkit::{Case, Harness, Outcome, Settings, case, registry, run};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    std::panic::set_hook(Box::new(|_| {}));
    let mut trials = Vec::new();
    for defect in Defect::ALL {
        for id in defect.caught_by() {
            let name = format!("{defect:?}::{id}");
            trials.push(Trial::test(name.clone(), move || caught(*defect, id, &name)));
        }
    }
    // The data lives in this process, so there is none to be killed.
    for case in registry().iter().filter(|case| !case.name.contains("killed")) {
        let name = format!("honest::{}", case.id());
        trials.push(Trial::test(name.clone(), move || passed(*case, &name)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn attempt(defect: Option<Defect>, case: Case, trial: &str) -> Outcome {
    let harness: Arc<dyn Harness> = if case.group == "processes" {
        Arc::new(SharedHarness(defect))
    } else {
        Arc::new(BrokenHarness(defect))
    };
    // What is found by chance gets enough chances.
    let soak = if case.group == "model" { 8 } else { 1 };
    // A second process is this one, at the same trial.
    let again = ["--exact", trial].map(OsString::from).to_vec();
    run(&harness, case, &Settings { soak, again, ..Settings::default() }).outcome
}

/// A race is lost by chance, and on a busy machine less often.
const CHANCES: usize = 5;

fn caught(defect: Defect, id: &str, trial: &str) -> Result<(), Failed> {
    let case = case(id).ok_or_else(|| format!("there is no case {id}"))?;
    let mut last = None;
    for _ in 0..CHANCES {
        match attempt(Some(defect), case, trial) {
            // A case that hangs has not noticed anything.
            Outcome::Failed(how) if !how.starts_with("stuck") => return Ok(()),
            other => last = Some(other),
        }
    }
    Err(format!("{id} did not notice. {} {last:?}", defect.says()).into())
}

fn passed(case: Case, trial: &str) -> Result<(), Failed> {
    match attempt(None, case, trial) {
        Outcome::Passed => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}
