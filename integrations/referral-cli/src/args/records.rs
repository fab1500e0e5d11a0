//! The arguments of the commands that read and write records.

use clap::{ArgGroup, Args, Subcommand};
use referral_core::{Action, Code, Destination, Label, UserId};

use super::common::{CommonArgs, PageArgs, SiteArgs};
use crate::moment::Moment;

/// `link`
#[derive(Debug, Subcommand)]
pub(crate) enum LinkCommand {
    /// Make a link
    Add(LinkAddArgs),
    /// List links, newest first
    List(LinkListArgs),
    /// Show a link, by any of its codes
    Show(LinkArgs),
    /// Switch a link off: its codes stay taken and lead nowhere
    Disable(LinkArgs),
    /// Switch a link on again
    Enable(LinkArgs),
    /// Put a link away for good; its history stays
    Archive(LinkArgs),
}

/// `link add`
#[derive(Debug, Args)]
pub(crate) struct LinkAddArgs {
    /// Where it leads: a path of the site, or a URL of the site or of a --landing-host
    #[arg(long, value_name = "PATH")]
    pub(crate) to: Destination,
    /// What stands in its URL: 3 to 64 of A-Z a-z 0-9 _ -; made up where absent
    #[arg(long)]
    pub(crate) code: Option<Code>,
    /// The user who gets the credit
    #[arg(long, value_name = "USER")]
    pub(crate) owner: Option<UserId>,
    /// What its owner calls it
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) label: Label,
    /// Dead from then on: a date (2026-07-01, 2026-07-01T12:00:00Z) or a time from now (30d, 12h)
    #[arg(long, value_name = "DATE|DURATION")]
    pub(crate) expires: Option<Moment>,
    /// A host beside the site's that the destination may be on; the site has to allow it too
    #[arg(long = "landing-host", value_name = "HOST")]
    pub(crate) landing_hosts: Vec<String>,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// `link list`
#[derive(Debug, Args)]
pub(crate) struct LinkListArgs {
    /// Only this user's
    #[arg(long, value_name = "USER")]
    pub(crate) owner: Option<UserId>,
    #[command(flatten)]
    pub(crate) page: PageArgs,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// `link show`, `disable`, `enable`, `archive`
#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    /// One of its codes
    pub(crate) code: Code,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// `responses`
#[derive(Debug, Args)]
pub(crate) struct ResponsesArgs {
    /// Through the link of this code
    #[arg(long, value_name = "CODE")]
    pub(crate) link: Option<Code>,
    /// Through this user's links, as they were owned at the time
    #[arg(long, value_name = "USER")]
    pub(crate) owner: Option<UserId>,
    /// By this user
    #[arg(long)]
    pub(crate) user: Option<UserId>,
    /// With this action; RESPONDED is the click
    #[arg(long)]
    pub(crate) action: Option<Action>,
    /// Only those that count
    #[arg(long, conflicts_with = "flagged")]
    pub(crate) counted: bool,
    /// Only those that do not: bots, repeats, the owner's own
    #[arg(long)]
    pub(crate) flagged: bool,
    /// From then on: a date, or a time ago (30d, 12h); with --after as the listing before shows it
    #[arg(long, value_name = "DATE|DURATION")]
    pub(crate) since: Option<Moment>,
    /// Up to, and without, that moment
    #[arg(long, value_name = "DATE|DURATION")]
    pub(crate) until: Option<Moment>,
    #[command(flatten)]
    pub(crate) page: PageArgs,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// `stats`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("times").args(["hours", "days"])))]
pub(crate) struct StatsArgs {
    /// One of the link's codes
    #[arg(required_unless_present = "days", conflicts_with = "days")]
    pub(crate) code: Option<Code>,
    /// Also count by hour, in UTC
    #[arg(long, requires = "code")]
    pub(crate) hours: bool,
    /// Count the whole tenant by day, in UTC, instead of one link
    #[arg(long)]
    pub(crate) days: bool,
    /// Only this action; can be given several times. Without it, --days counts RESPONDED, the click
    #[arg(long = "action", value_name = "ACTION")]
    pub(crate) actions: Vec<Action>,
    /// Hours or days that begin from then on: a date, or a time ago (30d, 12h)
    #[arg(long, value_name = "DATE|DURATION", requires = "times")]
    pub(crate) since: Option<Moment>,
    /// Hours or days that begin before that moment
    #[arg(long, value_name = "DATE|DURATION", requires = "times")]
    pub(crate) until: Option<Moment>,
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}
