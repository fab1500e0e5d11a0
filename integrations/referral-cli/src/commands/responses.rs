//! `referral responses`

use std::collections::{BTreeMap, HashMap};

use referral_core::store::MAX_PAGE;
use referral_core::visit::ResponseFilter;
use referral_core::{Link, LinkId, Referrals, Response, Timestamp, Via};
use serde::Serialize;

use super::link::{Thing, by_code};
use super::listing::{collect, say_more};
use crate::args::{Format, ResponsesArgs, SiteArgs};
use crate::database;
use crate::failure::Failure;
use crate::moment::{Moment, shown};
use crate::output::Output;

/// A response as JSON. The names are part of what the program promises.
#[derive(Serialize)]
struct ResponseLine<'a> {
    id: String,
    at: String,
    link: String,
    code: Option<&'a str>,
    owner: Option<&'a str>,
    action: &'a str,
    action_display: &'a str,
    via: &'static str,
    target: Option<Thing<'a>>,
    visitor: Option<String>,
    user: Option<&'a str>,
    claimed_at: Option<String>,
    account_at: Option<String>,
    counted: bool,
    flags: Vec<&'static str>,
    referrer: Option<&'a str>,
    landing: Option<&'a str>,
    agent: Option<&'a str>,
    address: Option<&'a str>,
    tags: Option<BTreeMap<&'a str, &'a str>>,
}

impl<'a> ResponseLine<'a> {
    fn new(referrals: &'a Referrals, links: &'a HashMap<LinkId, Link>, response: &'a Response) -> Self {
        Self {
            id: response.id.to_string(),
            at: shown(response.created_at),
            link: response.link.to_string(),
            code: links.get(&response.link).map(|link| link.code.as_str()),
            owner: response.owner.as_ref().map(AsRef::as_ref),
            action: response.action.as_str(),
            action_display: referrals.responses().action_display(&response.action),
            via: via(response.via),
            target: response.target.as_ref().map(Thing::from),
            visitor: response.visitor.map(|visitor| visitor.to_string()),
            user: response.user.as_ref().map(AsRef::as_ref),
            claimed_at: response.claimed_at.map(shown),
            account_at: response.account_at.map(shown),
            counted: response.counted,
            flags: response.flags.names().collect(),
            referrer: response.referrer.as_ref().map(AsRef::as_ref),
            landing: response.landing.as_ref().map(AsRef::as_ref),
            agent: response.agent.as_ref().map(AsRef::as_ref),
            address: response.address.as_ref().map(AsRef::as_ref),
            tags: response.tags.as_ref().map(|tags| tags.iter().collect()),
        }
    }

    /// The cells of a table, with those of the columns that not every table has.
    fn row(&self, columns: Columns) -> Vec<String> {
        let counts = if self.counted { "yes".to_owned() } else { format!("no: {}", self.flags.join(" ")) };
        let mut row = vec![
            self.at.clone(),
            self.code.unwrap_or(&self.link).to_owned(),
            self.action.to_owned(),
            self.via.to_owned(),
            self.user.unwrap_or_default().to_owned(),
            self.visitor.clone().unwrap_or_default(),
            counts,
        ];
        if columns.accounts {
            row.push(self.account_at.clone().unwrap_or_default());
        }
        if columns.tags {
            let tags = self.tags.iter().flatten().map(|(name, value)| format!("{name}={value}"));
            row.push(tags.collect::<Vec<_>>().join(" "));
        }
        row
    }
}

/// The columns of a table that are there only if a response has something for them.
#[derive(Clone, Copy)]
struct Columns {
    accounts: bool,
    tags: bool,
}

impl Columns {
    fn of(lines: &[ResponseLine<'_>]) -> Self {
        let accounts = lines.iter().any(|line| line.account_at.is_some());
        Self { accounts, tags: lines.iter().any(|line| line.tags.is_some()) }
    }

    fn headings(self) -> Vec<&'static str> {
        let mut headings = vec!["AT", "CODE", "ACTION", "VIA", "USER", "VISITOR", "COUNTS"];
        headings.extend(self.accounts.then_some("ACCOUNT SINCE"));
        headings.extend(self.tags.then_some("TAGS"));
        headings
    }
}

const fn via(via: Via) -> &'static str {
    match via {
        Via::Click => "click",
        Via::Code => "code",
        Via::Coupon => "coupon",
        Via::Invitation => "invitation",
        Via::Manual => "manual",
        Via::Server => "server",
    }
}

/// Lists what came through links.
pub(crate) async fn run(args: &ResponsesArgs, out: &mut Output) -> Result<(), Failure> {
    let common = &args.common;
    let (from, until) = (ago(args.since.as_ref())?, ago(args.until.as_ref())?);
    let referrals = database::referrals(&common.database, &common.tenant, &SiteArgs::default()).await?;
    let mut filter = ResponseFilter::default().between(from, until);
    if let Some(code) = &args.link {
        filter.link = Some(by_code(&referrals, code).await?.id);
    }
    filter.owner = args.owner.clone();
    filter.user = args.user.clone();
    filter.action = args.action.clone();
    filter.counted = if args.counted || args.flagged { Some(args.counted) } else { None };
    let page = collect(&args.page, async |page| referrals.responses().list(&filter, &page).await).await?;
    let links = links(&referrals, &page.items).await?;
    let lines: Vec<_> = page.items.iter().map(|r| ResponseLine::new(&referrals, &links, r)).collect();
    match common.format {
        Format::Json => {
            let next = page.next.as_ref().map(ToString::to_string);
            let (since, until) = (from.map(shown), until.map(shown));
            let document = serde_json::json!({
                "responses": lines, "since": since, "until": until, "next": next,
            });
            return out.json(&document);
        }
        Format::Jsonl => lines.iter().try_for_each(|line| out.json(line))?,
        Format::Table => {
            let columns = Columns::of(&lines);
            let rows: Vec<_> = lines.iter().map(|line| line.row(columns)).collect();
            out.table(&columns.headings(), &rows)?;
        }
    }
    // A cursor fits only the listing that it came from, and "30d" is another moment in every call.
    let same = [("--since", from), ("--until", until)];
    let same = same.into_iter().filter_map(|(name, at)| Some(format!(" {name} {}", shown(at?))));
    say_more(lines.is_empty(), page.next.as_ref(), &same.collect::<String>());
    Ok(())
}

/// The moment of an argument that may be absent.
pub(super) fn ago(moment: Option<&Moment>) -> Result<Option<Timestamp>, Failure> {
    Ok(moment.map(Moment::ago).transpose()?)
}

/// The links that these responses came through.
async fn links(referrals: &Referrals, responses: &[Response]) -> Result<HashMap<LinkId, Link>, Failure> {
    let mut ids: Vec<_> = responses.iter().map(|response| response.link).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut links = HashMap::new();
    for ids in ids.chunks(MAX_PAGE as usize) {
        let found = referrals.links().get_many(ids).await?;
        links.extend(found.into_iter().map(|link| (link.id, link)));
    }
    Ok(links)
}
