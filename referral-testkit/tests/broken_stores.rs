//! The suite is held to account: every defect is noticed by the cases that say they do, and an honest store by none.
//!
//! Not a test of `#[test]`s, because the panics of cases that shall fail would fill the output.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use referral_testkit::broken::{BrokenHarness, Defect, SharedHarness};
use referral_testkit::{Case, Harness, Outcome, Report, Settings, case, registry, run};

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

fn attempt(defect: Option<Defect>, case: Case, trial: &str) -> Report {
    let harness: Arc<dyn Harness> = if case.group == "processes" {
        Arc::new(SharedHarness(defect))
    } else {
        Arc::new(BrokenHarness(defect))
    };
    // What is found by chance gets enough chances.
    let soak = if case.group == "model" { 8 } else { 1 };
    // A second process is this one, at the same trial.
    let again = ["--exact", trial].map(OsString::from).to_vec();
    run(&harness, case, &Settings { soak, again, ..Settings::default() })
}

/// A race is lost by chance, and on a busy machine less often.
const CHANCES: usize = 5;

fn caught(defect: Defect, id: &str, trial: &str) -> Result<(), Failed> {
    let case = case(id).ok_or_else(|| format!("there is no case {id}"))?;
    let mut last = None;
    for _ in 0..CHANCES {
        let report = attempt(Some(defect), case, trial);
        match &report.outcome {
            // A case that hangs has not noticed anything.
            Outcome::Failed(how) if !how.starts_with("stuck") => return clear(&report, how),
            _ => last = Some(report),
        }
    }
    let last = last.map(|report| report.to_string()).unwrap_or_default();
    Err(format!("{id} did not notice. {} {last}", defect.says()).into())
}

/// A failure names a line of the case, unless it was the audit that noticed, and says what came in place of what.
fn clear(report: &Report, how: &str) -> Result<(), Failed> {
    let audit = how.starts_with("the audit after the case");
    // Here it is the store that panics, on a thread of its own.
    let own = report.case.name == "a_runtime_with_one_thread_is_enough";
    let named = own || report.line.as_ref().is_some_and(|line| line.starts_with("src/cases/"));
    let sides = how.contains("left:") || how.contains("(left)") || how.contains("assertion");
    // A random history is printed as a whole.
    let short = how.len() < 4000 || ["model", "pairs", "histories"].contains(&report.case.group);
    if (audit || named) && !sides && short {
        return Ok(());
    }
    Err(format!("this message does not help: {report}").into())
}

fn passed(case: Case, trial: &str) -> Result<(), Failed> {
    let report = attempt(None, case, trial);
    match report.outcome {
        Outcome::Passed => Ok(()),
        _ => Err(report.to_string().into()),
    }
}
