//! The suite is held to account: every defect is noticed by the cases that say they do, and an honest store by none.
//!
//! Not a test of `#[test]`s, because the panics of cases that shall fail would fill the output.

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use referral_testkit::broken::{BrokenHarness, Defect};
use referral_testkit::{Case, Harness, Outcome, Settings, case, registry, run};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    std::panic::set_hook(Box::new(|_| {}));
    let mut trials = Vec::new();
    for defect in Defect::ALL {
        for id in defect.caught_by() {
            trials.push(Trial::test(format!("{defect:?}::{id}"), move || caught(*defect, id)));
        }
    }
    // The data lives in this process, so there is none to be killed.
    for case in registry().iter().filter(|case| !case.name.contains("killed")) {
        trials.push(Trial::test(format!("honest::{}", case.id()), move || passed(*case)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn attempt(defect: Option<Defect>, case: Case) -> Outcome {
    let harness: Arc<dyn Harness> = Arc::new(BrokenHarness(defect));
    // What is found by chance gets enough chances.
    let soak = if case.group == "model" { 8 } else { 1 };
    run(&harness, case, &Settings { soak, ..Settings::default() }).outcome
}

/// A race is lost by chance, and on a busy machine less often.
const CHANCES: usize = 5;

fn caught(defect: Defect, id: &str) -> Result<(), Failed> {
    let case = case(id).ok_or_else(|| format!("there is no case {id}"))?;
    let mut last = None;
    for _ in 0..CHANCES {
        match attempt(Some(defect), case) {
            // A case that hangs has not noticed anything.
            Outcome::Failed(how) if !how.starts_with("stuck") => return Ok(()),
            other => last = Some(other),
        }
    }
    Err(format!("{id} did not notice. {} {last:?}", defect.says()).into())
}

fn passed(case: Case) -> Result<(), Failed> {
    match attempt(None, case) {
        Outcome::Passed => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}
