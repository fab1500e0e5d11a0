//! What the program is told.

use clap::{Parser, Subcommand};

use crate::stores;

/// Throw-away servers for tests and benches: started before a command, ended and removed after it.
///
/// A server that the environment names (REFERRAL_TEST_POSTGRES_URL, REFERRAL_TEST_MYSQL_URL,
/// REFERRAL_TEST_MONGODB_URL) is used instead of a throw-away one. With REFERRAL_TESTKIT_STRICT=1, what would be
/// skipped is a failure.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) action: Action,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Runs a command beside the servers, and gives its exit status.
    Run {
        /// Only these servers.
        #[arg(long, value_delimiter = ',', value_parser = stores::NAMES)]
        only: Vec<String>,
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Runs `cargo test` beside the servers, on the whole workspace unless told otherwise.
    Test {
        /// Arguments to `cargo test`, after a `--` of this program's.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// `--workspace`, unless the arguments to `cargo test` name a package: to cargo, `--workspace` outweighs `-p`.
pub(crate) fn scope(arguments: &[String]) -> Option<&'static str> {
    let mut for_cargo = arguments.iter().take_while(|argument| *argument != "--");
    let named = for_cargo.any(|argument| argument.starts_with("-p") || argument.starts_with("--package"));
    (!named).then_some("--workspace")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Vec<String> {
        match Args::try_parse_from(line.split(' ')).expect(line).action {
            Action::Run { command, .. } => command,
            Action::Test { arguments } => arguments,
        }
    }

    #[test]
    fn a_command_keeps_its_options() {
        assert_eq!(parsed("x run sh -c true"), ["sh", "-c", "true"]);
        assert_eq!(
            parsed("x run -- cargo test --only a -- --exact"),
            ["cargo", "test", "--only", "a", "--", "--exact"]
        );
        assert_eq!(parsed("x run --only mysql,mongodb -- ls -l"), ["ls", "-l"]);
        assert!(Args::try_parse_from(["x", "run"]).is_err());
        assert!(Args::try_parse_from(["x", "run", "--only", "oracle", "ls"]).is_err());
    }

    #[test]
    fn cargo_gets_its_arguments_as_they_are() {
        assert_eq!(parsed("x test --"), [""; 0]);
        assert_eq!(
            parsed("x test -- --locked -p a -- --exact b"),
            ["--locked", "-p", "a", "--", "--exact", "b"]
        );
        assert_eq!(parsed("x test -- -- --exact b"), ["--", "--exact", "b"]);
    }

    #[test]
    fn a_named_package_is_not_outweighed() {
        let scope = |line: &str| scope(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(scope("--locked"), Some("--workspace"));
        assert_eq!(scope("-p referral-core"), None);
        assert_eq!(scope("--package=referral-core"), None);
        assert_eq!(scope("-- -p"), Some("--workspace"));
    }
}
