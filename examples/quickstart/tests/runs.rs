//! The program of the README runs and says what the README says.

use std::process::Command;

#[test]
fn it_runs_and_shows_one_click_and_one_sign_up() {
    let output = Command::new(env!("CARGO_BIN_EXE_quickstart")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("Ada shares https://shop.example/r/"), "{text}");
    assert_eq!(
        lines[1..],
        [
            "Somebody follows it and is sent to /products/7",
            "It was Grace: 1 touch is hers now",
            "Clicked on referral link: 1",
            "SIGNED_UP: 1",
        ]
    );
}
