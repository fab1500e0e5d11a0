//! `referral responses`

use std::collections::HashMap;

use referral_core::link::LinkReads;
use referral_core::visit::ResponseFilter;
use referral_core::{Link, LinkId, Referrals, Response, Via};
use serde::Serialize;

use super::link::{Thing, by_code};
use super::{collect, say_more};
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
    counted: bool,
    flags: Vec<&'static str>,
    referrer: Option<&'a str>,
    landing: Option<&'a str>,
    agent: Option<&'a str>,
    address: Option<&'a str>,
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
            action_display: referrals.action_display(&response.action),
            via: via(response.via),
            target: response.target.as_ref().map(Thing::from),
            visitor: response.visitor.map(|visitor| visitor.to_string()),
            user: response.user.as_ref().map(AsRef::as_ref),
            claimed_at: response.claimed_at.map(shown),
            counted: response.counted,
            flags: response.flags.names().collect(),
            referrer: response.referrer.as_ref().map(AsRef::as_ref),
            landing: response.landing.as_ref().map(AsRef::as_ref),
            agent: response.agent.as_ref().map(AsRef::as_ref),
            address: response.address.as_ref().map(AsRef::as_ref),
        }
    }

    fn row(&self) -> Vec<String> {
        let counts = if self.counted { "yes".to_owned() } else { format!("no: {}", self.flags.join(" ")) };
        vec![
            self.at.clone(),
            self.code.unwrap_or(&self.link).to_owned(),
            self.action.to_owned(),
            self.via.to_owned(),
            self.user.unwrap_or_default().to_owned(),
            self.visitor.clone().unwrap_or_default(),
            counts,
        ]
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
    let page = collect(&args.page, async |page| referrals.responses(&filter, &page).await).await?;
    let links = links(&referrals, &page.items).await?;
    let lines: Vec<_> = page.items.iter().map(|r| ResponseLine::new(&referrals, &links, r)).collect();
    match common.format {
        Format::Json => {
            let next = page.next.as_ref().map(ToString::to_string);
            let (since, until) = (from.map(shown), until.map(shown));
            let all = serde_json::json!({
                "responses": lines, "since": since, "until": until, "next": next,
            });
            return out.json(&all);
        }
        Format::Jsonl => lines.iter().try_for_each(|line| out.json(line))?,
        Format::Table => {
            let rows: Vec<_> = lines.iter().map(ResponseLine::row).collect();
            out.table(&["AT", "CODE", "ACTION", "VIA", "USER", "VISITOR", "COUNTS"], &rows)?;
        }
    }
    // A cursor is good for the same listing only, and "30d" is another one with every call.
    let same = [("--since", from), ("--until", until)];
    let same = same.into_iter().filter_map(|(name, at)| Some(format!(" {name} {}", shown(at?))));
    say_more(lines.is_empty(), page.next.as_ref(), &same.collect::<String>());
    Ok(())
}

/// A moment that may be missing.
pub(super) fn ago(moment: Option<&Moment>) -> Result<Option<referral_core::Timestamp>, Failure> {
    Ok(moment.map(Moment::ago).transpose()?)
}

/// The links that these responses came through.
async fn links(referrals: &Referrals, responses: &[Response]) -> Result<HashMap<LinkId, Link>, Failure> {
    let mut ids: Vec<_> = responses.iter().map(|response| response.link).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut links = HashMap::new();
    for ids in ids.chunks(referral_core::store::MAX_PAGE as usize) {
        let found = referrals.store().links_by_id(referrals.tenant(), ids).await?;
        links.extend(found.into_iter().map(|link| (link.id, link)));
    }
    Ok(links)
}
