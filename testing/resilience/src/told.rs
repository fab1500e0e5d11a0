//! What was acknowledged, and whether a store holds it: all of it, once, and nothing by halves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use referral_core::store::{CounterKey, Family};
use referral_core::{Alias, Link, ResponseId};
use referral_testkit::child::parts;
use uuid::Uuid;

use crate::everything::Everything;

/// One acknowledgement, as a line between processes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Ack {
    /// The changeset of a number.
    Number(u64),
    /// A click.
    Click(ResponseId),
}

impl fmt::Display for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "number {number}"),
            Self::Click(id) => write!(f, "click {id}"),
        }
    }
}

impl FromStr for Ack {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("no acknowledgement: {text:?}");
        match text.split_once(' ').ok_or_else(wrong)? {
            ("number", number) => Ok(Self::Number(number.parse().map_err(|_| wrong())?)),
            ("click", id) => {
                Ok(Self::Click(ResponseId::from_uuid(Uuid::parse_str(id).map_err(|_| wrong())?)))
            }
            _ => Err(wrong()),
        }
    }
}

/// What became of what was acknowledged.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// Acknowledged, and there as it was written.
    pub found: usize,
    /// Acknowledged, and not there or not as it was written.
    pub lost: Vec<String>,
    /// There, and counted more than once.
    pub twice: Vec<String>,
    /// There in parts, or numbers that do not equal their records.
    pub halves: Vec<String>,
    /// Numbers that nobody acknowledged and that are there as a whole, which is allowed.
    pub more_numbers: usize,
    /// Clicks of that sort.
    pub more_clicks: usize,
}

impl Verdict {
    /// # Panics
    /// If a promise is broken; with the history that `context` tells.
    pub fn assert(&self, context: &str) {
        for (what, which) in [("lost", &self.lost), ("twice", &self.twice), ("half there", &self.halves)] {
            let some = which.get(..20).unwrap_or(which);
            assert!(which.is_empty(), "{} {what}: {some:#?}\n{context}", which.len());
        }
    }
}

/// Holds a store's content against what was acknowledged of numbers and clicks.
#[must_use]
pub fn verdict(told: &BTreeSet<Ack>, everything: &Everything) -> Verdict {
    let mut verdict = Verdict::default();
    numbers(told, everything, &mut verdict);
    clicks(told, everything, &mut verdict);
    verdict
}

fn numbers(told: &BTreeSet<Ack>, everything: &Everything, verdict: &mut Verdict) {
    let links: BTreeMap<Uuid, &Link> =
        everything.links.iter().map(|link| (link.id.as_uuid(), link)).collect();
    let aliases: BTreeMap<Uuid, &Alias> =
        everything.aliases.iter().map(|alias| (alias.id.as_uuid(), alias)).collect();
    let mut numbers: BTreeSet<u64> = told
        .iter()
        .filter_map(|ack| if let Ack::Number(number) = ack { Some(*number) } else { None })
        .collect();
    // Links and codes of clicks have ids of the facade's, which end otherwise.
    let numbered = |id: &Uuid| match id.as_u64_pair() {
        (number, 1 | 2) => Some(number),
        _ => None,
    };
    numbers.extend(links.keys().filter_map(numbered));
    numbers.extend(aliases.keys().filter_map(numbered));
    let counted = everything.numbers.keys().filter_map(|key| key.parts[0].as_str().strip_prefix("child-"));
    numbers.extend(counted.map(|number| number.parse::<u64>().expect("a number")));
    for number in numbers {
        let (link, alias, counter) = parts(number);
        let is_link = links.get(&link.id.as_uuid()).map(|found| **found == link);
        let is_alias = aliases.get(&alias.id.as_uuid()).map(|found| **found == alias);
        let count = everything.numbers.get(&counter).copied().unwrap_or(0);
        let whole = (is_link, is_alias, count) == (Some(true), Some(true), 1);
        let what = || format!("{number}: link {is_link:?}, alias {is_alias:?}, counted {count}");
        let acknowledged = told.contains(&Ack::Number(number));
        match (whole, acknowledged) {
            (true, true) => verdict.found += 1,
            (true, false) => verdict.more_numbers += 1,
            (false, _) if count > 1 => verdict.twice.push(what()),
            (false, true) => verdict.lost.push(what()),
            (false, false) => verdict.halves.push(what()),
        }
    }
}

