//! What this module promises.

use url::Url;

use super::*;
use crate::redirect::cases::{ALLOWED, DENIED};

fn policy() -> RedirectPolicy {
    let site = Url::parse("https://shop.example").unwrap();
    ["blog.example", "other.example:8443", "[2001:db8::1]:8000", "127.0.0.1:8000", "bücher.example"]
        .iter()
        .fold(RedirectPolicy::new(&site), |policy, host| policy.with_host(host).unwrap())
}

fn resolve(base_host: &str, location: &str) -> Url {
    Url::parse(&format!("https://{base_host}/r/abc")).unwrap().join(location).unwrap()
}

#[test]
fn every_allowed_case_is_sent_as_it_was_checked() {
    for (given, location) in ALLOWED {
        let safe = policy().check(given).unwrap_or_else(|error| panic!("{given:?}: {error}"));
        assert_eq!(safe.location(), *location);
        assert_eq!(safe.as_given(), *given);
        assert_eq!(safe.is_path(), given.starts_with('/'));
    }
}

#[test]
fn every_denied_case_names_its_rule() {
    for (given, rule) in DENIED {
        let error = policy().check(given).expect_err(given);
        assert_eq!(error.rule(), *rule, "{given:?}: {error}");
    }
}

#[test]
fn whatever_is_sent_stays_on_an_allowed_host_and_fits_a_header() {
    for (given, location) in ALLOWED {
        let url = resolve("shop.example", location);
        let host = url.host_str().unwrap();
        let allowed = ["shop.example", "blog.example", "other.example", "[2001:db8::1]", "127.0.0.1"];
        assert!(allowed.contains(&host) || host == "xn--bcher-kva.example", "{given:?} leads to {host}");
        assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{location:?}");
    }
}

#[test]
fn length_is_counted_in_characters() {
    assert!(policy().check(&format!("/{}", "é".repeat(2047))).is_ok());
    let long = policy().check(&format!("/{}", "é".repeat(2048)));
    assert_eq!(long, Err(RedirectError::TooLong { length: 2049 }));
}

#[test]
fn https_may_be_required_and_leaves_paths_alone() {
    let policy = policy().with_require_https(true);
    assert_eq!(policy.check("http://blog.example/"), Err(RedirectError::Insecure));
    assert!(policy.check("https://blog.example/").is_ok());
    assert!(policy.check("/x").is_ok());
}

#[test]
fn a_site_on_http_with_a_port_may_name_itself_and_nothing_beside() {
    let policy = RedirectPolicy::new(&Url::parse("http://127.0.0.1:3000/").unwrap());
    assert!(policy.check("http://127.0.0.1:3000/x").is_ok());
    for denied in ["https://127.0.0.1:3000/x", "http://127.0.0.1/x", "http://localhost:3000/x"] {
        assert_eq!(policy.check(denied), Err(RedirectError::Foreign), "{denied}");
    }
}

#[test]
fn paths_only_denies_even_the_site_itself() {
    assert!(RedirectPolicy::paths_only().check("/x").is_ok());
    assert_eq!(RedirectPolicy::paths_only().check("https://shop.example/"), Err(RedirectError::Foreign));
}

#[test]
fn landing_hosts_are_for_stored_destinations_only() {
    let policy = policy().with_landing_host("landing.example").unwrap();
    assert!(policy.check_stored("https://landing.example/a").is_ok());
    assert_eq!(policy.check("https://landing.example/a"), Err(RedirectError::Foreign));
    assert!(policy.check_stored("https://blog.example/").is_ok());
    assert!(policy.check_stored("//landing.example/a").is_err());
}

#[test]
fn an_entry_that_is_no_host_is_refused() {
    for entry in [
        "",
        "https://shop.example",
        "shop.example/x",
        "a b",
        "user@shop.example",
        "*.shop.example",
        "shop.example:x",
        "shop.example:99999",
        "[::1",
        "?",
        "shop.example\n",
        "shop%2eexample",
    ] {
        assert!(RedirectPolicy::paths_only().with_host(entry).is_err(), "{entry:?}");
    }
}

