//! Runs a command, or the tests of the workspace, beside throw-away servers. `scripts/test` is made of it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to whoever runs it")]

mod args;
mod browser;
mod list;
mod run;
mod stores;

use std::process::{Command, ExitCode};
use std::time::Instant;

use args::{Action, Args};
use clap::Parser as _;
use list::List;
use run::Run;

fn main() -> ExitCode {
    let args = Args::parse();
    let run = match Run::begin() {
        Ok(run) => run,
        Err(error) => {
            eprintln!("scripts/test: no folder for the servers: {error}");
            return ExitCode::FAILURE;
        }
    };
    let status = match args.action {
        Action::Run { only, command } => beside_servers(&run, &only, command),
        Action::Test { arguments } => tests(&run, arguments),
    };
    let status = status.unwrap_or_else(|error| {
        eprintln!("scripts/test: {error}");
        1
    });
    run.end(status)
}

/// The status of a command, or why it was not run.
type Outcome = Result<u8, String>;

fn beside_servers(run: &Run, only: &[String], mut command: Vec<String>) -> Outcome {
    let program = command.remove(0);
    // Standard output belongs to the command.
    let mut list = List::on_stderr();
    list.title("throw-away servers");
    let servers = stores::provide(run, &mut list, only);
    list.refuse_skips_if_strict()?;
    let mut command_line = Command::new(program);
    command_line.args(command).envs(stores::variables(&servers));
    Ok(run.attend(&mut command_line))
}

fn tests(run: &Run, arguments: Vec<String>) -> Outcome {
    let start = Instant::now();
    let mut list = List::on_stdout();
    list.title("stores");
    stores::compiled_in(&mut list);
    let servers = stores::provide(run, &mut list, &[]);
    list.title("pages");
    let driver = browser::provide(run, &mut list);
    list.refuse_skips_if_strict()?;
    println!();

    let mut cargo = Command::new("cargo");
    cargo
        .arg("test")
        .args(args::scope(&arguments))
        .args(["--all-features", "--no-fail-fast"])
        .args(arguments);
    cargo.envs(stores::variables(&servers)).envs(driver.map(|path| (browser::VARIABLE, path)));
    let status = run.attend(&mut cargo);

    run.unless_ending(|| {
        println!();
        list.summary();
        let seconds = start.elapsed().as_secs();
        match status {
            0 => println!("passed in {seconds} s"),
            _ => println!("FAILED (exit {status}) in {seconds} s"),
        }
    });
    Ok(status)
}
