//! `referral link`

use std::collections::BTreeMap;

use referral_core::link::Links;
use referral_core::{Alias, Code, Link, LinkDraft, Referrals, Status};
use serde::Serialize;

use super::listing::{collect, say_more};
use crate::args::{CommonArgs, Format, LinkAddArgs, LinkArgs, LinkCommand, LinkListArgs, SiteArgs};
use crate::database;
use crate::failure::Failure;
use crate::moment::shown;
use crate::output::Output;

/// Does what was asked with links.
pub(crate) async fn run(command: LinkCommand, out: &mut Output) -> Result<(), Failure> {
    match command {
        LinkCommand::Add(args) => add(args, out).await,
        LinkCommand::List(args) => list(&args, out).await,
        LinkCommand::Show(args) => {
            let (referrals, link) = open(&args).await?;
            let codes = referrals.links().codes(link.id).await?;
            let responses = referrals.responses().count(link.id).await?;
            let more = LinkShown { codes: codes.into_iter().map(code).collect(), response_count: responses };
            print(&referrals, &args.site, &args.common, &link, Some(more), out)
        }
        LinkCommand::Disable(args) => {
            change(&args, async |links, link| links.disable(link.id).await, out).await
        }
        LinkCommand::Enable(args) => {
            change(&args, async |links, link| links.enable(link.id).await, out).await
        }
        LinkCommand::Archive(args) => {
            change(&args, async |links, link| links.archive(link.id).await, out).await
        }
    }
}

/// A link as JSON. The names are part of what the program promises.
#[derive(Serialize)]
struct LinkLine<'a> {
    id: String,
    code: &'a str,
    url: Option<String>,
    owner: Option<&'a str>,
    label: &'a str,
    destination: &'a str,
    target: Option<Thing<'a>>,
    status: &'static str,
    expires_at: Option<String>,
    click_limit: Option<u32>,
    created_at: String,
    metadata: BTreeMap<&'a str, &'a str>,
    #[serde(flatten)]
    more: Option<LinkShown>,
}

/// What only `link show` tells.
#[derive(Serialize)]
struct LinkShown {
    codes: Vec<String>,
    response_count: i64,
}

/// An object of the host's as JSON.
#[derive(Serialize)]
pub(super) struct Thing<'a> {
    kind: &'a str,
    id: &'a str,
}

impl<'a> From<&'a referral_core::Target> for Thing<'a> {
    fn from(target: &'a referral_core::Target) -> Self {
        Self { kind: target.kind.as_str(), id: target.id.as_str() }
    }
}

impl<'a> LinkLine<'a> {
    fn new(link: &'a Link, url: Option<String>, more: Option<LinkShown>) -> Self {
        Self {
            id: link.id.to_string(),
            code: link.code.as_str(),
            url,
            owner: link.owner.as_ref().map(AsRef::as_ref),
            label: link.label.as_str(),
            destination: link.destination.as_str(),
            target: link.target.as_ref().map(Thing::from),
            status: status(link.status),
            expires_at: link.expires_at.map(shown),
            click_limit: link.limits.clicks,
            created_at: shown(link.created_at),
            metadata: link.metadata.iter().collect(),
            more,
        }
    }
}

const fn status(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Disabled => "disabled",
        Status::Archived => "archived",
    }
}

fn code(alias: Alias) -> String {
    alias.code.into()
}

async fn add(args: LinkAddArgs, out: &mut Output) -> Result<(), Failure> {
    let mut draft = LinkDraft::to(String::new()).map_err(referral_core::Error::from)?;
    draft.destination = args.to;
    draft.code = args.code;
    draft.owner = args.owner;
    draft.label = args.label;
    draft.expires_at = args.expires.map(|at| at.ahead()).transpose()?;
    let mut site = args.site;
    site.landing_hosts = args.landing_hosts;
    let referrals = database::referrals(&args.common.database, &args.common.tenant, &site).await?;
    let link = referrals.links().create(draft).await?;
    print(&referrals, &site, &args.common, &link, None, out)
}

