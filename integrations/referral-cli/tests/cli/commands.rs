//! What each command does, and what it does with nonsense.

use referral_core::KeyRing;

use crate::program::{Program, json, lines};

#[test]
fn help_is_data_and_names_the_exit_codes() {
    let help = Program::new().run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    assert!(help.out.contains("Exit codes:"), "{}", help.out);
    for verb in ["migrate", "link", "responses", "stats", "key", "check-redirect", "conformance"] {
        assert!(help.out.contains(verb), "{verb}");
        assert_eq!(Program::new().run(&[verb, "--help"]).code, 0, "{verb}");
    }
    let nothing = Program::new().run(&[]);
    assert_eq!((nothing.code, nothing.out.as_str()), (2, ""));
}

#[test]
fn a_database_is_migrated_once_and_is_then_up_to_date() {
    let program = Program::new();
    let first = program.run(&["migrate"]);
    assert_eq!((first.code, first.err.as_str()), (0, ""));
    assert!(first.out.starts_with("applied 0001 link\n"), "{}", first.out);
    assert_eq!(program.ok(&["migrate"]), "up to date\n");
}

#[test]
fn looking_for_a_database_makes_none() {
    let program = Program::new();
    for args in [&["link", "list"][..], &["responses"], &["stats", "abc"], &["link", "show", "abc"]] {
        let answer = program.run(args);
        assert_eq!((answer.code, answer.out.as_str()), (1, ""), "{args:?}");
        assert!(answer.err.contains("there is no database at"), "{}", answer.err);
    }
    assert!(!program.file().exists());
}

#[test]
fn a_database_without_tables_says_so_once() {
    let program = Program::new();
    std::fs::write(program.file(), "").unwrap();
    let answer = program.run(&["link", "list"]);
    assert_eq!(answer.code, 1);
    assert_eq!(answer.err.lines().count(), 1, "{}", answer.err);
    assert!(answer.err.contains("migrate"), "{}", answer.err);
}

#[test]
fn what_is_no_database_is_told_with_its_cause_once() {
    let program = Program::new();
    std::fs::write(program.file(), "this is a letter and no database, of more than sixteen bytes\n").unwrap();
    let answer = program.run(&["migrate"]);
    assert_eq!(answer.code, 1);
    assert_eq!(answer.err.matches("file is not a database").count(), 1, "{}", answer.err);
}

#[test]
fn a_link_is_made_shown_switched_and_put_away() {
    let program = Program::migrated();
    let made = json(&program.ok(&[
        "link",
        "add",
        "--to",
        "/p/7",
        "--code",
        "Summer",
        "--owner",
        "ada",
        "--label",
        "Zoë",
        "--expires",
        "2999-01-01",
        "--public-url",
        "https://shop.example",
        "--format",
        "json",
    ]));
    assert_eq!(made["url"], "https://shop.example/r/Summer");
    assert_eq!((&made["owner"], &made["label"]), (&"ada".into(), &"Zoë".into()));
    assert_eq!(made["expires_at"], "2999-01-01T00:00:00Z");
    assert_eq!(made["status"], "active");

    let table = program.ok(&["link", "show", "SUMMER"]);
    assert!(table.contains("code         Summer\n"), "{table}");
    let shown = json(&program.ok(&["link", "show", "summer", "--format", "jsonl"]));
    assert_eq!((&shown["id"], &shown["response_count"]), (&made["id"], &0.into()));
    assert_eq!(shown["codes"], serde_json::json!(["Summer"]));

    for (verb, status) in [("disable", "disabled"), ("enable", "active"), ("archive", "archived")] {
        let switched = json(&program.ok(&["link", verb, "Summer", "--format", "json"]));
        assert_eq!(switched["status"], status);
    }
    let again = program.run(&["link", "enable", "Summer"]);
    assert_eq!((again.code, again.out.as_str()), (1, ""));
    assert_eq!(again.err, "referral: the link is archived\n");
}

