//! Whatever a visitor sends: nothing forged is accepted, nothing panics, nothing answers 5xx.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Request};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::common::*;

/// The counts of the gate.
#[derive(Default, Debug)]
struct Count {
    sent: usize,
    accepted: usize,
    cleared: usize,
    errors: usize,
}

async fn try_token(site: &Site, count: &mut Count, token: &[u8]) {
    let mut cookie = format!("{COOKIE}=").into_bytes();
    cookie.extend_from_slice(token);
    // Control characters cannot get into a header at all.
    let Ok(value) = HeaderValue::from_bytes(&cookie) else { return };
    let request = Request::get("/who").header("cookie", value).body(Body::empty()).unwrap();
    let answer = site.browser().take(request).await;
    count.sent += 1;
    count.errors += usize::from(answer.status.is_server_error());
    count.accepted += usize::from(answer.body != "- -");
    count.cleared += usize::from(answer.clears());
}

#[tokio::test]
async fn of_10_000_random_and_10_000_bit_flipped_tokens_none_is_accepted() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut browser = site.browser();
    browser.get("/r/spring").await;
    let good = browser.cookies[COOKIE].clone().into_bytes();
    assert_ne!(browser.get("/who").await.body, "- -");

    let mut random = StdRng::seed_from_u64(0x5eed);
    let mut count = Count::default();
    while count.sent < 10_000 {
        let length = random.random_range(0..400);
        let visible = random.random_bool(0.8);
        let mut token: Vec<u8> = (0..length)
            .map(|_| if visible { random.random_range(0x21..0x7f) } else { random.random() })
            .collect();
        if random.random_bool(0.5) {
            // In the shape of a token, so that more than its first look is tried.
            token.splice(0..0, *b"v1.");
            let kid = good.split(|byte| *byte == b'.').nth(1).unwrap();
            token.splice(3..3, kid.iter().copied().chain(*b"."));
        }
        try_token(&site, &mut count, &token).await;
    }
    println!("random: {count:?}");
    assert_eq!((count.accepted, count.errors), (0, 0));

    let mut count = Count::default();
    while count.sent < 10_000 {
        let mut token = good.clone();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..token.len());
            token[at] ^= 1 << random.random_range(0..8);
        }
        if token == good {
            continue;
        }
        try_token(&site, &mut count, &token).await;
    }
    println!("bit-flipped: {count:?}");
    assert_eq!((count.accepted, count.errors), (0, 0));
    // A flip to `;` ends the value, and then what is left is still ours and still cleared.
    assert_eq!(count.cleared, count.sent);
}

const CHARACTERS: [&[u8]; 9] = [
    b"\xff\xfe",
    b"\x80",
    b"\t",
    b"\"'<>\\",
    b"%0d%0aSet-Cookie:%20a=b",
    b"%00",
    b"../..//",
    b";,=&?#",
    "é🦀".as_bytes(),
];

#[tokio::test]
async fn hostile_headers_never_answer_5xx() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut values: Vec<Vec<u8>> = CHARACTERS.iter().map(|bytes| bytes.to_vec()).collect();
    values.extend([
        vec![],
        vec![b'a'; 100_000],
        b";".repeat(50_000),
        b",".repeat(50_000),
        b"=;".repeat(20_000),
    ]);
    values.push(format!("{COOKIE}=x; ").repeat(2000).into_bytes());
    values.push("é".repeat(40_000).into_bytes());
    let names = [
        "cookie",
        "user-agent",
        "referer",
        "host",
        "origin",
        "accept",
        "content-type",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "sec-fetch-site",
        "sec-fetch-mode",
        "sec-fetch-dest",
        "sec-purpose",
        "purpose",
        "x-moz",
        "x-purpose",
        "content-length",
        "range",
        "if-none-match",
    ];
    let targets = [
        ("GET", "/r/spring"),
        ("HEAD", "/r/spring"),
        ("GET", "/p?ref=spring"),
        ("POST", "/r"),
        ("GET", "/r"),
        ("PATCH", "/r/x"),
    ];
    let (mut sent, mut errors) = (0, 0);
    for name in names {
        for value in &values {
            for (method, uri) in targets {
                let Ok(value) = HeaderValue::from_bytes(value) else { continue };
                let request = Request::builder()
                    .method(method)
                    .uri(uri)
                    .header(HeaderName::from_static(name), value)
                    .header("x-user", "ada")
                    .body(Body::from("redirect_to=/"))
                    .unwrap();
                let answer = site.browser().take(request).await;
                sent += 1;
                errors += usize::from(answer.status.is_server_error());
            }
        }
    }
    println!("hostile headers: {sent} requests, {errors} × 5xx");
    assert_eq!(errors, 0);
    assert!(sent > 1000);
}

