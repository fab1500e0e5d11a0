//! What this module promises.

use std::net::IpAddr;

use super::*;
use crate::token::{Key, KeyRing};
use crate::value::{Timestamp, UserId};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn proxied(header: Header) -> ClientAddress {
    let networks = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
    ClientAddress::Proxied(TrustedProxies::new(networks, header))
}

fn get(headers: &[(&str, &str)]) -> Visit {
    let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let mut visit = Visit::new(Method::Get, "/r/abc").with_fetch(FetchMetadata::read(header));
    visit.agent = header("user-agent").map(str::to_owned);
    visit
}

fn class(headers: &[(&str, &str)]) -> Class {
    DefaultClassifier::default().classify(&get(headers))
}

#[test]
fn a_request_without_any_header_is_a_persons() {
    assert_eq!(class(&[]), Class::Human);
    assert_eq!(DefaultClassifier::default().classify(&Visit::default()), Class::Human);
    assert_eq!(class(&[("user-agent", "")]), Class::Human);
}

#[test]
fn a_click_in_a_browser_is_a_persons() {
    let firefox = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    let navigate = ("sec-fetch-mode", "navigate");
    for site in ["none", "cross-site", "same-origin", "same-site"] {
        let headers = [firefox, navigate, ("sec-fetch-dest", "document"), ("sec-fetch-site", site)];
        assert_eq!(class(&headers), Class::Human);
    }
    // Chromium 76 to 79 named the mode only.
    assert_eq!(class(&[firefox, navigate]), Class::Human);
}

#[test]
fn people_in_the_browsers_of_apps_and_on_odd_phones_are_not_taken_for_bots() {
    for agent in [
        "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 [FBAN/FBIOS;FBAV/430.0]",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 [Pinterest/iOS]",
        "Mozilla/5.0 (Linux; Android 14) Snapchat/12.60.0.55 (Pixel 8; Android 14; gzip)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 [LinkedInApp]/9.29",
        "curl/8.5.0",
        "python-requests/2.32",
        "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/126.0.0.0 Safari/537.36",
    ] {
        assert_eq!(class(&[("user-agent", agent)]), Class::Human, "{agent}");
    }
}

#[test]
fn known_bots_are_told_whatever_the_letter_case_and_whatever_else_they_say() {
    for agent in [
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Slackbot 1.0 (+https://api.slack.com/robots)",
        "Twitterbot/1.0",
        "facebookexternalhit/1.1",
        "LinkedInBot/1.0 (compatible; Mozilla/5.0)",
        "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
        "WhatsApp/2.23.20.0",
        "TelegramBot (like TwitterBot)",
        "Mozilla/5.0 SkypeUriPreview Preview/0.5",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0)",
        "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Safari/605.1.15 (Applebot/0.1)",
        "GOOGLEBOT",
        "Some-New-Crawler/1.0",
    ] {
        let navigated = [("user-agent", agent), ("sec-fetch-mode", "navigate")];
        assert_eq!(class(&navigated), Class::Bot, "{agent}");
    }
}

#[test]
fn the_list_of_bots_can_be_added_to_and_overruled() {
    let ours = DefaultClassifier::default().with_bot("OurProbe").with_bot("");
    assert!(ours.is_bot("ourprobe/2") && !ours.is_bot("Firefox"));
    let people = ours.with_person("Kiosk").with_person("");
    assert!(!people.is_bot("ourprobe/2 kiosk") && people.is_bot("ourprobe/2"));
}

#[test]
fn every_bot_in_the_list_is_in_lower_case_and_there_once() {
    let names: std::collections::BTreeSet<_> = super::bots::BOTS.iter().collect();
    assert_eq!(names.len(), super::bots::BOTS.len());
    assert!(names.iter().all(|name| name.len() >= 3 && **name == name.to_ascii_lowercase()));
    for name in names {
        for agent in [name.to_string(), format!("Mozilla {name}"), format!("{} x", name.to_ascii_uppercase())]
        {
            assert!(super::bots::is_known(&agent), "{agent}");
        }
        assert!(!super::bots::is_known(&name[..2]));
    }
}

