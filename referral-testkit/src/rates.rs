//! How often the cases of a group notice the broken stores that they are there for. Measured, and kept in a file:
//! `cargo run -p referral-testkit --example rates` writes it again.

use std::sync::LazyLock;

/// The soaks at which the rates were measured.
pub const SOAKS: [usize; 3] = [1, 4, 16];

/// How often the cases of a group notice the broken stores that name them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// The group of the cases.
    pub group: &'static str,
    /// How many pairs there are of a broken store and a case that must notice it.
    pub pairs: usize,
    /// How often each pair was run at each of [`SOAKS`].
    pub runs: usize,
    /// In how many of these runs the case failed, as it should, at each of [`SOAKS`].
    pub caught: [usize; 3],
}

impl Rate {
    /// The share of the runs in which the case failed, in percent, at each of [`SOAKS`].
    #[must_use]
    pub fn shares(self) -> [f64; 3] {
        let all = (self.pairs * self.runs).max(1) as f64;
        self.caught.map(|caught| caught as f64 * 100.0 / all)
    }
}

static RATES: LazyLock<Vec<Rate>> =
    LazyLock::new(|| include_str!("rates.txt").lines().filter_map(parsed).collect());

/// The rates as they were measured last, in the order of the groups.
#[must_use]
pub fn rates() -> &'static [Rate] {
    &RATES
}

/// A line holds a group, pairs, runs, and how many were caught at each soak. Lines that do not are remarks.
fn parsed(line: &'static str) -> Option<Rate> {
    let mut words = line.split_whitespace();
    let group = words.next()?;
    let numbers: Vec<usize> = words.map(str::parse).collect::<Result<_, _>>().ok()?;
    let [pairs, runs, one, four, sixteen] = *numbers.as_slice() else { return None };
    Some(Rate { group, pairs, runs, caught: [one, four, sixteen] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::registry;

    #[test]
    fn every_rate_is_about_a_group_and_catches_no_more_than_there_were_runs() {
        for rate in rates() {
            assert!(registry().iter().any(|case| case.group == rate.group), "{rate:?}");
            assert!(rate.caught.iter().all(|caught| *caught <= rate.pairs * rate.runs), "{rate:?}");
        }
        assert_eq!(parsed("races 2 5 9 10 10").map(Rate::shares), Some([90.0, 100.0, 100.0]));
        assert_eq!(parsed("# group pairs runs"), None);
    }
}
