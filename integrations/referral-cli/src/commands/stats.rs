//! `referral stats`

use std::collections::BTreeMap;

use referral_core::store::NumberReads;
use referral_core::store::{Family, MAX_PAGE};
use referral_core::{Action, LinkId, Referrals, Timestamp};
use serde::Serialize;

use super::link::by_code;
use super::responses::ago;
use crate::args::{Format, SiteArgs, StatsArgs};
use crate::database;
use crate::failure::Failure;
use crate::moment::shown;
use crate::output::{self, Output};

/// A number as JSON. The names are part of what the program promises.
#[derive(Serialize)]
struct StatsLine<'a> {
    action: &'a str,
    action_display: &'a str,
    /// The hour it belongs to; absent in the numbers of all time.
    #[serde(skip_serializing_if = "Option::is_none")]
    hour: Option<String>,
    counted: i64,
    flagged: i64,
}

impl StatsLine<'_> {
    fn row(&self) -> Vec<String> {
        let mut row: Vec<_> = self.hour.iter().cloned().collect();
        let numbers = [self.counted.to_string(), self.flagged.to_string()];
        row.extend([self.action.to_owned(), self.action_display.to_owned()].into_iter().chain(numbers));
        row
    }
}

/// Counts what came through a link.
pub(crate) async fn run(args: &StatsArgs, out: &mut Output) -> Result<(), Failure> {
    let common = &args.common;
    let from = ago(args.since.as_ref())?.unwrap_or(Timestamp::from_millis(i64::MIN));
    let until = ago(args.until.as_ref())?.unwrap_or(Timestamp::from_millis(i64::MAX));
    let referrals = database::referrals(&common.database, &common.tenant, &SiteArgs::default()).await?;
    let link = by_code(&referrals, &args.code).await?;
    let totals = referrals.statistics(link.id).await?.actions;
    let mut hours = BTreeMap::new();
    if args.hours {
        for total in &totals {
            by_hour(&referrals, link.id, &total.action, from, until, &mut hours).await?;
        }
    }
    let line = |action, hour: Option<Timestamp>, (counted, flagged)| {
        let action_display = referrals.action_display(action);
        StatsLine { action: action.as_str(), action_display, hour: hour.map(shown), counted, flagged }
    };
    let totals: Vec<_> = totals.iter().map(|t| line(&t.action, None, (t.counted, t.flagged))).collect();
    let hours: Vec<_> = hours.iter().map(|((hour, action), n)| line(action, Some(*hour), *n)).collect();
    match common.format {
        Format::Json => {
            let mut all = serde_json::json!({
                "link": link.id.to_string(), "code": link.code.as_str(), "actions": totals,
            });
            if let Some(fields) = all.as_object_mut().filter(|_| args.hours) {
                fields.insert("hours".to_owned(), serde_json::json!(hours));
            }
            out.json(&all)
        }
        Format::Jsonl => totals.iter().chain(&hours).try_for_each(|line| out.json(line)),
        Format::Table => {
            let rows = |lines: &[StatsLine<'_>]| lines.iter().map(StatsLine::row).collect::<Vec<_>>();
            out.table(&["ACTION", "DISPLAY", "COUNTED", "FLAGGED"], &rows(&totals))?;
            if totals.is_empty() {
                output::say("nothing came through this link yet");
            }
            if !hours.is_empty() {
                out.line("")?;
                out.table(&["HOUR", "ACTION", "DISPLAY", "COUNTED", "FLAGGED"], &rows(&hours))?;
            }
            Ok(())
        }
    }
}

/// Adds the hours of one action, counted and flagged.
async fn by_hour(
    referrals: &Referrals,
    link: LinkId,
    action: &Action,
    from: Timestamp,
    until: Timestamp,
    hours: &mut BTreeMap<(Timestamp, Action), (i64, i64)>,
) -> Result<(), Failure> {
    for family in [Family::ResponsesByHour, Family::FlaggedByHour] {
        let mut from = from;
        loop {
            let found =
                referrals.store().by_hour(referrals.tenant(), family, link, action, from, until).await?;
            for (hour, number) in &found {
                let both = hours.entry((*hour, action.clone())).or_insert((0, 0));
                match family {
                    Family::FlaggedByHour => both.1 = *number,
                    _ => both.0 = *number,
                }
            }
            match found.last() {
                Some((last, _)) if found.len() >= MAX_PAGE as usize => {
                    from = Timestamp::from_millis(last.as_millis().saturating_add(1));
                }
                _ => break,
            }
        }
    }
    Ok(())
}
