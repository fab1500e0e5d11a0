//! Lines in, lines out: redirect checks, closed pipes, and the conformance suite.

use std::io::Write;
use std::process::Stdio;

use crate::program::{Program, lines};

const CASES: &str = r#"{"note":"kept","url":"/caf\u00e9","base_host":"shop.example","expect":"allow","grade":"must","browser":"https://shop.example/caf%C3%A9"}
{"url":"//evil.example","base_host":"shop.example","allowed_hosts":[],"require_https":true,"expect":"deny","grade":"must"}

{"url":"https://blog.example/x","base_host":"shop.example","allowed_hosts":["blog.example"],"expect":"allow","grade":"must","browser":"https://blog.example/x"}
{"url":"x","base_host":"shop.example","expect":"allow","grade":"advisory","browser":"https://shop.example/r/x"}
"#;

#[test]
fn every_line_is_answered_in_order_and_keeps_its_fields() {
    let answer = Program::new().feed(&["check-redirect"], CASES.as_bytes());
    assert_eq!(answer.code, 0);
    let out = lines(&answer.out);
    assert_eq!(out.len(), 4);
    let names: Vec<_> = out[0].as_object().unwrap().keys().map(String::as_str).collect();
    let as_given = ["note", "url", "base_host", "expect", "grade", "browser"];
    assert_eq!(names, [&as_given[..], &["verdict", "location", "reason"]].concat());
    assert_eq!((&out[0]["verdict"], &out[0]["location"]), (&"allow".into(), &"/caf%C3%A9".into()));
    assert_eq!((&out[1]["verdict"], out[1]["location"].is_null()), (&"deny".into(), true));
    assert!(out[0]["reason"].is_null() && out[1]["reason"].is_string());
    assert_eq!(
        answer.err,
        "referral: must: 3 judged, 0 holes, 0 false denials\n\
         referral: advisory: 1 judged, 0 holes, 1 false denials\n\
         referral: 2 of 2 allowed Locations resolve to the origin of `browser`\n"
    );
}

#[test]
fn a_malformed_line_is_told_and_the_others_are_still_answered() {
    let good = br#"{"url":"/x","base_host":"shop.example"}"#;
    let bad: [&[u8]; 6] = [
        b"nonsense",
        b"\xff\xfe",
        b"[]",
        br#"{"base_host":"shop.example"}"#,
        br#"{"url":7,"base_host":"shop.example"}"#,
        br#"{"url":"/x","base_host":"https://shop.example/"}"#,
    ];
    let mut input = Vec::new();
    for line in bad {
        input.extend([line, good].join(&b'\n'));
        input.push(b'\n');
    }
    let answer = Program::new().feed(&["check-redirect"], &input);
    assert_eq!((answer.code, lines(&answer.out).len(), answer.err.lines().count()), (1, 6, 6));
    for (line, number) in answer.err.lines().zip([1, 3, 5, 7, 9, 11]) {
        assert!(line.starts_with(&format!("referral: line {number}: ")), "{line}");
    }
}

#[test]
fn a_surprise_is_a_failure_where_it_is_asked_for() {
    let line = br#"{"url":"/x","base_host":"shop.example","expect":"deny","grade":"must"}"#;
    assert_eq!(Program::new().feed(&["check-redirect"], line).code, 0);
    let strict = Program::new().feed(&["check-redirect", "--strict"], line);
    assert_eq!(
        (strict.code, strict.err.as_str()),
        (1, "referral: must: 1 judged, 1 holes, 0 false denials\n")
    );
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut command = Program::new().command(&["check-redirect"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // The program goes away while it is written to, which is what this is about.
    for _ in 0..10_000 {
        if stdin.write_all(b"{\"url\":\"/x\",\"base_host\":\"shop.example\"}\n").is_err() {
            break;
        }
    }
    drop(stdin);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
}