fn clicks(told: &BTreeSet<Ack>, everything: &Everything, verdict: &mut Verdict) {
    let there: BTreeSet<ResponseId> = everything.responses.iter().map(|response| response.id).collect();
    for ack in told {
        if let Ack::Click(id) = ack {
            if there.contains(id) {
                verdict.found += 1;
            } else {
                verdict.lost.push(ack.to_string());
            }
        }
    }
    verdict.more_clicks = there.iter().filter(|id| !told.contains(&Ack::Click(**id))).count();
    // A click is counted in total, by hour and by day, for the limit of its link, and as the first of its visitor.
    let mut expected: BTreeMap<(Family, &str), i64> = BTreeMap::new();
    let names: BTreeMap<_, _> = everything.links.iter().map(|link| (link.id, link.id.to_string())).collect();
    for response in &everything.responses {
        let families: &[Family] = if response.counted {
            &[
                Family::Responses,
                Family::ResponsesByHour,
                Family::ResponsesByDay,
                Family::NewVisitors,
                Family::NewVisitorsByHour,
                Family::NewVisitorsByDay,
                Family::LinkUses,
            ]
        } else {
            &[Family::Flagged, Family::FlaggedByHour, Family::FlaggedByDay]
        };
        let Some(link) = names.get(&response.link) else {
            verdict.halves.push(format!("the click {} is of no link", response.id));
            continue;
        };
        for family in families {
            let of_days = [Family::ResponsesByDay, Family::FlaggedByDay, Family::NewVisitorsByDay];
            let part = if of_days.contains(family) { response.action.as_str() } else { link };
            *expected.entry((*family, part)).or_default() += 1;
        }
    }
    let mut found: BTreeMap<(Family, &str), i64> = BTreeMap::new();
    let of_clicks = |key: &&CounterKey| !key.parts[0].as_str().starts_with("child-");
    for key in everything.numbers.keys().filter(of_clicks) {
        *found.entry((key.family, key.parts[0].as_str())).or_default() += everything.numbers[key];
    }
    for key in expected.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
        let (expected, found) = (expected.get(key).unwrap_or(&0), found.get(key).unwrap_or(&0));
        let what = || format!("{key:?}: {found} counted, {expected} records");
        match found.cmp(expected) {
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater => verdict.twice.push(what()),
            std::cmp::Ordering::Less => verdict.halves.push(what()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(number: u64) -> Everything {
        let (link, alias, counter) = parts(number);
        Everything {
            links: vec![link],
            aliases: vec![alias],
            numbers: [(counter, 1)].into(),
            ..Everything::default()
        }
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for ack in [Ack::Number(u64::MAX), Ack::Click(ResponseId::from_uuid(Uuid::from_u128(7)))] {
            assert_eq!(ack.to_string().parse(), Ok(ack));
        }
    }

    #[test]
    fn what_is_lost_doubled_or_half_there_is_noticed() {
        let told = BTreeSet::from([Ack::Number(3)]);
        let good = verdict(&told, &whole(3));
        assert_eq!(good, Verdict { found: 1, ..Verdict::default() });
        assert_eq!(verdict(&BTreeSet::new(), &whole(3)).more_numbers, 1);
        assert_eq!(verdict(&told, &Everything::default()).lost.len(), 1);
        let counter = parts(3).2;
        let twice = Everything { numbers: [(counter, 2)].into(), ..whole(3) };
        assert_eq!(verdict(&told, &twice).twice.len(), 1);
        let half = Everything { aliases: Vec::new(), ..whole(3) };
        assert_eq!(verdict(&BTreeSet::new(), &half).halves.len(), 1);
        let lost = Ack::Click(ResponseId::from_uuid(Uuid::from_u128(7)));
        assert_eq!(verdict(&[lost].into(), &Everything::default()).lost.len(), 1);
    }
}