#[tokio::test]
async fn hostile_codes_and_queries_never_answer_an_error_to_a_visitor() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut random = StdRng::seed_from_u64(7);
    let mut codes: Vec<String> = [
        "%",
        "%zz",
        "%ff",
        "%00",
        "%2F",
        "%2f%2fevil.example",
        "..",
        "%2e%2e",
        "a%0d%0ab",
        "%E2%80%AE",
        "'",
        "spring%20",
        "spring;x=1",
        "SPRING",
        "-",
        "_",
        "{code}",
        "%7Bcode%7D",
        "*",
        "null",
        "undefined",
        "0",
        "%F0%9F%A6%80",
    ]
    .map(str::to_owned)
    .into();
    codes.push("x".repeat(60_000));
    for _ in 0..2000 {
        let length = random.random_range(1..80);
        codes.push((0..length).map(|_| char::from(random.random_range(0x21..0x7f_u8))).collect());
    }
    let (mut sent, mut odd) = (0, 0);
    for code in &codes {
        for uri in [
            format!("/r/{code}"),
            format!("/r/spring?redirect_to={code}"),
            format!("/r/spring?{code}"),
            format!("/p?ref={code}"),
            format!("/p?{code}&affiliate_id={code}"),
            format!("/p/{code}?ref=spring"),
        ] {
            let Ok(request) = Request::get(&uri).body(Body::empty()) else { continue };
            // What begins with `?` or `#` is no code, but a question about one's own links.
            if request.uri().path().trim_end_matches('/') == "/r" {
                continue;
            }
            let answer = site.browser().take(request).await;
            sent += 1;
            odd += usize::from(answer.status != 302 && answer.status != 200);
        }
    }
    println!("hostile codes and queries: {sent} requests, {odd} neither 200 nor 302");
    assert_eq!(odd, 0);
    assert!(sent > 5000);
}

#[tokio::test]
async fn a_landing_never_leaves_the_site_whatever_its_query_says() {
    let site = Site::new();
    site.link("spring", "/sale").await;
    let mut random = StdRng::seed_from_u64(11);
    let pieces = [
        "/",
        "//",
        "\\",
        "%5C",
        "evil.example",
        "@",
        ":",
        "https:",
        "http://",
        "shop.example",
        "%09",
        "%0a",
        "?",
        "#",
        ".",
        "%2F",
        "javascript:",
    ];
    for _ in 0..5000 {
        let to: String =
            (0..random.random_range(1..6)).map(|_| pieces[random.random_range(0..pieces.len())]).collect();
        let Ok(request) = Request::get(format!("/r/spring?redirect_to={to}")).body(Body::empty()) else {
            continue;
        };
        let answer = site.browser().take(request).await;
        for base in ["https://shop.example/", "http://shop.example/"] {
            let to = url::Url::parse(base).unwrap().join(answer.location()).unwrap();
            assert_eq!(to.host_str(), Some("shop.example"), "{to}");
        }
    }
}

#[tokio::test]
async fn a_visitor_without_anything_is_served() {
    let site = Site::new();
    site.clock.advance(Duration::from_secs(1));
    let request = Request::builder().uri("*").method("OPTIONS").body(Body::empty()).unwrap();
    assert!(!site.browser().take(request).await.status.is_server_error());
    assert_eq!(site.browser().get("/").await.body, "/");
}