#[test]
fn a_listing_goes_on_behind_its_cursor() {
    let program = Program::migrated();
    for code in ["one", "two", "three"] {
        program.ok(&["link", "add", "--to", "/", "--code", code, "--owner", "ada"]);
    }
    program.ok(&["link", "add", "--to", "/", "--code", "four"]);
    let first = json(&program.ok(&["link", "list", "--owner", "ada", "--limit", "2", "--format", "json"]));
    assert_eq!(first["links"].as_array().unwrap().len(), 2);
    let next = first["next"].as_str().unwrap();
    let second = program.run(&["link", "list", "--owner", "ada", "--after", next, "--format", "jsonl"]);
    assert_eq!((second.code, second.err.as_str()), (0, ""));
    assert_eq!(lines(&second.out).iter().map(|l| l["code"].clone()).collect::<Vec<_>>(), ["one"]);

    let foreign = program.run(&["link", "list", "--after", next]);
    assert_eq!((foreign.code, foreign.out.as_str()), (2, ""));
    let table = program.run(&["link", "list", "--limit", "1"]);
    assert!(table.err.starts_with("referral: there is more: --after "), "{}", table.err);
}

#[test]
fn tenants_do_not_see_each_other() {
    let program = Program::migrated();
    program.ok(&["link", "add", "--to", "/", "--code", "mine", "--tenant", "one"]);
    assert_eq!(program.run(&["link", "show", "mine", "--tenant", "two"]).code, 1);
    let none = program.run(&["link", "list"]);
    assert_eq!((none.out.as_str(), none.err.as_str()), ("", "referral: nothing found\n"));
    program.ok(&["link", "add", "--to", "/", "--code", "mine", "--tenant", "two"]);
}

#[test]
fn nonsense_is_misuse_and_changes_nothing() {
    let program = Program::migrated();
    let long = "x".repeat(3000);
    let bad: &[&[&str]] = &[
        &["link", "show", "b@d"],
        &["link", "show", ""],
        &["link", "show", &long],
        &["link", "add"],
        &["link", "add", "--to", &long],
        &["link", "add", "--to", "//evil.example"],
        &["link", "add", "--to", "https://evil.example/"],
        &["link", "add", "--to", ""],
        &["link", "add", "--to", "/", "--code", "ab"],
        &["link", "add", "--to", "/", "--code", "a/b"],
        &["link", "add", "--to", "/", "--owner", ""],
        &["link", "add", "--to", "/", "--label", &long],
        &["link", "add", "--to", "/", "--expires", "tomorrow"],
        &["link", "add", "--to", "/", "--expires", "2026-02-30"],
        &["link", "add", "--to", "/", "--expires", "2001-01-01"],
        &["link", "add", "--to", "/", "--expires", "99999999y"],
        &["link", "add", "--to", "/", "--public-url", "not a url"],
        &["link", "add", "--to", "/", "--landing-host", "https://x/"],
        &["link", "list", "--limit", "0"],
        &["link", "list", "--after", "nonsense"],
        &["link", "list", "--format", "xml"],
        &["responses", "--since", "yesterday"],
        &["responses", "--counted", "--flagged"],
        &["stats"],
        &["stats", "abc", "--since", "1d"],
        &["stats", "abc", "--days"],
        &["stats", "--days", "--hours"],
        &["stats", "--days", "--action", ""],
        &["key", "new", "--id", "no spaces"],
        &["nonsense"],
    ];
    for args in bad {
        let answer = program.run(args);
        assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{args:?}: {}", answer.err);
        assert!(!answer.err.is_empty(), "{args:?}");
    }
    assert_eq!(program.ok(&["link", "list"]), "");
}

