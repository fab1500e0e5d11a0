//! The `referral` program: what an operator does with referral links from a shell.
//!
//! Standard output carries data and nothing else. Everything that is said about it goes to standard error.

mod address;
mod args;
mod commands;
mod database;
mod failure;
mod interrupt;
mod moment;
mod output;

use std::process::ExitCode;

use clap::Parser;

use args::Cli;
use output::Output;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // If even this cannot be printed, there is nobody left to tell.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::MISUSE));
        }
    };
    match commands::run(cli.command, &mut Output::to_stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(text) = failure.told() {
                output::say(&text);
            }
            ExitCode::from(failure.code())
        }
    }
}
