//! The commands, one module each.

mod check_redirect;
mod conformance;
mod key;
mod link;
mod migrate;
mod responses;
mod stats;

use referral_core::Error;
use referral_core::{Cursor, Page, PageRequest};
use referral_core::store::MAX_PAGE;

use crate::args::{Command, PageArgs};
use crate::failure::Failure;
use crate::output::{self, Output};

/// Does what was asked, and prints what came of it.
pub(crate) fn run(command: Command, out: &mut Output) -> Result<(), Failure> {
    match command {
        Command::Key(command) => key::run(command, out),
        Command::CheckRedirect(args) => check_redirect::run(&args, out),
        // Its cases bring runtimes of their own.
        Command::Conformance(args) => conformance::run(&args, out),
        Command::Migrate(args) => wait(migrate::run(&args, out)),
        Command::Link(command) => wait(link::run(command, out)),
        Command::Responses(args) => wait(responses::run(&args, out)),
        Command::Stats(args) => wait(stats::run(&args, out)),
    }
}

fn wait(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    // Of one thread: its end interrupts nobody half-way. MongoDB's driver, which says goodbye to the server when it is
    // dropped, would panic in another one.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::Runtime)?.block_on(work)
}

/// As much of a listing as was asked for. A page may be short where a filter has no index; reading goes on then.
async fn collect<T>(
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
fn say_more(nothing: bool, next: Option<&Cursor>, same: &str) {
    match next {
        Some(next) => output::say(&format!("there is more: --after {next}{same}")),
        None if nothing => output::say("nothing found"),
        None => {}
    }
}
