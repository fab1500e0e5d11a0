//! `referral stats`

use std::collections::BTreeMap;

use referral_core::visit::Numbers;
use referral_core::{Action, Code, Referrals, Timestamp};
use serde::Serialize;

use super::link::by_code;
use super::responses::ago;
use crate::args::{Format, SiteArgs, StatsArgs};
use crate::database;
use crate::failure::Failure;
use crate::moment::shown;
use crate::output::{self, Output};

/// Numbers as JSON. The names are part of what the program promises.
#[derive(Serialize)]
struct StatsLine<'a> {
    action: &'a str,
    action_display: &'a str,
    /// The hour that they belong to; absent in the numbers of all time and of days.
    #[serde(skip_serializing_if = "Option::is_none")]
    hour: Option<String>,
    /// The day that they belong to; absent in the numbers of all time and of hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    counted: i64,
    flagged: i64,
    new_visitors: i64,
}

impl<'a> StatsLine<'a> {
    fn new(referrals: &'a Referrals, action: &'a Action, numbers: Numbers) -> Self {
        Self {
            action: action.as_str(),
            action_display: referrals.responses().action_display(action),
            hour: None,
            day: None,
            counted: numbers.counted,
            flagged: numbers.flagged,
            new_visitors: numbers.new_visitors,
        }
    }

    fn row(&self) -> Vec<String> {
        let time = self.hour.iter().chain(&self.day).cloned();
        let words = [self.action.to_owned(), self.action_display.to_owned()];
        let numbers = [self.counted, self.flagged, self.new_visitors].map(|number| number.to_string());
        time.chain(words).chain(numbers).collect()
    }
}

/// The headings of a table of numbers. The heading of the time stands before them if there is one.
const HEADINGS: [&str; 5] = ["ACTION", "DISPLAY", "COUNTED", "FLAGGED", "NEW VISITORS"];

/// The numbers of several actions in the order of time.
type Times = BTreeMap<(Timestamp, Action), Numbers>;

/// Counts what came through a link, or through all links of the tenant day by day.
pub(crate) async fn run(args: &StatsArgs, out: &mut Output) -> Result<(), Failure> {
    let common = &args.common;
    let from = ago(args.since.as_ref())?.unwrap_or(Timestamp::from_millis(i64::MIN));
    let until = ago(args.until.as_ref())?.unwrap_or(Timestamp::from_millis(i64::MAX));
    let referrals = database::referrals(&common.database, &common.tenant, &SiteArgs::default()).await?;
    match &args.code {
        Some(code) => of_link(&referrals, code, args, (from, until), out).await,
        None => by_day(&referrals, args, (from, until), out).await,
    }
}

/// Prints the numbers of a link, and by hour if that was asked for.
async fn of_link(
    referrals: &Referrals,
    code: &Code,
    args: &StatsArgs,
    (from, until): (Timestamp, Timestamp),
    out: &mut Output,
) -> Result<(), Failure> {
    let link = by_code(referrals, code).await?;
    let mut actions = referrals.responses().statistics(link.id).await?.actions;
    actions.retain(|action, _| args.actions.is_empty() || args.actions.contains(action));
    let mut hours = Times::new();
    if args.hours {
        for action in actions.keys() {
            let found = referrals.responses().by_hour(link.id, action, from, until).await?;
            hours.extend(found.into_iter().map(|(hour, numbers)| ((hour, action.clone()), numbers)));
        }
    }
    let totals: Vec<_> =
        actions.iter().map(|(action, numbers)| StatsLine::new(referrals, action, *numbers)).collect();
    let hours: Vec<_> = hours
        .iter()
        .map(|((hour, action), numbers)| StatsLine {
            hour: Some(shown(*hour)),
            ..StatsLine::new(referrals, action, *numbers)
        })
        .collect();
    match args.common.format {
        Format::Json => {
            let mut document = serde_json::json!({
                "link": link.id.to_string(), "code": link.code.as_str(), "actions": totals,
            });
            if let Some(fields) = document.as_object_mut().filter(|_| args.hours) {
                fields.insert("hours".to_owned(), serde_json::json!(hours));
            }
            out.json(&document)
        }
        Format::Jsonl => totals.iter().chain(&hours).try_for_each(|line| out.json(line)),
        Format::Table => {
            table(None, &totals, out)?;
            if totals.is_empty() {
                output::say("nothing came through this link yet");
            }
            if !hours.is_empty() {
                out.line("")?;
            }
            table(Some("HOUR"), &hours, out)
        }
    }
}

/// Prints the numbers of the tenant by day.
async fn by_day(
    referrals: &Referrals,
    args: &StatsArgs,
    (from, until): (Timestamp, Timestamp),
    out: &mut Output,
) -> Result<(), Failure> {
    // The library keeps no list of the actions of a tenant. The click is the one that everybody has.
    let clicks = [Action::RESPONDED];
    let actions = if args.actions.is_empty() { &clicks[..] } else { &args.actions };
    let mut days = Times::new();
    for action in actions {
        let found = referrals.responses().by_day(action, from, until).await?;
        days.extend(found.into_iter().map(|(day, numbers)| ((day, action.clone()), numbers)));
    }
    let days: Vec<_> = days
        .iter()
        .map(|((day, action), numbers)| StatsLine {
            day: Some(shown(*day)),
            ..StatsLine::new(referrals, action, *numbers)
        })
        .collect();
    match args.common.format {
        Format::Json => out.json(&serde_json::json!({ "days": days })),
        Format::Jsonl => days.iter().try_for_each(|line| out.json(line)),
        Format::Table => {
            if days.is_empty() {
                output::say("nothing found");
            }
            table(Some("DAY"), &days, out)
        }
    }
}

/// Prints numbers as a table.
fn table(time: Option<&str>, lines: &[StatsLine<'_>], out: &mut Output) -> Result<(), Failure> {
    let headings: Vec<_> = time.into_iter().chain(HEADINGS).collect();
    let rows: Vec<_> = lines.iter().map(StatsLine::row).collect();
    out.table(&headings, &rows)
}
