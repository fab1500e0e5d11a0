//! The facade's promises, over the memory store. The bugs of pinax-referrals (PB…) and django-reflinks (RB…) that
//! concern core have a test here that names them.
#![allow(unreachable_pub, reason = "one test binary in several files")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod failing;
mod failures;
mod identify;
mod landing;
mod links;
mod reads;
mod requests;
mod retries;
mod scope;
mod sites;
mod stored;
mod world;
