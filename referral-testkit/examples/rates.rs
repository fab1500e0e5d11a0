//! Measures how often the cases notice the broken stores that name them, at each soak, and writes `src/rates.txt` again:
//!
//! ```sh
//! cargo run -p referral-testkit --example rates      # five runs of each pair
//! cargo run -p referral-testkit --example rates 20   # twenty
//! ```
#![allow(clippy::print_stderr, reason = "it says how far it is")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use referral_testkit::broken::{BrokenHarness, Defect};
use referral_testkit::rates::{Rate, SOAKS, rates};
use referral_testkit::{Case, Harness, Outcome, Settings, case, registry, run};

/// How many runs of a pair there are if nothing else is said.
const RUNS: usize = 5;

/// Whether the case failed on the broken store. One that hangs has not noticed anything.
fn is_caught(defect: Defect, case: Case, soak: usize) -> bool {
    let harness: Arc<dyn Harness> = Arc::new(BrokenHarness(Some(defect)));
    let report = run(&harness, case, &Settings { soak, ..Settings::default() });
    matches!(report.outcome, Outcome::Failed(how) if !how.starts_with("stuck"))
}

fn line(rate: &Rate) -> String {
    let Rate { group, pairs, runs, caught: [one, four, sixteen] } = rate;
    format!("{group} {pairs} {runs} {one} {four} {sixteen}\n")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runs: usize = std::env::args().nth(1).map_or(Ok(RUNS), |runs| runs.parse())?;
    let mut pairs: BTreeMap<&str, Vec<(Defect, Case)>> = BTreeMap::new();
    for defect in Defect::ALL {
        for id in defect.caught_by() {
            let case = case(id).ok_or_else(|| format!("there is no case {id}"))?;
            pairs.entry(case.group).or_default().push((*defect, case));
        }
    }
    let mut groups: Vec<_> = registry().iter().map(|case| case.group).collect();
    groups.dedup();
    let mut text = String::from(
        "# Written by the example `rates`. The group, its pairs of a broken store and a case, the runs of each\n# pair at each soak, and how many runs were caught at a soak of 1, 4 and 16.\n",
    );
    for group in groups {
        let Some(pairs) = pairs.get(group) else {
            // What only a kill shows is not measured here, and stays as it was.
            text.extend(rates().iter().filter(|rate| rate.group == group).map(line));
            continue;
        };
        let started = Instant::now();
        let caught = SOAKS.map(|soak| {
            let again = |pair: &(Defect, Case)| (0..runs).filter(|_| is_caught(pair.0, pair.1, soak)).count();
            pairs
                .iter()
                .map(|pair| {
                    let caught = again(pair);
                    if caught < runs {
                        eprintln!("{:?} by {:?} at soak {soak}: {caught} of {runs}", pair.0, pair.1);
                    }
                    caught
                })
                .sum::<usize>()
        });
        let line = line(&Rate { group, pairs: pairs.len(), runs, caught });
        eprint!("{:4} s  {line}", started.elapsed().as_secs());
        text.push_str(&line);
    }
    std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rates.txt"), text)?;
    Ok(())
}
