//! R6: generated codes that are nearly used up.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use referral_core::link::{GeneratorError, LinkRefusal, RandomCode};
use referral_core::store::{Index, MAX_PAGE, Prefix, Range};
use referral_core::{Code, LinkDraft, Tenant};
use referral_resilience::figures::report;
use referral_resilience::on_stores;
use referral_resilience::run::World;
use referral_resilience::yielding::Yielding;
use referral_testkit::race::race_of_threads;

use crate::over;

on_stores! { generated_codes_run_out_without_a_duplicate:
    memory_gives_each_generated_code_once on memory,
    sqlite_gives_each_generated_code_once on sqlite,
    sled_gives_each_generated_code_once on sled,
    redb_gives_each_generated_code_once on redb,
    postgres_gives_each_generated_code_once on postgres,
    mysql_gives_each_generated_code_once on mysql,
    mongodb_gives_each_generated_code_once on mongodb,
}

/// R6: a generator with few codes, asked by a hundred threads.
async fn generated_codes_run_out_without_a_duplicate(world: World) {
    const THREADS: usize = 100;
    const ATTEMPTS: u32 = 10;
    let Some(opened) = world.open().await else { return };
    for length in [4, 5, 6] {
        let begun = Instant::now();
        let (asked, most) = (Arc::new(AtomicUsize::new(0)), 1_usize << length);
        let random = RandomCode::new("ab", length).unwrap();
        let counted = asked.clone();
        let codes = move |_: &LinkDraft, attempt: u32| -> Result<Code, GeneratorError> {
            assert!(attempt < ATTEMPTS, "attempt {attempt} of {ATTEMPTS}");
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(random.draw())
        };
        // A tenant of its own, so that the codes of one length do not stand in the way of another's count.
        let tenant = Tenant::new(format!("codes-{length}")).unwrap();
        let store = Yielding::over(opened.store.clone());
        let referrals = over(store.clone()).with_codes(codes).with_attempts(ATTEMPTS);
        let referrals = referrals.with_tenant(tenant.clone()).build().unwrap();
        let made = race_of_threads(THREADS, |_| {
            let referrals = referrals.clone();
            async move { referrals.links().create(LinkDraft::to("/").unwrap()).await }
        })
        .await;
        let (mut codes, mut exhausted) = (BTreeSet::new(), 0);
        for answer in made {
            match answer {
                Ok(link) => assert!(codes.insert(link.code.clone()), "{} was given twice", link.code),
                Err(error) => match error.detail() {
                    Some(LinkRefusal::CodesExhausted { attempts: ATTEMPTS }) => exhausted += 1,
                    _ => panic!("neither a link nor exhausted: {error:?}"),
                },
            }
        }
        let aliases = store.codes().await;
        let links =
            opened.store.page(Index::Links, &Prefix::new(&tenant), &Range::oldest(), MAX_PAGE).await.unwrap();
        let asked = asked.load(Ordering::Relaxed);
        report(
            "R6",
            world.name(),
            &[
                ("possible codes", most.to_string()),
                ("threads", THREADS.to_string()),
                ("links", links.len().to_string()),
                ("codes", aliases.to_string()),
                ("duplicates", "0".to_owned()),
                ("told that codes are exhausted", exhausted.to_string()),
                ("proposals", asked.to_string()),
                ("ms", begun.elapsed().as_millis().to_string()),
            ],
        );
        assert_eq!((links.len(), aliases, codes.len() + exhausted), (codes.len(), codes.len(), THREADS));
        assert!(codes.len() <= most && asked <= THREADS * usize::try_from(ATTEMPTS).unwrap());
        // Not only that nobody got one twice: with so many tries in all, nearly every code has been given.
        assert!(codes.len() * 2 > most.min(THREADS), "{} of {most} codes were found", codes.len());
    }
}
