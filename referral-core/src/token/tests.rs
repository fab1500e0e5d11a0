//! What this module promises.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use uuid::Uuid;

use super::*;
use crate::link::LinkId;
use crate::value::{Timestamp, VisitorId};
use crate::visit::ResponseId;

const NOW: Timestamp = Timestamp::from_millis(1_750_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn key(id: &str, byte: u8) -> Key {
    Key::new(id, vec![byte; 32]).unwrap()
}

fn ring() -> KeyRing {
    KeyRing::new(key("k1", 1))
}

fn signer() -> TokenSigner {
    TokenSigner::new(&ring(), Purpose::Visitor, "__Host-referral")
}

fn plain() -> Token {
    Token::new(VisitorId::from_uuid(Uuid::from_u128(7)), NOW, 30 * DAY)
}

fn touched() -> Token {
    plain().with_last(LastTouch {
        link: LinkId::from_uuid(Uuid::from_u128(u128::MAX)),
        response: ResponseId::from_uuid(Uuid::from_u128(9)),
        at: NOW,
    })
}

#[test]
fn what_was_signed_is_read_back() {
    for token in [plain(), touched()] {
        let verified = signer().verify(&signer().sign(&token), NOW).unwrap();
        assert_eq!((verified.token, verified.stale_key), (token, false));
    }
}

#[test]
fn the_longest_token_is_under_200_bytes_and_safe_in_a_cookie_and_a_url() {
    let keys = KeyRing::new(key("sixteen-symbols-", 1));
    let text = TokenSigner::new(&keys, Purpose::Portable, &"x".repeat(1000)).sign(&touched());
    assert!(text.len() < 200, "{}", text.len());
    assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{text}");
}

#[test]
fn the_format_does_not_change_by_accident() {
    // Computed apart from this crate, after RFC 5869 and RFC 2104.
    let payload = "AAAAAAAAAAAAAAAAAAAABwAAAZd0INwAAAABmA6fpAA";
    let mac = "9K_SjpZzqPfizRDMI3luFpgCVJdKJj1zNvcppYKCGI8";
    assert_eq!(signer().sign(&plain()), format!("v1.k1.{payload}.{mac}"));
}

#[test]
fn a_token_is_worth_nothing_for_another_purpose_audience_or_secret() {
    let text = signer().sign(&touched());
    for purpose in Purpose::ALL.iter().copied().filter(|purpose| *purpose != Purpose::Visitor) {
        let other = TokenSigner::new(&ring(), purpose, "__Host-referral");
        assert_eq!(other.verify(&text, NOW), Err(TokenError::Signature), "{purpose:?}");
    }
    for audience in ["", "referral", "__Host-referral2", "__host-referral"] {
        let other = TokenSigner::new(&ring(), Purpose::Visitor, audience);
        assert_eq!(other.verify(&text, NOW), Err(TokenError::Signature), "{audience}");
    }
    let other = TokenSigner::new(&KeyRing::new(key("k1", 2)), Purpose::Visitor, "__Host-referral");
    assert_eq!(other.verify(&text, NOW), Err(TokenError::Signature));
}

#[test]
fn a_key_id_cannot_be_swapped() {
    let keys = ring().with_retired(key("k2", 1), None).unwrap();
    let signer = TokenSigner::new(&keys, Purpose::Visitor, "a");
    let text = signer.sign(&plain()).replacen("k1", "k2", 1);
    // The same secret under another id: only the signed id tells them apart.
    assert_eq!(signer.verify(&text, NOW), Err(TokenError::Signature));
}

#[test]
fn a_token_lives_from_five_minutes_before_it_was_issued_until_it_expires() {
    let text = signer().sign(&plain());
    let end = NOW.saturating_add(30 * DAY);
    let millisecond = Duration::from_millis(1);
    assert!(signer().verify(&text, end.saturating_sub(millisecond)).is_ok());
    assert_eq!(signer().verify(&text, end), Err(TokenError::Expired));
    let early = NOW.saturating_sub(Duration::from_secs(300));
    assert!(signer().verify(&text, early).is_ok());
    let earlier = early.saturating_sub(millisecond);
    assert_eq!(signer().verify(&text, earlier), Err(TokenError::FromTheFuture));
}

#[test]
fn clocks_at_the_end_of_time_do_not_panic() {
    for now in [i64::MIN, -1, 0, i64::MAX].map(Timestamp::from_millis) {
        let token = Token::new(plain().visitor, now, Duration::MAX);
        for then in [i64::MIN, -1, 0, i64::MAX].map(Timestamp::from_millis) {
            let _ = signer().verify(&signer().sign(&token), then);
        }
    }
}

#[test]
fn an_old_key_verifies_until_it_retires_and_asks_to_be_replaced() {
    let text = signer().sign(&plain());
    let retires = NOW.saturating_add(DAY);
    let keys = ring().rotated(key("k2", 2), retires).unwrap();
    assert_eq!(keys.current_id(), "k2");
    let signer = TokenSigner::new(&keys, Purpose::Visitor, "__Host-referral");
    let verified = signer.verify(&text, NOW).unwrap();
    assert!(verified.stale_key);
    let again = signer.sign(&verified.token);
    assert!(again.starts_with("v1.k2."));
    assert!(!signer.verify(&again, NOW).unwrap().stale_key);
    assert!(signer.verify(&text, retires.saturating_sub(Duration::from_millis(1))).is_ok());
    assert_eq!(signer.verify(&text, retires), Err(TokenError::RetiredKey));
    let gone = TokenSigner::new(&KeyRing::new(key("k3", 3)), Purpose::Visitor, "__Host-referral");
    assert_eq!(gone.verify(&text, NOW), Err(TokenError::UnknownKey));
}

#[test]
fn malformed_texts_are_refused_with_their_reason() {
    let good = signer().sign(&plain());
    let parts: Vec<&str> = good.split('.').collect();
    let (payload, mac) = (parts[2], parts[3]);
    for (text, error) in [
        (String::new(), TokenError::Empty),
        ("x".repeat(513), TokenError::TooLong { length: 513 }),
        ("x".repeat(100_000), TokenError::TooLong { length: 100_000 }),
        ("v1.k1.é.x".to_owned(), TokenError::Shape),
        ("v1".to_owned(), TokenError::Shape),
        (format!("v1.k1.{payload}"), TokenError::Shape),
        (format!("{good}."), TokenError::Shape),
        (format!("{good}.x"), TokenError::Shape),
        (format!("v2.k1.{payload}.{mac}"), TokenError::Version),
        (format!("V1.k1.{payload}.{mac}"), TokenError::Version),
        (format!(" {good}"), TokenError::Version),
        (format!("v1..{payload}.{mac}"), TokenError::UnknownKey),
        (format!("v1.k9.{payload}.{mac}"), TokenError::UnknownKey),
        (format!("v1.k1.{payload}=.{mac}"), TokenError::Encoding),
        (format!("v1.k1.{payload}.{mac}="), TokenError::Encoding),
        (format!("v1.k1.{payload}.{mac} "), TokenError::Encoding),
        (format!("v1.k1.{}.{mac}", "A".repeat(400)), TokenError::Encoding),
        (format!("v1.k1.+/.{mac}"), TokenError::Encoding),
        (format!("v1.k1..{mac}"), TokenError::Signature),
        (format!("v1.k1.{payload}."), TokenError::Signature),
        (format!("v1.k1.{payload}.AAAA"), TokenError::Signature),
        (format!("v1.k1.{mac}.{payload}"), TokenError::Signature),
    ] {
        assert_eq!(signer().verify(&text, NOW), Err(error), "{text}");
    }
}

#[test]
fn there_is_one_text_only_for_a_token() {
    let good = signer().sign(&plain());
    // 32 bytes leave two bits over in the last symbol: the other three spellings of
    // the same bytes must be refused, in the payload as in the signature.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let payload_end = good.rfind('.').unwrap() - 1;
    for at in [payload_end, good.len() - 1] {
        for symbol in alphabet.chars() {
            let mut text = good.clone();
            text.replace_range(at..=at, &symbol.to_string());
            assert_eq!(signer().verify(&text, NOW).is_ok(), text == good);
        }
    }
}

#[test]
fn of_10_000_bit_flips_and_10_000_random_texts_none_is_accepted_and_none_panics() {
    let mut rng = StdRng::seed_from_u64(20_260_801);
    let signer = signer();
    for round in 0..10_000 {
        let token = if round % 2 == 0 { plain() } else { touched() };
        let mut bytes = signer.sign(&token).into_bytes();
        let bit = rng.random_range(0..bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(signer.verify(&String::from_utf8_lossy(&bytes), NOW).is_err(), "bit {bit}");
    }
    for round in 0..10_000 {
        let mut noise = vec![0_u8; rng.random_range(0..200)];
        rng.fill_bytes(&mut noise);
        let text = match round % 3 {
            0 => String::from_utf8_lossy(&noise).into_owned(),
            1 => format!("v1.k1.{}", URL_SAFE_NO_PAD.encode(&noise)),
            _ => {
                let mut mac = [0_u8; 32];
                rng.fill_bytes(&mut mac);
                noise.truncate(72);
                format!("v1.k1.{}.{}", URL_SAFE_NO_PAD.encode(&noise), URL_SAFE_NO_PAD.encode(mac))
            }
        };
        assert!(signer.verify(&text, NOW).is_err(), "{text}");
    }
}

#[test]
fn every_prefix_and_every_deletion_of_a_token_is_refused() {
    let good = signer().sign(&touched());
    for at in 0..good.len() {
        assert!(signer().verify(&good[..at], NOW).is_err());
        let mut text = good.clone();
        text.remove(at);
        assert!(signer().verify(&text, NOW).is_err());
    }
}

#[test]
fn random_tokens_survive_the_round_trip() {
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..2_000 {
        let mut token = Token::new(VisitorId::from_uuid(Uuid::from_u128(rng.random())), NOW, DAY);
        if rng.random() {
            token = token.with_last(LastTouch {
                link: LinkId::from_uuid(Uuid::from_u128(rng.random())),
                response: ResponseId::from_uuid(Uuid::from_u128(rng.random())),
                at: Timestamp::from_millis(rng.random()),
            });
        }
        assert_eq!(signer().verify(&signer().sign(&token), NOW).unwrap().token, token);
    }
}

#[test]
fn a_ring_is_read_as_it_was_written() {
    let keys = ring()
        .with_retired(key("old", 2), Timestamp::from_millis(5))
        .unwrap()
        .with_retired(key("older", 3), None)
        .unwrap();
    let text = keys.reveal();
    assert_eq!(text.lines().count(), 3);
    assert!(text.lines().nth(1).unwrap().ends_with("@5"));
    assert_eq!(KeyRing::parse(&text).unwrap(), keys);
    assert_eq!(KeyRing::parse(&text.replace('\n', ",")).unwrap(), keys);
    assert_eq!(KeyRing::parse(&text.replace('\n', ",\r\n ")).unwrap(), keys);
    assert_ne!(KeyRing::parse(&text).unwrap(), ring());
}

#[test]
fn a_ring_that_cannot_be_meant_is_refused() {
    let secret = "A".repeat(43);
    for (text, error) in [
        ("".to_owned(), KeyError::None),
        (" ,\n".to_owned(), KeyError::None),
        ("k1".to_owned(), KeyError::Text { position: 1 }),
        (format!("k1:{secret}@5"), KeyError::Retired),
        (format!("k1:{secret},k2:{secret}@soon"), KeyError::Text { position: 2 }),
        (format!("k1:{secret},k1:{secret}"), KeyError::Repeated { id: "k1".to_owned() }),
        (format!(":{secret}"), KeyError::Id),
        (format!("seventeen-symbols:{secret}"), KeyError::Id),
        (format!("k.1:{secret}"), KeyError::Id),
        (format!("k1:{secret}="), KeyError::Base64 { position: 1 }),
        ("k1:AAAA".to_owned(), KeyError::Secret { bytes: 3 }),
        (format!("k1:{}", "A".repeat(2000)), KeyError::Secret { bytes: 1500 }),
    ] {
        assert_eq!(KeyRing::parse(&text), Err(error), "{text}");
    }
    let many: String = (0..17).map(|n| format!("k{n}:{secret} ")).collect();
    assert_eq!(KeyRing::parse(&many), Err(KeyError::TooMany { keys: 17 }));
}

#[test]
fn generated_keys_differ_and_are_well_formed() {
    let (one, other) = (KeyRing::generate().unwrap(), KeyRing::generate().unwrap());
    assert_ne!(one, other);
    assert_ne!(one.current_id(), other.current_id());
    assert_eq!(KeyRing::parse(&one.reveal()).unwrap(), one);
}

#[test]
fn secrets_show_neither_in_debug_nor_in_errors() {
    let keys = KeyRing::new(Key::new("k1", *b"SECRETSECRETSECRETSECRETSECRETSE").unwrap());
    let shown = format!("{keys:?} {:?}", TokenSigner::new(&keys, Purpose::Visitor, "a"));
    assert!(shown.contains("k1") && !shown.contains("SECRET") && !shown.contains("83, 69"), "{shown}");
    let wrong = KeyRing::parse("k1:U0VDUkVU!").unwrap_err();
    assert!(!format!("{wrong} {wrong:?}").contains("U0VD"));
}

#[test]
fn keyed_hashes_depend_on_purpose_key_and_the_borders_between_parts() {
    let hash = |purpose, parts: &[&[u8]]| ring().mac(purpose, parts);
    let one = hash(Purpose::Invitation, &[b"ab", b"c"]);
    assert_eq!(one, hash(Purpose::Invitation, &[b"ab", b"c"]));
    assert_ne!(one, hash(Purpose::Invitation, &[b"a", b"bc"]));
    assert_ne!(one, hash(Purpose::Invitation, &[b"abc"]));
    assert_ne!(one, hash(Purpose::Invitation, &[b"ab", b"c", b""]));
    assert_ne!(one, hash(Purpose::InvitedAddress, &[b"ab", b"c"]));
    assert_ne!(one, KeyRing::new(key("k1", 2)).mac(Purpose::Invitation, &[b"ab", b"c"]));
}

#[test]
fn hashes_made_before_a_rotation_can_still_be_found_until_the_key_retires() {
    let before = ring().mac(Purpose::InvitedAddress, &[b"x"]);
    let retires = NOW.saturating_add(DAY);
    let keys = ring().rotated(key("k2", 2), retires).unwrap();
    let now = keys.macs(Purpose::InvitedAddress, &[b"x"], NOW);
    assert_eq!(now, [keys.mac(Purpose::InvitedAddress, &[b"x"]), before]);
    assert_eq!(keys.macs(Purpose::InvitedAddress, &[b"x"], retires).len(), 1);
}

#[test]
fn a_keyed_hash_of_the_same_parts_is_no_signature() {
    let payload = URL_SAFE_NO_PAD.decode(signer().sign(&plain()).split('.').nth(2).unwrap()).unwrap();
    let parts: [&[u8]; 6] = [b"token", b"v1", b"visitor", b"__Host-referral", b"k1", &payload];
    let hash = ring().mac(Purpose::Visitor, &parts);
    let text = format!("v1.k1.{}.{}", URL_SAFE_NO_PAD.encode(&payload), URL_SAFE_NO_PAD.encode(hash));
    assert_eq!(signer().verify(&text, NOW), Err(TokenError::Signature));
}

#[test]
fn subkeys_and_signatures_are_the_standard_ones() {
    let mut subkey = [0_u8; 32];
    hkdf::Hkdf::<sha2::Sha256>::new(Some(b"referral keys v1"), &[1; 32])
        .expand(b"form", &mut subkey)
        .unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&subkey).unwrap();
    mac.update(&[0, 0, 0, 0, 0, 0, 0, 7]);
    mac.update(b"hash v1");
    mac.update(&[0, 0, 0, 0, 0, 0, 0, 2]);
    mac.update(b"ab");
    let expected: [u8; 32] = mac.finalize().into_bytes().into();
    assert_eq!(ring().mac(Purpose::Form, &[b"ab"]), expected);
}

#[test]
fn purposes_have_names_of_their_own() {
    let labels: std::collections::BTreeSet<_> = Purpose::ALL.iter().map(|purpose| purpose.label()).collect();
    assert_eq!(labels.len(), Purpose::ALL.len());
}