#[test]
fn what_nobody_clicked_is_speculative() {
    for header in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("sec-purpose", "prefetch; anonymous-client-ip"),
        ("sec-purpose", "Prefetch"),
        ("purpose", "prefetch"),
        ("purpose", "preview"),
        ("x-purpose", "preview"),
        ("x-purpose", "prefetch"),
        ("x-moz", "prefetch"),
    ] {
        let headers = [header, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert_eq!(class(&headers), Class::Speculative, "{header:?}");
    }
    for header in [("sec-purpose", ""), ("purpose", "navigation"), ("x-moz", "preview"), ("purpose", "é")] {
        assert_eq!(class(&[header]), Class::Human, "{header:?}");
    }
}

#[test]
fn head_and_options_are_silent_whoever_asks() {
    for method in [Method::Head, Method::Options] {
        let mut visit = get(&[("user-agent", "Googlebot"), ("sec-purpose", "prefetch")]);
        visit.method = method;
        assert_eq!(DefaultClassifier::default().classify(&visit), Class::Silent);
    }
}

#[test]
fn frames_images_and_fetches_are_embedded() {
    for (mode, dest) in [
        ("navigate", "iframe"),
        ("navigate", "frame"),
        ("navigate", "fencedframe"),
        ("navigate", "object"),
        ("no-cors", "image"),
        ("no-cors", "script"),
        ("cors", "empty"),
        ("nested-navigate", "document"),
    ] {
        let headers = [("sec-fetch-mode", mode), ("sec-fetch-dest", dest)];
        assert_eq!(class(&headers), Class::Embedded, "{mode} {dest}");
    }
    assert_eq!(class(&[("sec-fetch-dest", "image")]), Class::Embedded);
}

