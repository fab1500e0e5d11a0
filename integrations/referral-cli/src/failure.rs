//! What a command can answer instead of doing its work, and the exit code of each.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use referral_core::store::StoreError;
use referral_core::token::KeyError;
use referral_core::{BuildError, Code};

use crate::address::AddressError;
use crate::moment::MomentError;

/// The exit code of a command that did not work.
const FAILED: u8 = 1;

/// The exit code of a command that was asked wrongly, so that the same words will never work.
pub(crate) const MISUSE: u8 = 2;

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// `--database` names nothing that this program can open.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The date does not exist, or it is in the past where it has to be in the future.
    #[error(transparent)]
    Moment(#[from] MomentError),
    /// The public URL is no URL, or an allowed host is no host.
    #[error(transparent)]
    Site(#[from] BuildError),
    /// There is no file to read from. Opening it would make an empty one, and nobody would see that its name was
    /// misspelt.
    #[error("there is no database at {}; `referral migrate` makes one", path.display())]
    NoDatabase {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// No link of this tenant has the code.
    #[error("no link has the code {code}")]
    NoLink {
        /// What was asked for.
        code: Code,
    },
    /// The library says no, or its database failed.
    #[error(transparent)]
    Verb(#[from] referral_core::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server refuses the connection, or is not there.
    #[error("no connection to {server}")]
    NoConnection {
        /// Host and port.
        server: String,
        /// Why not.
        source: referral_sql::sqlx::Error,
    },
    /// The server accepts the connection and does not answer.
    #[error("{server} did not answer within {seconds} seconds")]
    NoAnswer {
        /// Host and port.
        server: String,
        /// How long the program waited.
        seconds: u64,
    },
    /// The list that MongoDB keeps of what was made.
    #[error("the list of what was migrated cannot be read")]
    Migrations(#[from] Box<referral_mongo::mongodb::error::Error>),
    /// A key that cannot be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No conformance case has such a name.
    #[error("no case has {filter:?} in its name; `referral conformance --list` names them")]
    NoCase {
        /// What was asked for.
        filter: String,
    },
    /// Standard input cannot be read.
    #[error("standard input cannot be read")]
    Input(#[source] io::Error),
    /// Standard output cannot be written.
    #[error("standard output cannot be written")]
    Output(#[source] io::Error),
    /// The runtime does not start.
    #[error("the runtime does not start")]
    Runtime(#[source] io::Error),
    /// Somebody pressed Ctrl-C.
    #[error("stopped; the cases that are left were not run")]
    Interrupted,
    /// It failed, and everything about it has been printed already.
    #[error("it failed")]
    Said,
}

impl Failure {
    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Address(_) | Self::Moment(_) | Self::Site(_) | Self::NoCase { .. } => MISUSE,
            Self::Key(KeyError::Id) => MISUSE,
            Self::Verb(error) if error.is_invalid_input() => MISUSE,
            // A reader that has seen enough, such as `head`, is no failure.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            _ => FAILED,
        }
    }

    /// What a person is told: this error and its causes, each once, in one line. `None` if there is nothing left to
    /// tell.
    pub(crate) fn told(&self) -> Option<String> {
        match self {
            Self::Said => None,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            _ => Some(chain(self)),
        }
    }
}

/// The text of a cause.
fn cause(error: &(dyn Error + 'static)) -> String {
    let Some(error) = error.downcast_ref::<referral_mongo::mongodb::error::Error>() else {
        return error.to_string();
    };
    // Its own text goes on with all that the driver knows about every server, in the driver's notation.
    let text = error.kind.to_string();
    text.split_once(" Topology:").map_or(text.as_str(), |(before, _)| before).to_owned()
}

/// An error and its sources in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let cause = cause(source);
        // Some drivers print their source in their own text.
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        next = source.source();
    }
    text
}
