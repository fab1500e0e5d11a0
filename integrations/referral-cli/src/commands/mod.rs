//! The commands, one module each.

mod check_redirect;
mod conformance;
mod key;
mod link;
mod listing;
mod migrate;
mod responses;
mod runtime;
mod stats;

use crate::args::Command;
use crate::failure::Failure;
use crate::output::Output;
use runtime::wait;

/// Does what was asked, and prints what came of it.
pub(crate) fn run(command: Command, out: &mut Output) -> Result<(), Failure> {
    match command {
        Command::Key(command) => key::run(command, out),
        Command::CheckRedirect(args) => check_redirect::run(&args, out),
        // Each case brings a runtime of its own.
        Command::Conformance(args) => conformance::run(&args, out),
        Command::Migrate(args) => wait(migrate::run(&args, out)),
        Command::Link(command) => wait(link::run(command, out)),
        Command::Responses(args) => wait(responses::run(&args, out)),
        Command::Stats(args) => wait(stats::run(&args, out)),
    }
}
