//! What happens to a request before its handler runs, and to the response afterwards.

mod around;
mod arrive;

pub use around::{ReferralFuture, ReferralService};
