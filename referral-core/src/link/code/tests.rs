//! What this module promises.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::link::draft::LinkDraft;
use crate::value::UserId;
use crate::value::{Code, CodeError};

fn draft() -> LinkDraft {
    LinkDraft::to("/").unwrap()
}

fn owned_by(owner: &str) -> LinkDraft {
    draft().with_owner(UserId::new(owner.to_owned()).unwrap())
}

fn labelled(label: &str) -> LinkDraft {
    draft().with_label(label.to_owned()).unwrap()
}

#[test]
fn every_text_outside_the_grammar_is_refused_with_its_reason() {
    assert_eq!(Code::new(""), Err(CodeError::Empty));
    assert_eq!(Code::new("a".repeat(65)), Err(CodeError::TooLong { length: 65 }));
    assert!(Code::new("a".repeat(64)).is_ok());
    assert_eq!(Code::new("ab c"), Err(CodeError::Symbol { position: 2, symbol: ' ' }));
    assert_eq!(Code::new("éa"), Err(CodeError::Symbol { position: 0, symbol: 'é' }));
    for symbol in ["/", "?", "#", "%", ".", "\0", "\n", "+", "&", "а", "𝐚"] {
        assert!(Code::new(format!("ab{symbol}")).is_err(), "{symbol:?}");
    }
    assert!(Code::new("_-").is_ok());
}

#[test]
fn a_chosen_code_has_at_least_three_symbols() {
    assert_eq!(Code::chosen("ab"), Err(CodeError::TooShort { length: 2 }));
    assert!(Code::chosen("abc").is_ok());
    assert_eq!(Code::chosen(""), Err(CodeError::Empty));
}

#[test]
fn look_alikes_fold_to_the_same_and_folding_twice_changes_nothing() {
    let fold = |code: &str| Code::new(code).unwrap().fold();
    assert_eq!(fold("PayPa1"), fold("paypal"));
    assert_eq!(fold("GOOGLE"), fold("g00g1e"));
    assert_eq!(fold("Iil1oO0"), "1111000");
    assert_ne!(fold("a-b"), fold("a_b"));
    for code in ["PayPa1", "x_-Y", "OIL"] {
        assert_eq!(fold(&fold(code)), fold(code));
    }
}

#[test]
fn a_code_shows_itself_and_reads_itself() {
    let code: Code = "Ada-2".parse().unwrap();
    assert_eq!(code.to_string(), "Ada-2");
    assert_eq!(format!("{code:>7}"), "  Ada-2");
    assert_eq!(Code::try_from("Ada-2".to_owned()).unwrap(), code);
    assert_eq!(String::from(code), "Ada-2");
}

#[test]
fn reserved_words_are_compared_folded() {
    let words = ReservedWords::default().with_word("Hello").with_fragment("Evil");
    for code in ["api", "API", "ap1", "Adm1n", "he110", "xev1lx", "EVIL"] {
        assert_eq!(words.check(&Code::new(code).unwrap()), Err(CodeError::Reserved), "{code}");
    }
    for code in ["apis", "hello2", "ev-il"] {
        assert_eq!(words.check(&Code::new(code).unwrap()), Ok(()), "{code}");
    }
    assert!(!ReservedWords::none().with_fragment("").with_word("").contains(&Code::new("api").unwrap()));
}

#[test]
fn the_default_alphabet_has_31_letters_that_fold_to_themselves() {
    assert_eq!(UNAMBIGUOUS.len(), 31);
    assert_eq!(UNAMBIGUOUS.chars().collect::<BTreeSet<_>>().len(), 31);
    assert_eq!(Code::new(UNAMBIGUOUS).unwrap().fold(), UNAMBIGUOUS);
    assert!(!UNAMBIGUOUS.contains(['0', 'o', '1', 'i', 'l', 'O', 'I']));
}

#[test]
fn random_codes_have_the_length_and_the_alphabet_they_were_asked_for() {
    for (generator, length) in [
        (RandomCode::default(), 10),
        (RandomCode::pinax(), 40),
        (RandomCode::new("ab", 64).unwrap(), 64),
        (RandomCode::new("-_", 1).unwrap(), 1),
    ] {
        for _ in 0..200 {
            let code = generator.draw();
            assert_eq!(code.as_str().len(), length);
            assert_eq!(Code::new(code.as_str()), Ok(code));
        }
    }
}

#[test]
fn random_codes_do_not_repeat() {
    let drawn: BTreeSet<Code> = (0..20_000).map(|_| RandomCode::default().draw()).collect();
    assert_eq!(drawn.len(), 20_000);
}

#[test]
fn every_symbol_of_an_alphabet_is_drawn_equally_often() {
    // 33 is the worst case of a power of two: nearly every second value is refused.
    for alphabet in [UNAMBIGUOUS, "abcdefghijklmnopqrstuvwxyz0123456", "abc"] {
        let generator = RandomCode::new(alphabet, 64).unwrap();
        let mut counts: BTreeMap<char, f64> = BTreeMap::new();
        for symbol in (0..4_000).flat_map(|_| generator.draw().as_str().chars().collect::<Vec<_>>()) {
            *counts.entry(symbol).or_default() += 1.0;
        }
        let expected = 256_000.0 / alphabet.len() as f64;
        assert_eq!(counts.len(), alphabet.len());
        let chi: f64 = counts.values().map(|count| (count - expected).powi(2) / expected).sum();
        // Far beyond the 99.9999 % quantile of chi squared with 32 degrees of freedom.
        assert!(chi < 110.0, "{alphabet}: {chi}");
    }
}

