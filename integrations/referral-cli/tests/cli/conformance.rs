//! The conformance suite, from the program.

#[cfg(unix)]
use std::io::{BufRead, BufReader};
#[cfg(unix)]
use std::process::{Command, Stdio};

use crate::program::{Program, lines};

#[test]
fn cases_are_named_without_a_database() {
    let program = Program::new();
    let named = |args: &[&str]| {
        let mut command = program.command(&[&["conformance", "--list"][..], args].concat());
        let output = command.env_remove("DATABASE_URL").output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let all = named(&[]);
    let ids: Vec<_> = referral_testkit::registry().iter().map(referral_testkit::Case::id).collect();
    assert_eq!(all.lines().collect::<Vec<_>>(), ids);
    let some = lines(&named(&["races::", "--format", "jsonl"]));
    assert!(!some.is_empty() && some.len() < ids.len());
    assert!(some.iter().all(|case| case["group"] == "races" && case["promise"].is_string()));
}

#[test]
fn a_case_that_is_misspelt_does_not_pass_for_one_that_passed() {
    let answer = Program::new().run(&["conformance", "records::", "recrods::"]);
    assert_eq!((answer.code, answer.out.as_str()), (2, ""));
    assert!(answer.err.contains("recrods::"), "{}", answer.err);
}

#[test]
fn there_is_a_line_for_each_case_and_one_for_all() {
    let program = Program::new();
    let args = ["conformance", "points::", "--database", "memory:", "--format", "jsonl"];
    let out = lines(&program.ok(&args));
    let (summary, cases) = out.split_last().unwrap();
    for (name, count) in [("passed", cases.len()), ("failed", 0), ("skipped", 0)] {
        assert_eq!(summary[name], count, "{summary}");
    }
    assert_eq!(summary["facts"]["name"], "memory");
    assert!(summary["rules"]["exercised"].as_array().unwrap().contains(&"8.6".into()), "{summary}");
    assert!(summary["rules"]["not_exercised"].as_array().unwrap().contains(&"3.1".into()), "{summary}");
    for case in cases {
        let names: Vec<_> = case.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["case", "group", "outcome", "ms"]);
        assert_eq!((&case["group"], &case["outcome"]), (&"points".into(), &"passed".into()));
    }
}

#[test]
fn sqlite_is_held_to_its_promises_in_a_folder_that_is_removed() {
    let program = Program::new();
    // Also those for which the program is started once more, and killed.
    let out = program.ok(&["conformance", "durability::", "points::"]);
    assert!(
        out.contains("passed") && !out.contains("failed  ") && out.contains(", 0 failed, 0 skipped"),
        "{out}"
    );
    assert!(out.contains("durability::a_killed_process_keeps_what_it_acknowledged"));
    let left = std::fs::read_dir(program.file().parent().unwrap()).unwrap().count();
    assert_eq!(left, 0, "neither the database of the URL nor a folder is left");
}

#[cfg(unix)]
#[test]
fn a_failed_case_is_a_failure_with_its_reason() {
    let program = Program::new();
    // No file may grow, so that SQLite can keep no promise.
    let script =
        "trap '' XFSZ; ulimit -f 0; exec \"$0\" conformance --format \"$1\" points::nothing points::a_";
    for format in ["jsonl", "text"] {
        let mut shell = Command::new("sh");
        let referral = program.command(&[]);
        shell.args(["-c", script]).arg(referral.get_program()).arg(format);
        let output = shell.env("DATABASE_URL", program.url()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        if format == "jsonl" {
            let out = lines(&out);
            assert!(out[0]["outcome"] == "failed" && out[0]["reason"].is_string(), "{}", out[0]);
            assert_eq!(out.last().unwrap()["failed"], out.len() - 1);
        } else {
            assert!(out.contains(" 0 passed, "), "{out}");
            assert!(
                err.contains("referral: points::nothing_asked_is_nothing_answered on sqlite failed"),
                "{err}"
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn who_stops_it_finds_everything_removed() {
    for signal in ["-INT", "-TERM"] {
        let program = Program::new();
        let mut child =
            program.command(&["conformance"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(out.next().unwrap().unwrap().starts_with("passed"));
        let pid = child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let ran = 1 + out.count();
        let answer = child.wait_with_output().unwrap();
        assert_eq!(answer.status.code(), Some(1));
        assert!(String::from_utf8(answer.stderr).unwrap().contains("referral: stopped; "));
        assert!(ran < referral_testkit::registry().len(), "it went on to the end");
        assert_eq!(std::fs::read_dir(program.file().parent().unwrap()).unwrap().count(), 0);
    }
}

#[test]
fn a_folder_that_is_not_there_is_told_once() {
    let answer = Program::new().run(&["conformance", "--database", "sqlite:///no/such/folder/referral.db"]);
    assert_eq!((answer.code, answer.out.as_str(), answer.err.lines().count()), (1, "", 1));
}