#[test]
fn a_url_that_is_not_understood_is_misuse_and_told_without_its_password() {
    for url in [
        "postgres://ada:se/cret@db/shop",
        "postgres://ada:12/secret@db/shop",
        "mysql://ada:secret@db:port/shop",
        "mongodb://ada:secret@db:port/shop",
        "mongodb+srv://ada:secret@db:1/shop",
        "sled://",
        "ada:secret@db",
    ] {
        for command in ["migrate", "conformance"] {
            let answer = Program::new().run(&[command, "--database", url]);
            assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{url}");
            assert_eq!(answer.err.lines().count(), 1, "{}", answer.err);
            assert!(!answer.err.contains("cret"), "{}", answer.err);
        }
    }
    let unknown = Program::new().run(&["link", "list", "--database", "oracle://ada:secret@db"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("`oracle:`") && !unknown.err.contains("secret"), "{}", unknown.err);
    assert_eq!(Program::new().run(&["link", "list", "--database", "memory:"]).code, 0);
}

#[test]
fn no_link_is_no_misuse() {
    let program = Program::migrated();
    let answer = program.run(&["link", "disable", "nobody"]);
    assert_eq!((answer.code, answer.err.as_str()), (1, "referral: no link has the code nobody\n"));
    program.ok(&["link", "add", "--to", "/", "--code", "hello"]);
    let taken = program.run(&["link", "add", "--to", "/", "--code", "he11o"]);
    assert_eq!((taken.code, taken.err.as_str()), (1, "referral: the code he11o is taken\n"));
}

#[test]
fn responses_are_listed_by_what_is_asked() {
    let program = Program::migrated();
    program.ok(&["link", "add", "--to", "/", "--code", "hello", "--owner", "ada"]);
    program.visit("hello", 3);
    let all = lines(&program.ok(&["responses", "--link", "hello", "--format", "jsonl"]));
    assert_eq!(all.len(), 5);
    let names = |line: &serde_json::Value| line.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&all[0])[..8], ["id", "at", "link", "code", "owner", "action", "action_display", "via"]);

    let count = |args: &[&str]| {
        let args = [&["responses", "--format", "jsonl"][..], args].concat();
        lines(&program.ok(&args)).len()
    };
    assert_eq!(count(&["--counted"]), 4);
    assert_eq!(count(&["--flagged"]), 1);
    assert_eq!(count(&["--action", "SIGNED_UP"]), 1);
    assert_eq!(count(&["--owner", "ada", "--user", "bob"]), 1);
    assert_eq!(count(&["--owner", "eve"]), 0);
    assert_eq!(count(&["--since", "1h"]), 5);
    assert_eq!(count(&["--until", "1h"]), 0);
    assert_eq!(count(&["--limit", "2"]), 2);
    assert_eq!(program.run(&["responses", "--link", "nobody"]).code, 1);

    let table = program.ok(&["responses", "--flagged"]);
    assert!(table.contains("no: bot"), "{table}");
    assert!(!table.contains("TAGS") && !table.contains("ACCOUNT"), "{table}");
}

#[test]
fn tags_and_the_age_of_an_account_are_shown_where_there_are_any() {
    let program = Program::migrated();
    program.ok(&["link", "add", "--to", "/", "--code", "hello"]);
    program.sign_up_from("hello", "/r/hello?utm_source=mail&sub1=a%1B[2J&secret=x");
    let all = lines(&program.ok(&["responses", "--format", "jsonl"]));
    assert_eq!(all[0]["tags"], serde_json::json!({ "sub1": "a\u{1b}[2J", "utm_source": "mail" }));
    assert_eq!(all[0]["account_at"], "2026-07-01T00:00:00Z");
    let table = program.ok(&["responses"]);
    assert!(table.contains("ACCOUNT SINCE") && table.contains("2026-07-01T00:00:00Z"), "{table}");
    assert!(table.contains("sub1=a\\u{1b}[2J utm_source=mail\n"), "{table}");
}

#[test]
fn a_listing_since_a_time_ago_goes_on_as_it_says() {
    let program = Program::migrated();
    program.ok(&["link", "add", "--to", "/", "--code", "hello"]);
    program.visit("hello", 3);
    let first = program.run(&["responses", "--since", "1h", "--limit", "3", "--format", "jsonl"]);
    let more: Vec<_> = first.err.trim().split_once("more: ").unwrap().1.split(' ').collect();
    assert_eq!(more[0], "--after");
    let args = [&["responses", "--format", "jsonl"][..], &more].concat();
    assert_eq!(lines(&program.ok(&args)).len(), 2);
    let all = json(&program.ok(&["responses", "--since", "1h", "--limit", "3", "--format", "json"]));
    let (next, since) = (all["next"].as_str().unwrap(), all["since"].as_str().unwrap());
    let args = ["responses", "--after", next, "--since", since, "--format", "jsonl"];
    assert_eq!(lines(&program.ok(&args)).len(), 2);
}

