//! The commands of the README work as they stand there.

use crate::program::{Program, json};

const README: &str = include_str!("../../README.md");

#[test]
fn every_command_of_the_readme_works() {
    let program = Program::new();
    let commands: Vec<_> = README.lines().filter_map(|line| line.strip_prefix("referral ")).collect();
    assert!(commands.len() > 8, "{commands:?}");
    for command in commands {
        program.ok(&command.split_whitespace().collect::<Vec<_>>());
    }
    let piped = README.lines().find_map(|line| line.strip_suffix(" | referral check-redirect"));
    let line = piped.and_then(|line| line.strip_prefix("echo '")).unwrap().trim_end_matches('\'');
    let answer = program.feed(&["check-redirect"], line.as_bytes());
    assert_eq!((answer.code, &json(&answer.out)["verdict"]), (0, &"allow".into()));
}

#[test]
fn every_command_of_the_program_is_in_the_readme() {
    let help = Program::new().ok(&["--help"]);
    let commands = help.split_once("Commands:\n").unwrap().1.lines().take_while(|line| !line.is_empty());
    for command in commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
        assert!(
            README.contains(&format!("\nreferral {command}"))
                || README.contains(&format!("| referral {command}")),
            "{command}"
        );
    }
}