#[test]
fn a_written_default_port_means_that_port_under_either_scheme() {
    let policy = RedirectPolicy::for_case("a.example:443", ["b.example:80"], false).unwrap();
    assert!(policy.check("https://a.example/").is_ok());
    assert!(policy.check("http://a.example:443/").is_ok());
    assert!(policy.check("http://a.example/").is_err());
    assert!(policy.check("http://b.example/").is_ok());
    assert!(policy.check("https://b.example:80/").is_ok());
    assert!(policy.check("https://b.example/").is_err());
}

#[test]
fn neither_path_nor_query_show_in_debug() {
    let shown = |given| format!("{:?}", policy().check(given).unwrap());
    assert_eq!(shown("/reset/s3cret?email=ada@shop.example#ada"), "SafeDestination(path)");
    assert_eq!(shown("https://blog.example/s3cret?x"), "SafeDestination(blog.example)");
    assert_eq!(shown("https://blog.example?s3cret"), "SafeDestination(blog.example)");
}

#[test]
fn errors_do_not_print_their_source_twice() {
    let error = policy().check("https://shop.example:99999/").unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(!error.to_string().contains(&source));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(4_000))]

    #[test]
    fn nothing_that_passes_leads_away(
        start in "(/|//|https?:/{0,3}|[\\\\/@.:?# ]{0,3})",
        rest in "([a-z0-9/\\\\@:.?#%\\[\\] \t\u{a0}。．éß-]|shop\\.example|evil\\.example){0,12}",
    ) {
        let given = format!("{start}{rest}");
        if let Ok(safe) = RedirectPolicy::for_case("shop.example", [""; 0], true).unwrap().check(&given) {
            for text in [safe.location(), safe.as_given()] {
                let url = resolve("shop.example", text);
                proptest::prop_assert_eq!(url.host_str(), Some("shop.example"), "{:?}", given);
                proptest::prop_assert_eq!(url.scheme(), "https");
                proptest::prop_assert_eq!(url.port(), None);
            }
            proptest::prop_assert!(safe.location().bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
}

/// A corpus of destinations with verdicts, one JSON object a line, where there is one at hand.
#[test]
fn the_corpus_named_by_referral_redirect_cases_has_no_hole_and_no_false_denial() {
    let Some(path) = std::env::var_os("REFERRAL_REDIRECT_CASES") else {
        println!("skipped: REFERRAL_REDIRECT_CASES names no corpus");
        return;
    };
    let corpus = std::fs::read_to_string(path).unwrap();
    let (mut holes, mut denials, mut lenient, mut strict) = (Vec::new(), Vec::new(), 0, 0);
    for line in corpus.lines().filter(|line| !line.trim().is_empty()) {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |field: &str| case[field].as_str().unwrap_or_default().to_owned();
        let hosts = case["allowed_hosts"].as_array().unwrap().iter().map(|host| host.as_str().unwrap());
        let policy =
            RedirectPolicy::for_case(&text("base_host"), hosts, case["require_https"] == true).unwrap();
        let (allow, must) = (text("expect") == "allow", text("grade") == "must");
        match policy.check(&text("url")) {
            Ok(safe) => {
                let led = resolve(&text("base_host"), safe.location());
                // The corpus shortens long URLs with an ellipsis, which is no part of the host.
                let browser = Url::parse(&text("browser")).unwrap();
                let host_kept = (led.host(), led.port_or_known_default(), led.scheme())
                    == (browser.host(), browser.port_or_known_default(), browser.scheme());
                if !host_kept || (must && !allow) {
                    holes.push(text("id"));
                } else if !allow {
                    lenient += 1;
                }
            }
            Err(_) if must && allow => denials.push(text("id")),
            Err(_) => strict += usize::from(allow),
        }
    }
    assert_eq!((&holes[..], &denials[..]), (&[][..], &[][..]), "holes, then false denials");
    println!("against the recommendations of the corpus: {lenient} allowed, {strict} denied");
}
