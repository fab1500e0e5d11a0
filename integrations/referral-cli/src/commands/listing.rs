//! Listings that come in pages.

use referral_core::store::MAX_PAGE;
use referral_core::{Cursor, Error, Page, PageRequest};

use crate::args::PageArgs;
use crate::failure::Failure;
use crate::output;

/// As much of a listing as was asked for. A page may be short where a filter has no index; reading goes on then.
pub(super) async fn collect<T>(
    asked: &PageArgs,
    read: impl AsyncFn(PageRequest) -> Result<Page<T>, Error>,
) -> Result<Page<T>, Failure> {
    let (mut items, mut after) = (Vec::new(), asked.after.clone());
    let mut left = asked.limit;
    loop {
        let page = read(PageRequest::first(left.min(MAX_PAGE)).after(after)).await?;
        left = left.saturating_sub(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
        items.extend(page.items);
        after = page.next;
        if left == 0 || after.is_none() {
            return Ok(Page { items, next: after });
        }
    }
}

/// Says how a listing goes on, with what has to be asked for in the same words, or that there is nothing.
pub(super) fn say_more(nothing: bool, next: Option<&Cursor>, same: &str) {
    match next {
        Some(next) => output::say(&format!("there is more: --after {next}{same}")),
        None if nothing => output::say("nothing found"),
        None => {}
    }
}
