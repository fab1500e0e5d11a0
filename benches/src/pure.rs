//! What needs no disk: codes, tokens, and links that are cached.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use referral_core::link::RandomCode;
use referral_core::source::{Clock, SystemClock};
use referral_core::store::Store;
use referral_core::token::{LastTouch, Purpose, Token, TokenSigner};
use referral_core::{Code, KeyRing, Link, LinkDraft, LinkId, Referrals, ResponseId, VisitorId};
use sha2::Sha256;
use uuid::Uuid;

use crate::measure::{Failure, Line, Rounds, Turn, compare, durability};

const TURN: Duration = Duration::from_millis(50);

/// Makes codes of 10 and of 40 symbols. Theirs draws as many random bytes from the same generator, without an alphabet.
pub(crate) async fn code(rounds: Rounds) -> Result<Vec<Line>, Failure> {
    let short = code_of::<10>("code-10", &RandomCode::default(), rounds).await?;
    let long = code_of::<40>("code-40", &RandomCode::pinax(), rounds).await?;
    Ok(vec![short, long])
}

async fn code_of<const N: usize>(
    case: &'static str,
    codes: &RandomCode,
    rounds: Rounds,
) -> Result<Line, Failure> {
    let ours = |often: u32| -> Turn<'_> {
        Box::pin(async move {
            for _ in 0..often {
                black_box(codes.draw());
            }
            Ok(())
        })
    };
    let theirs = |often: u32| -> Turn<'_> {
        Box::pin(async move {
            for _ in 0..often {
                let mut noise = [0_u8; N];
                rand::rng().fill_bytes(&mut noise);
                black_box(noise);
            }
            Ok(())
        })
    };
    Ok(compare(rounds, TURN, &ours, &theirs).await?.as_time(case, "none", "none"))
}

/// Signs and verifies a token with a touch. Theirs computes HMAC-SHA256 of the same bytes, once to sign and once to
/// verify, with a key that is prepared as far as the bytes are known before.
pub(crate) async fn token(rounds: Rounds) -> Result<Vec<Line>, Failure> {
    const AUDIENCE: &str = "__Host-referral";
    let keys = KeyRing::generate()?;
    let signer = TokenSigner::new(&keys, Purpose::Visitor, AUDIENCE);
    let now = SystemClock.now();
    let last = LastTouch {
        link: LinkId::from_uuid(Uuid::now_v7()),
        response: ResponseId::from_uuid(Uuid::now_v7()),
        at: now,
    };
    let visitor = VisitorId::from_uuid(Uuid::now_v7());
    let token = Token::new(visitor, now, Duration::from_secs(90 * 86_400)).with_last(last);
    let (signer, token) = (&signer, &token);
    let ours = |often: u32| -> Turn<'_> {
        Box::pin(async move {
            for _ in 0..often {
                let text = signer.sign(black_box(token));
                black_box(signer.verify(&text, now)?);
            }
            Ok(())
        })
    };

    let mut prepared = Hmac::<Sha256>::new_from_slice(&[7; 32])?;
    let absorb = |mac: &mut Hmac<Sha256>, part: &[u8]| {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    };
    for part in ["token", "v1", "visitor token v1", AUDIENCE, keys.current_id()] {
        absorb(&mut prepared, part.as_bytes());
    }
    let (prepared, payload) = (&prepared, &[3_u8; 72]);
    let theirs = |often: u32| -> Turn<'_> {
        Box::pin(async move {
            for _ in 0..often {
                let mut sign = prepared.clone();
                absorb(&mut sign, black_box(payload));
                let signature = sign.finalize().into_bytes();
                let mut verify = prepared.clone();
                absorb(&mut verify, black_box(payload));
                verify.verify_slice(&signature)?;
            }
            Ok(())
        })
    };
    Ok(vec![compare(rounds, TURN, &ours, &theirs).await?.as_time("token", "none", "none")])
}

/// Finds a link by its code, through the facade and its cache. Theirs looks into a map that only this thread uses, and
/// checks nothing.
pub(crate) async fn lookup(rounds: Rounds, store: impl Store) -> Result<Vec<Line>, Failure> {
    const LINKS: usize = 1000;
    let facts = store.facts();
    let referrals = Referrals::builder(store, KeyRing::generate()?, "https://shop.example").build()?;
    let mut map = HashMap::<Code, Link>::new();
    for _ in 0..LINKS {
        let link = referrals.links().create(LinkDraft::to("/products/7")?).await?;
        map.insert(link.code.clone(), link);
    }
    let codes: Vec<_> = map.keys().cloned().collect();
    let (referrals, map, codes) = (&referrals, &map, &codes);
    let ours = |often: u32| -> Turn<'_> {
        Box::pin(async move {
            for code in codes.iter().cycle().take(often as usize) {
                black_box(referrals.links().by_code(code).await?);
            }
            Ok(())
        })
    };
    let theirs = |often: u32| -> Turn<'_> {
        Box::pin(async move {
            for code in codes.iter().cycle().take(often as usize) {
                black_box(map.get(code).cloned());
            }
            Ok(())
        })
    };
    let measured = compare(rounds, TURN, &ours, &theirs).await?;
    Ok(vec![measured.as_time("lookup", facts.name, durability(facts))])
}
