//! Starting the program: what it says, and what it refuses to start with.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by a panic, and its helpers are nobody's API"
)]

mod common;

use std::io::Write as _;
use std::net::TcpStream;

use common::{Shop, program};

fn refused(name: &str, value: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = program(folder.path()).env(name, value).output().unwrap();
    assert!(!output.status.success(), "{name}={value}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{name}={value} left something behind");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn what_comes_later_and_what_is_wrong_is_said_in_one_line() {
    for url in ["postgres://u:s3cret@h/d", "mysql://u:s3cret@h/d", "mongodb://u:s3cret@h", "sled://dir"] {
        let said = refused("DATABASE_URL", url);
        assert!(said.contains("comes with the next release") && said.contains("sqlite://"), "{said}");
        assert!(!said.contains("s3cret") && said.lines().count() == 1, "{said}");
    }
    assert!(refused("DATABASE_URL", "nonsense").contains("DATABASE_URL"));
    assert!(refused("PORT", "http").contains("PORT"));
    assert!(refused("HOST", "shop.example").contains("HOST"));
    assert!(refused("INSECURE_COOKIES", "yes").contains("INSECURE_COOKIES"));
    assert!(refused("REFERRAL_KEYS", "nonsense").contains("REFERRAL_KEYS"));
}

#[tokio::test]
async fn the_first_start_needs_nothing_and_keeps_its_keys_private() {
    let shop = Shop::open();
    shop.visitor().get("/").await.is(200).says("slow mornings");
    let folder = shop.close();
    let keys = std::fs::metadata(folder.path().join("storefront.keys")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(keys.permissions().mode() & 0o777, 0o600);
    }
    // Closed in good order, SQLite leaves one file behind.
    assert!(folder.path().join("storefront.db").exists());
    assert!(!folder.path().join("storefront.db-wal").exists());
}

#[tokio::test]
async fn links_carry_the_public_url_and_plain_cookies_work_where_they_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let env =
        [("DATABASE_URL", "memory:"), ("INSECURE_COOKIES", "1"), ("PUBLIC_URL", "http://192.0.2.7:3000")];
    // The first line shows the public URL, so the address comes from a line below.
    let mut command = program(folder.path());
    let mut child = command.envs(env).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert!(lines.next().unwrap().unwrap().ends_with("http://192.0.2.7:3000"));
    let listening = lines.map(Result::unwrap).find(|line| line.contains("listening")).unwrap();
    let mut ada = common::Visitor::of(&format!("http://{}", listening.split_whitespace().last().unwrap()));
    ada.sign_up("ada").await;
    assert!(ada.cookies.contains_key("session"), "{:?}", ada.cookies);
    let link = ada.link(&[("code", "ada-tea")]).await;
    assert_eq!(link["url"], "http://192.0.2.7:3000/r/ada-tea");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A head without an end, a body without an end, an idle connection and one that never said anything.
#[tokio::test]
async fn it_closes_when_it_is_asked_to_whatever_is_half_sent() {
    let shop = Shop::in_memory();
    shop.visitor().get("/").await.is(200);
    let address = shop.url.trim_start_matches("http://");
    let half: Vec<_> = [
        "",
        "GET / HTTP/1.1\r\nHost: shop",
        "POST /signup HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\nusername=a",
        "POST /checkout HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n5\r\norder",
    ]
    .iter()
    .map(|half| {
        let mut connection = TcpStream::connect(address).unwrap();
        connection.write_all(half.as_bytes()).unwrap();
        connection
    })
    .collect();
    // The shop has met all of them when it answers one that came later.
    shop.visitor().get("/").await.is(200);
    shop.close();
    drop(half);
}

#[test]
fn help_says_what_can_be_set_and_a_misspelt_argument_opens_no_shop() {
    let folder = tempfile::tempdir().unwrap();
    let output = program(folder.path()).arg("--help").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("DATABASE_URL") && said.contains("sqlite://"), "{said}");
    let output = program(folder.path()).arg("--prot=80").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// A line for each request, into a file without colours; and no request ends because nobody reads the log.
#[tokio::test]
async fn each_request_is_logged_and_a_log_that_nobody_reads_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut command = program(folder.path());
    command.env("DATABASE_URL", "memory:").stderr(std::fs::File::create(&log).unwrap());
    let shop = Shop::start(command, tempfile::tempdir().unwrap());
    shop.visitor().get("/products/7?token=secret").await.is(200);
    shop.close();
    let said = std::fs::read_to_string(log).unwrap();
    let line = said.lines().find(|line| line.contains("/products/7")).unwrap();
    assert!(line.contains("GET") && line.contains("200"), "{line}");
    assert!(!said.contains("secret") && !said.contains('\u{1b}'), "{said}");

    let mut command = program(folder.path());
    // Nothing can be written there, ever.
    command
        .env("DATABASE_URL", "memory:")
        .stderr(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let shop = Shop::start(command, tempfile::tempdir().unwrap());
    for _ in 0..3 {
        shop.visitor().get("/").await.is(200);
    }
    shop.close();
}
