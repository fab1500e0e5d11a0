//! Referral in fifteen lines, in memory.
#![expect(clippy::print_stdout, reason = "a program that shows something")]

use referral_core::visit::{Method, Visit};
use referral_core::{Action, LinkDraft, Referrals, UserId, memory::MemoryStore, token::KeyRing};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (ada, grace) = (UserId::new("ada")?, UserId::new("grace")?);
    let keys = KeyRing::generate()?;
    let referrals = Referrals::builder(MemoryStore::new(), keys, "https://shop.example").build()?;
    let link = referrals.create(LinkDraft::to("/products/7")?.with_owner(ada)).await?;
    println!("Ada shares {}", referrals.url(&link));

    let landing = referrals.land(link.code.as_str(), &Visit::new(Method::Get, "/r/code")).await;
    println!("Somebody follows it and is sent to {}", landing.redirect);

    let visitor = landing.touch.response().and_then(|response| response.visitor).ok_or("not recorded")?;
    let identified = referrals.identify(visitor, &grace).await?;
    println!("It was Grace: {} touch is hers now", identified.claimed.len());

    referrals.record(&Visit::default().with_user(grace), Action::new("SIGNED_UP")?, None).await?;
    for count in referrals.statistics(link.id).await?.actions {
        println!("{}: {}", referrals.action_display(&count.action), count.counted);
    }
    Ok(())
}