async fn list(args: &LinkListArgs, out: &mut Output) -> Result<(), Failure> {
    let common = &args.common;
    let referrals = database::referrals(&common.database, &common.tenant, &args.site).await?;
    let page = collect(&args.page, async |page| match &args.owner {
        Some(owner) => referrals.links().of_owner(owner, &page).await,
        None => referrals.links().list(&page).await,
    });
    let page = page.await?;
    let line = |link| LinkLine::new(link, url(&referrals, &args.site, link), None);
    match common.format {
        Format::Json => {
            let next = page.next.as_ref().map(ToString::to_string);
            let links: Vec<_> = page.items.iter().map(line).collect();
            return out.json(&serde_json::json!({ "links": links, "next": next }));
        }
        Format::Jsonl => page.items.iter().try_for_each(|link| out.json(&line(link)))?,
        Format::Table => {
            let row = |link: &Link| {
                vec![
                    url(&referrals, &args.site, link).unwrap_or_else(|| link.code.to_string()),
                    status(link.status).to_owned(),
                    link.owner.as_ref().map(ToString::to_string).unwrap_or_default(),
                    link.label.to_string(),
                    link.destination.to_string(),
                    link.expires_at.map(shown).unwrap_or_default(),
                    shown(link.created_at),
                ]
            };
            let rows: Vec<_> = page.items.iter().map(row).collect();
            let first = if args.site.is_known() { "URL" } else { "CODE" };
            let headings = [first, "STATUS", "OWNER", "LABEL", "DESTINATION", "EXPIRES", "CREATED"];
            out.table(&headings, &rows)?;
        }
    }
    say_more(page.items.is_empty(), page.next.as_ref(), "");
    Ok(())
}

async fn open(args: &LinkArgs) -> Result<(Referrals, Link), Failure> {
    let common = &args.common;
    let referrals = database::referrals(&common.database, &common.tenant, &args.site).await?;
    let link = by_code(&referrals, &args.code).await?;
    Ok((referrals, link))
}

/// The link that a code leads to, whether it works or not.
pub(super) async fn by_code(referrals: &Referrals, code: &Code) -> Result<Link, Failure> {
    referrals.links().by_code(code).await?.ok_or_else(|| Failure::NoLink { code: code.clone() })
}

async fn change(
    args: &LinkArgs,
    verb: impl AsyncFn(Links<'_>, &Link) -> Result<Link, referral_core::Error>,
    out: &mut Output,
) -> Result<(), Failure> {
    let (referrals, link) = open(args).await?;
    let link = verb(referrals.links(), &link).await?;
    print(&referrals, &args.site, &args.common, &link, None, out)
}

fn url(referrals: &Referrals, site: &SiteArgs, link: &Link) -> Option<String> {
    site.is_known().then(|| referrals.links().url(link))
}

/// Prints one link.
fn print(
    referrals: &Referrals,
    site: &SiteArgs,
    common: &CommonArgs,
    link: &Link,
    more: Option<LinkShown>,
    out: &mut Output,
) -> Result<(), Failure> {
    let line = LinkLine::new(link, url(referrals, site, link), more);
    if common.format != Format::Table {
        return out.json(&line);
    }
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let mut fields = vec![
        ("code", line.code.to_owned()),
        ("url", text(line.url.as_deref())),
        ("destination", line.destination.to_owned()),
        ("status", line.status.to_owned()),
        ("owner", text(line.owner)),
        ("label", line.label.to_owned()),
        ("target", line.target.as_ref().map(|t| format!("{} {}", t.kind, t.id)).unwrap_or_default()),
        ("expires", text(line.expires_at.as_deref())),
        ("click limit", line.click_limit.map(|clicks| clicks.to_string()).unwrap_or_default()),
        ("created", line.created_at.clone()),
        ("id", line.id.clone()),
    ];
    if let Some(more) = &line.more {
        fields.push(("codes", more.codes.join(" ")));
        fields.push(("responses", more.response_count.to_string()));
    }
    fields.extend(line.metadata.iter().map(|(name, value)| (*name, (*value).to_owned())));
    out.fields(&fields)
}
