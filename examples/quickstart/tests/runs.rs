//! The program of the README runs and says what the README says.

use std::process::Command;

#[test]
fn it_runs_and_shows_one_click_and_one_sign_up() {
    let output = Command::new(env!("CARGO_BIN_EXE_quickstart")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("Ada shares https://shop.example/r/"), "{text}");
    assert!(lines[0].ends_with("; who follows it is sent to /products/7"), "{text}");
    assert_eq!(lines[1..], ["Grace came 1 time", "Ada has 1 click, and somebody signed up"]);
}
