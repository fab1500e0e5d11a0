//! Referral in fifteen lines, in memory.
#![expect(clippy::print_stdout, reason = "a program that shows something")]

use referral_core::memory::MemoryStore;
use referral_core::{Action, KeyRing, LinkDraft, Referrals, UserId, Visit};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let keys = KeyRing::generate()?;
    let referrals = Referrals::builder(MemoryStore::new(), keys, "https://shop.example").build()?;
    let link =
        referrals.links().create(LinkDraft::to("/products/7")?.with_owner(UserId::new("ada")?)).await?;
    let landing = referrals.land(link.code.as_str(), &Visit::default()).await;
    println!("Ada shares {}; who follows it is sent to {}", referrals.links().url(&link), landing.redirect);

    let visitor = landing.touch.response().and_then(|response| response.visitor).ok_or("not recorded")?;
    let grace = UserId::new("grace")?; // the visitor signs up, and what they did is hers
    println!("Grace came {} time", referrals.identify(visitor, &grace).await?.claimed.len());
    referrals.record(&Visit::default().with_user(grace), Action::new("SIGNED_UP")?, None).await?;
    println!("Ada has {} click, and somebody signed up", referrals.responses().count(link.id).await?);
    Ok(())
}