#[test]
fn an_alphabet_that_cannot_work_is_refused_when_it_is_made() {
    assert_eq!(RandomCode::new("", 5), Err(AlphabetError::TooFew { symbols: 0 }));
    assert_eq!(RandomCode::new("a", 5), Err(AlphabetError::TooFew { symbols: 1 }));
    assert_eq!(RandomCode::new("aba", 5), Err(AlphabetError::Repeated { symbol: 'a' }));
    assert_eq!(RandomCode::new("a/b", 5), Err(AlphabetError::Symbol { symbol: '/' }));
    assert_eq!(RandomCode::new("aé", 5), Err(AlphabetError::Symbol { symbol: 'é' }));
    assert_eq!(RandomCode::new("ab", 0), Err(AlphabetError::Length { length: 0 }));
    assert_eq!(RandomCode::new("ab", 65), Err(AlphabetError::Length { length: 65 }));
}

#[tokio::test]
async fn a_slug_is_the_label_in_plain_letters() {
    for (label, slug) in [
        ("Summer Sale!", "summer-sale"),
        ("  --Hello,   World--  ", "hello-world"),
        ("Crème brûlée", "creme-brulee"),
        ("Straße 7", "strasse-7"),
        ("Ada's İstanbul", "adas-istanbul"),
        ("100 % off", "100-off"),
        ("a/b?c#d", "a-b-c-d"),
    ] {
        assert_eq!(Slug::default().code(&labelled(label), 0).await.unwrap().as_str(), slug);
    }
}

#[tokio::test]
async fn namesakes_are_counted_and_then_told_apart_by_chance() {
    let of = async |attempt| Slug::default().code(&labelled("Sale"), attempt).await.unwrap().to_string();
    assert_eq!(of(0).await, "sale");
    assert_eq!(of(1).await, "sale-2");
    assert_eq!(of(3).await, "sale-4");
    let (one, other) = (of(4).await, of(4).await);
    assert!(one.starts_with("sale-") && one.len() == "sale-".len() + 6, "{one}");
    assert_ne!(one, other);
    assert_ne!(of(u32::MAX).await, of(u32::MAX).await);
}

#[tokio::test]
async fn a_label_without_letters_gets_a_random_code_and_a_short_one_a_suffix() {
    for label in ["", "!!!", "東京", "---", "🎉"] {
        assert_eq!(Slug::default().code(&labelled(label), 0).await.unwrap().as_str().len(), 10, "{label}");
    }
    let short = Slug::default().code(&labelled("ab"), 0).await.unwrap();
    assert!(short.as_str().starts_with("ab-") && short.as_str().len() == 9, "{short}");
}

#[tokio::test]
async fn whatever_users_are_called_their_code_obeys_the_grammar() {
    let long = "x".repeat(128);
    for owner in
        ["Ada", "ada@shop.example", "a b/c", "%2e%2e", "é", "..", "日本", "0", "-", &long, "Ⅷ", "İ", "ß"]
    {
        for attempt in [0, 1, 2, 3, 4, 5, 1000, u32::MAX] {
            let code = PerOwner::default().code(&owned_by(owner), attempt).await.unwrap();
            assert!(Code::chosen(code.as_str()).is_ok(), "{owner:?} {attempt} {code}");
        }
    }
    assert_eq!(PerOwner::default().code(&owned_by("Ada"), 0).await.unwrap().as_str(), "ada");
    assert_eq!(PerOwner::default().code(&owned_by("Ada"), 1).await.unwrap().as_str(), "ada-2");
}

#[tokio::test]
async fn a_link_without_an_owner_gets_a_random_code() {
    let generator = PerOwner::with_fallback(RandomCode::new("ab", 20).unwrap());
    assert_eq!(generator.code(&draft(), 0).await.unwrap().as_str().len(), 20);
    let generator = Slug::with_fallback(RandomCode::new("ab", 20).unwrap());
    assert_eq!(generator.code(&draft(), 0).await.unwrap().as_str().len(), 20);
}

#[tokio::test]
async fn a_closure_is_a_generator_and_its_mistakes_are_typed() {
    async fn ask(generator: impl CodeGenerator, attempt: u32) -> Result<Code, GeneratorError> {
        generator.code(&owned_by("ada"), attempt).await
    }
    let code = ask(|_: &LinkDraft, attempt| Ok(Code::new(format!("x{attempt}"))?), 7).await.unwrap();
    assert_eq!(code.as_str(), "x7");
    let bad = ask(|_: &LinkDraft, _| Ok(Code::new("no good")?), 0).await.unwrap_err();
    assert!(matches!(bad, GeneratorError::Code(CodeError::Symbol { position: 2, .. })));
    let failed = ask(|_: &LinkDraft, _| Err(GeneratorError::new("printer on fire")), 0).await.unwrap_err();
    assert!(!failed.to_string().contains("fire"));
    assert_eq!(std::error::Error::source(&failed).unwrap().to_string(), "printer on fire");
}

#[tokio::test]
async fn a_generator_can_be_held_as_an_object() {
    let generators: Vec<std::sync::Arc<dyn CodeGenerator>> = vec![
        std::sync::Arc::new(RandomCode::default()),
        std::sync::Arc::new(Slug::default()),
        std::sync::Arc::new(PerOwner::default()),
        std::sync::Arc::new(|_: &LinkDraft, _| Ok(Code::new("fixed")?)),
    ];
    for generator in generators {
        assert!(generator.code(&draft(), 0).await.is_ok());
    }
}