#[test]
fn what_a_script_of_the_site_posts_is_its_users() {
    let mut visit = get(&[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")]);
    for method in [Method::Post, Method::Other] {
        visit.method = method;
        assert_eq!(DefaultClassifier::default().classify(&visit), Class::Human);
    }
}

#[test]
fn only_people_are_credited_and_only_people_and_bots_recorded() {
    for class in [Class::Human, Class::Bot, Class::Embedded, Class::Speculative, Class::Silent] {
        assert_eq!(class.is_credited(), class == Class::Human);
        assert_eq!(class.is_recorded(), matches!(class, Class::Human | Class::Bot));
    }
}

#[test]
fn hostile_headers_neither_panic_nor_take_long() {
    let long = "é".repeat(5_000_000);
    let mut visit = get(&[("user-agent", &long), ("sec-fetch-mode", &long), ("sec-purpose", &long)]);
    assert_eq!(DefaultClassifier::default().classify(&visit), Class::Embedded);
    visit.fetch = FetchMetadata::default();
    visit.agent = Some(format!("a{long}googlebot"));
    assert_eq!(DefaultClassifier::default().classify(&visit), Class::Human);
}

#[test]
fn a_closure_is_a_classifier_and_can_be_held_as_an_object() {
    let classifier: Box<dyn Classifier> = Box::new(|_: &Visit| Class::Silent);
    assert_eq!(classifier.classify(&Visit::default()), Class::Silent);
}

#[test]
fn methods_are_told_by_their_exact_names() {
    assert_eq!(Method::from_name("GET"), Method::Get);
    assert_eq!(Method::from_name("HEAD"), Method::Head);
    assert_eq!(Method::from_name("OPTIONS"), Method::Options);
    assert_eq!(Method::from_name("POST"), Method::Post);
    assert_eq!(Method::from_name("get"), Method::Other);
    assert_eq!(Method::from_name("DELETE"), Method::Other);
}

#[test]
fn who_it_was_does_not_show_in_debug() {
    let visit = Visit::new(Method::Get, "/invited/s3cret?email=lovelace@shop.example")
        .with_user(UserId::new("lovelace").unwrap())
        .with_user_since(Timestamp::from_millis(1))
        .with_origin("https", "shop.example")
        .with_address(ip("198.51.100.7"))
        .with_agent("Mozilla/5.0 (Lovelace)")
        .with_referrer("https://mail.example/x");
    let shown = format!("{visit:?}");
    for secret in ["s3cret", "lovelace", "198.51", "Mozilla", "mail.example"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("/invited/…"));
    assert_eq!(visit.visitor(), None);
}

#[test]
fn by_default_only_the_connected_peer_counts() {
    let found = ClientAddress::default().resolve(ip("10.0.0.1"), ["1.2.3.4"]);
    assert_eq!(found, ip("10.0.0.1"));
    assert_eq!(ClientAddress::default().header(), None);
    assert_eq!(proxied(Header::Forwarded).header(), Some("forwarded"));
    assert_eq!(proxied(Header::XForwardedFor).header(), Some("x-forwarded-for"));
}

#[test]
fn x_forwarded_for_is_walked_from_the_right_to_the_first_stranger() {
    for (peer, lines, client) in [
        ("203.0.113.5", &["1.2.3.4"][..], "203.0.113.5"),
        ("10.0.0.1", &[], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", &["127.0.0.1, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", &["6.6.6.6, 198.51.100.7, 10.0.0.9"], "198.51.100.7"),
        ("10.0.0.1", &["6.6.6.6", "198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
        ("10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
        ("10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", &["198.51.100.7, garbage"], "10.0.0.1"),
        ("10.0.0.1", &["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
        ("10.0.0.1", &[""], "10.0.0.1"),
        ("10.0.0.1", &[",,"], "10.0.0.1"),
        // Beyond the table of the notes
        ("::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
        ("fd00::1", &["2001:db8::7"], "2001:db8::7"),
        ("10.0.0.1", &["garbage, 10.2.2.2"], "10.2.2.2"),
        ("10.0.0.1", &["6.6.6.6, , 198.51.100.7, ,"], "198.51.100.7"),
        ("10.0.0.1", &["6.6.6.6", "", "198.51.100.7", ""], "198.51.100.7"),
        ("10.0.0.1", &["[2001:db8::7]"], "2001:db8::7"),
        ("10.0.0.1", &["fe80::7%eth0"], "fe80::7"),
        ("10.0.0.1", &["[fe80::7%eth0]:80"], "fe80::7"),
        ("10.0.0.1", &["[2001:db8::7]x"], "10.0.0.1"),
        ("10.0.0.1", &["[2001:db8::7]:99999"], "10.0.0.1"),
        ("10.0.0.1", &["[2001:db8::7"], "10.0.0.1"),
        ("10.0.0.1", &["unknown"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100"], "10.0.0.1"),
        ("10.0.0.1", &["for=198.51.100.7"], "10.0.0.1"),
        ("10.0.0.1", &["\t198.51.100.7 "], "198.51.100.7"),
    ] {
        assert_eq!(proxied(Header::XForwardedFor).resolve(ip(peer), lines), ip(client), "{peer} {lines:?}");
    }
}

#[test]
fn forwarded_is_walked_the_same_way() {
    for (line, client) in [
        ("for=198.51.100.7;proto=https, for=10.0.0.9", "198.51.100.7"),
        ("for=\"[2001:db8::7]:99\"", "2001:db8::7"),
        ("for=_hidden, for=unknown", "10.0.0.1"),
        // Beyond the table of the notes
        ("For=198.51.100.7", "198.51.100.7"),
        ("proto=https;for=198.51.100.7;by=10.0.0.1", "198.51.100.7"),
        ("for=\"198.51.100.7:4711\"", "198.51.100.7"),
        ("for=6.6.6.6, for=\"[::ffff:198.51.100.7]\"", "198.51.100.7"),
        ("for=198.51.100.7, for=_hidden", "10.0.0.1"),
        ("for=\"6.6.6.6, for=198.51.100.7", "198.51.100.7"),
        ("for=198.51.100.7, proto=https", "10.0.0.1"),
        ("198.51.100.7", "10.0.0.1"),
        ("for=", "10.0.0.1"),
        ("for=\"\"", "10.0.0.1"),
        ("for=[", "10.0.0.1"),
        ("for=]:", "10.0.0.1"),
    ] {
        assert_eq!(proxied(Header::Forwarded).resolve(ip("10.0.0.1"), [line]), ip(client), "{line}");
    }
}

#[test]
fn a_header_of_any_size_and_content_is_looked_at_from_its_end_and_never_panics() {
    let resolve = |line: &[u8]| proxied(Header::XForwardedFor).resolve(ip("10.0.0.1"), [line]);
    let padded = format!("{}, 198.51.100.7", "x".repeat(1_000_000));
    assert_eq!(resolve(padded.as_bytes()), ip("198.51.100.7"));
    // More hops than anybody has: the last good address.
    let hops = format!("198.51.100.7{}", ", 10.0.0.9".repeat(32));
    assert_eq!(resolve(hops.as_bytes()), ip("10.0.0.9"));
    let hops = format!("198.51.100.7{}", ", 10.0.0.9".repeat(31));
    assert_eq!(resolve(hops.as_bytes()), ip("198.51.100.7"));
    // Cut in the middle of 4198.51.100.7 the rest would look like an address.
    let cut = format!("4198.51.100.7{}", ",".repeat(4096 - "198.51.100.7".len()));
    assert_eq!(resolve(cut.as_bytes()), ip("10.0.0.1"));
    assert_eq!(resolve("é".repeat(5000).as_bytes()), ip("10.0.0.1"));
    assert_eq!(resolve(b"6.6.6.6, \xff\xfe"), ip("10.0.0.1"));
    assert_eq!(resolve(b"6.6.6.6, \xff, 198.51.100.7"), ip("198.51.100.7"));
}

#[test]
fn by_default_nothing_is_kept_of_an_address() {
    let now = Timestamp::from_millis(0);
    assert_eq!(AddressStorage::default().keep(Some(ip("198.51.100.7")), now), None);
    assert_eq!(AddressStorage::Masked.keep(None, now), None);
}

#[test]
fn a_masked_address_is_its_network() {
    let keep = |address| AddressStorage::Masked.keep(Some(ip(address)), Timestamp::from_millis(0)).unwrap();
    assert_eq!(keep("198.51.100.7").as_str(), "198.51.100.0/24");
    assert_eq!(keep("::ffff:198.51.100.7").as_str(), "198.51.100.0/24");
    assert_eq!(keep("2001:db8:1:2:3:4:5:6").as_str(), "2001:db8:1::/48");
    assert!(keep("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").as_str().len() <= 64);
}

#[test]
fn a_hashed_address_is_the_same_for_a_day_and_needs_the_key() {
    let storage = |byte| AddressStorage::Hashed(KeyRing::new(Key::new("k", [byte; 32]).unwrap()));
    let keep = |byte, address, at| {
        storage(byte).keep(Some(ip(address)), Timestamp::from_millis(at)).unwrap().as_str().to_owned()
    };
    let one = keep(1, "198.51.100.7", 0);
    assert_eq!(one.len(), 22);
    assert_eq!(one, keep(1, "::ffff:198.51.100.7", 86_399_999));
    assert_ne!(one, keep(1, "198.51.100.7", 86_400_000));
    assert_ne!(one, keep(1, "198.51.100.7", -1));
    assert_ne!(one, keep(1, "198.51.100.8", 0));
    assert_ne!(one, keep(2, "198.51.100.7", 0));
}