#[test]
fn what_came_through_a_link_is_counted_by_action_and_hour() {
    let program = Program::migrated();
    program.ok(&["link", "add", "--to", "/", "--code", "hello"]);
    assert_eq!(program.run(&["stats", "hello"]).err, "referral: nothing came through this link yet\n");
    program.visit("hello", 3);
    let stats = json(&program.ok(&["stats", "hello", "--hours", "--format", "json"]));
    let clicks = serde_json::json!({
        "action": "RESPONDED", "action_display": "Clicked on referral link", "counted": 3, "flagged": 1,
        "new_visitors": 3,
    });
    assert_eq!(stats["actions"][0], clicks);
    // The visits may have met the end of an hour.
    let hours = stats["hours"].as_array().unwrap();
    let sum = |name: &str| hours.iter().map(|hour| hour[name].as_i64().unwrap()).sum::<i64>();
    assert_eq!((sum("counted"), sum("flagged")), (4, 1));
    assert_eq!(lines(&program.ok(&["stats", "hello", "--format", "jsonl"])).len(), 2);
    let past = json(&program.ok(&["stats", "hello", "--hours", "--until", "1d", "--format", "json"]));
    assert_eq!(past["hours"], serde_json::json!([]));
    let table = program.ok(&["stats", "hello"]);
    assert!(table.contains("RESPONDED  Clicked on referral link  3        1        3\n"), "{table}");
    assert_eq!(
        lines(&program.ok(&["stats", "hello", "--action", "SIGNED_UP", "--format", "jsonl"])).len(),
        1
    );
}

#[test]
fn what_came_to_a_tenant_is_counted_by_day() {
    let program = Program::migrated();
    assert_eq!(program.run(&["stats", "--days"]).err, "referral: nothing found\n");
    for code in ["hello", "there"] {
        program.ok(&["link", "add", "--to", "/", "--code", code]);
        program.visit(code, 2);
    }
    let sum = |args: &[&str], name: &str| {
        let args = [&["stats", "--days", "--format", "json"][..], args].concat();
        let stats = json(&program.ok(&args));
        // The visits may have met the end of a day.
        stats["days"].as_array().unwrap().iter().map(|day| day[name].as_i64().unwrap()).sum::<i64>()
    };
    assert_eq!((sum(&[], "counted"), sum(&[], "flagged"), sum(&[], "new_visitors")), (4, 2, 4));
    assert_eq!(sum(&["--action", "SIGNED_UP"], "counted"), 2);
    assert_eq!(sum(&["--action", "SIGNED_UP", "--action", "RESPONDED"], "counted"), 6);
    assert_eq!(sum(&["--until", "2d"], "counted"), 0);
    assert_eq!(sum(&["--tenant", "other"], "counted"), 0);
    let line = &lines(&program.ok(&["stats", "--days", "--format", "jsonl"]))[0];
    assert!(line["day"].as_str().unwrap().ends_with("T00:00:00Z"), "{line}");
    assert!(program.ok(&["stats", "--days"]).starts_with("DAY "));
}

#[test]
fn a_new_key_is_one_line_that_a_key_ring_reads() {
    let keys: Vec<_> = (0..2).map(|_| Program::new().run(&["key", "new", "--id", "web-1"])).collect();
    for key in &keys {
        assert_eq!((key.code, key.out.lines().count()), (0, 1));
        assert_eq!(KeyRing::parse(&key.out).unwrap().current_id(), "web-1");
        assert!(!key.err.contains(key.out.trim()));
    }
    assert_ne!(keys[0].out, keys[1].out);
    assert!(KeyRing::parse(&Program::new().ok(&["key", "new"])).is_ok());
}
