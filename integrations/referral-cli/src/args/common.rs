//! What several commands take: which database, whose records, how to print, which part of a listing.

use clap::{Args, ValueEnum};
use referral_core::{Cursor, Tenant};

use crate::address::{Address, AddressError};

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// A line of JSON for each
    Jsonl,
    /// One JSON document
    Json,
}

/// Which database.
#[derive(Debug, Args)]
pub(crate) struct DatabaseArgs {
    /// sqlite://FILE, sled://FOLDER, or a server: postgres://, mysql://, mariadb://, mongodb:// (see `referral --help`)
    // A text to clap, which would print a URL that it cannot read, password and all.
    #[arg(long = "database", value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    url: String,
}

impl DatabaseArgs {
    pub(crate) fn address(&self) -> Result<Address, AddressError> {
        self.url.parse()
    }
}

/// What every command that reads or writes records needs.
#[derive(Debug, Args)]
pub(crate) struct CommonArgs {
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    /// Whose records, where one installation serves several customers
    #[arg(long, default_value = "")]
    pub(crate) tenant: Tenant,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// The site that links lead to.
#[derive(Debug, Default, Args)]
pub(crate) struct SiteArgs {
    /// The site's own URL, such as `https://shop.example`; without it no URLs of links are shown
    #[arg(long, value_name = "URL", env = "PUBLIC_URL")]
    public_url: Option<String>,
    /// Hosts beside the site's that a stored destination may be on; only `link add` takes any.
    #[arg(skip)]
    pub(crate) landing_hosts: Vec<String>,
}

impl SiteArgs {
    /// The site's URL; without one, a name that no site can have, so that nothing absolute is taken for its own.
    pub(crate) fn url_or_none(&self) -> &str {
        self.public_url.as_deref().unwrap_or("https://site.invalid")
    }

    pub(crate) const fn is_known(&self) -> bool {
        self.public_url.is_some()
    }
}

/// Which part of a listing.
#[derive(Debug, Args)]
pub(crate) struct PageArgs {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Go on behind this cursor, the `next` of the listing before
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<Cursor>,
}
