//! The command line.

mod common;
mod records;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use common::{CommonArgs, DatabaseArgs, Format, PageArgs, SiteArgs};
pub(crate) use records::{LinkAddArgs, LinkArgs, LinkCommand, LinkListArgs, ResponsesArgs, StatsArgs};

const CODES: &str = "\
Exit codes:
  0  it is done
  1  it did not work: no such link, the database failed, a case failed, a line is malformed
  2  it was asked wrongly: arguments, a date, a code, a destination that is not allowed, a database
     that this release cannot open

Databases:
  sqlite:///absolute/path.db, sqlite://relative.db   a file
  sled:///absolute/folder, sled://relative           a folder, for one process: not while the
                                                     application has it open
  postgres://USER:PASSWORD@HOST/DATABASE             also postgresql://
  mysql://USER:PASSWORD@HOST/DATABASE                also mariadb://
  mongodb://USER:PASSWORD@HOST/DATABASE?replicaSet=NAME   also mongodb+srv://
  memory:                                            forgets everything at the end
A URL with a password in it is better kept in DATABASE_URL than on the command line.

Standard output carries data only. A table is for people and may change; what --format jsonl and
json print is stable: names stay, new ones may come. Times are RFC 3339 in UTC.";

const CHECK: &str = "\
A line in is a JSON object with `url`, `base_host`, `allowed_hosts` (default: none) and
`require_https` (default: true). The line out is the same with
  verdict   `allow` or `deny`
  location  what stands in the Location header; null where denied
  reason    why it was denied; null where allowed

A line that is none is reported on standard error with its number, the others are still answered,
and the exit code is then 1. Where lines carry `expect` (and `grade`, `browser`), a summary on
standard error counts holes (allowed against `expect`), false denials, and the allowed Locations
that resolve, from https://{base_host}/r/abc, to where `browser` says.";

const CASES: &str = "\
What the URL names is left alone. Each case works in a place of its own beside it, which is removed: a
folder beside the file of SQLite or the folder of sled, a schema in the database of PostgreSQL, a
database on the server of MySQL, MariaDB and MongoDB. The user of the URL must be allowed to make
them; their names begin with referral_test_. Exit code 1 if a case fails.

jsonl: a line per case {\"case\",\"group\",\"outcome\",\"ms\"}, outcome being passed, failed or skipped (the
last two with \"reason\", a failed one with \"line\" and \"calls\", and any with \"not_exercised\" parts), then
{\"passed\",\"failed\",\"skipped\",\"store\",\"facts\",\"rules\",\"soak\",\"rounds\",\"kills\",\"not_exercised\",\"rates\"}.
REFERRAL_TESTKIT_STRICT=1 makes what is skipped a failure, REFERRAL_TESTKIT_SOAK=N repeats races.";

/// Referral links, on your own database
#[derive(Debug, Parser)]
#[command(name = "referral", version, after_help = CODES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the tables of a database, or bring them to this release
    Migrate(MigrateArgs),
    /// Make, list, show and switch links
    #[command(subcommand)]
    Link(LinkCommand),
    /// List what came through links, newest first
    Responses(ResponsesArgs),
    /// Count what came through a link, or day by day
    Stats(StatsArgs),
    /// Make keys that sign visitors' tokens
    #[command(subcommand)]
    Key(KeyCommand),
    /// Judge redirect destinations, JSON lines in and out
    #[command(after_help = CHECK)]
    CheckRedirect(CheckRedirectArgs),
    /// Hold a store to its promises, case by case
    #[command(after_help = CASES)]
    Conformance(ConformanceArgs),
}

/// `migrate`
#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// `key`
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key, and print it as a line of the key ring
    New(KeyNewArgs),
}

/// `key new`
#[derive(Debug, Args)]
pub(crate) struct KeyNewArgs {
    /// Its public name, 1 to 16 of A-Z a-z 0-9 _ -; made up where absent
    #[arg(long)]
    pub(crate) id: Option<String>,
}

/// `check-redirect`
#[derive(Debug, Args)]
pub(crate) struct CheckRedirectArgs {
    /// Exit code 1 also where a verdict differs from `expect` in a line of grade `must`
    #[arg(long)]
    pub(crate) strict: bool,
}

/// How `conformance` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CasesFormat {
    /// For people
    #[default]
    Text,
    /// A line of JSON for each case
    Jsonl,
}

/// `conformance`
#[derive(Debug, Args)]
pub(crate) struct ConformanceArgs {
    /// Only cases with one of these in `group::name`
    pub(crate) filters: Vec<String>,
    /// memory:, sqlite://FILE, sled://FOLDER, postgres://, mysql://, mariadb:// or mongodb://
    #[arg(
        long,
        value_name = "URL",
        env = "DATABASE_URL",
        hide_env_values = true,
        required_unless_present = "list"
    )]
    pub(crate) database: Option<String>,
    /// Name the cases and run none
    #[arg(long)]
    pub(crate) list: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: CasesFormat,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
