//! The numbered rules of the contract, read out of core's text of them.

use std::sync::LazyLock;

use referral_core::store::rules::RULES;

use crate::registry::{Case, registry};

/// A numbered rule of the [contract of a store](referral_core::store::rules).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Rule {
    /// The heading that it stands under, such as `3. Unique keys`.
    pub part: &'static str,
    /// Its number, such as `3.1`.
    pub number: &'static str,
    /// Its sentences.
    pub says: &'static str,
}

impl Rule {
    /// The cases that hold a store to it.
    pub fn cases(self) -> impl Iterator<Item = Case> {
        registry().iter().copied().filter(move |case| case.rules.contains(&self.number))
    }
}

static ALL: LazyLock<Vec<Rule>> = LazyLock::new(|| parsed(RULES));

/// Every rule, in the order of the numbers.
#[must_use]
pub fn rules() -> &'static [Rule] {
    &ALL
}

/// The rule of a number.
#[must_use]
pub fn rule(number: &str) -> Option<Rule> {
    rules().iter().copied().find(|rule| rule.number == number)
}

/// Lines that are neither a heading nor a rule are passed over.
fn parsed(text: &'static str) -> Vec<Rule> {
    let mut part = "";
    let mut rules = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            part = heading.trim();
        } else if let Some((number, says)) = line.strip_prefix("- **").and_then(|rule| rule.split_once("** "))
        {
            rules.push(Rule { part, number, says: says.trim() });
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_a_line_of_its_own_below_the_heading_of_its_part() {
        let text = "Words.\n### 7. Callers\n\n- **7.1** It holds. Always.\n- no rule\n- **7.2 no end\n";
        let rule = Rule { part: "7. Callers", number: "7.1", says: "It holds. Always." };
        assert_eq!(parsed(text), [rule]);
    }

    #[test]
    fn numbers_ascend_without_a_gap_within_the_part_of_their_heading() {
        let numbers: Vec<(usize, usize)> = rules()
            .iter()
            .map(|rule| {
                let (part, place) = rule.number.split_once('.').unwrap();
                assert!(rule.part.starts_with(&format!("{part}. ")), "{rule:?} stands under its heading");
                assert!(rule.says.ends_with('.'), "{rule:?} is a sentence");
                (part.parse().unwrap(), place.parse().unwrap())
            })
            .collect();
        assert_eq!(numbers.first(), Some(&(1, 1)));
        for pair in numbers.windows(2) {
            let ((part, place), next) = (pair[0], pair[1]);
            assert!(next == (part, place + 1) || next == (part + 1, 1), "{next:?} follows {:?}", pair[0]);
        }
        assert_eq!(numbers.len(), RULES.matches("**").count() / 2, "every rule was read");
    }
}
