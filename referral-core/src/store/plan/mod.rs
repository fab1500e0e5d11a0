//! What a batch of changesets means, decided once for every store.
//!
//! [`decide`] applies changesets one after another to what a [`Look`] finds, and gives a [`Plan`]: the answers, and
//! each record, unique key and number that the applied changesets rest on, before and after. The store only has to
//! write that. Nobody else may write between the look and the write. So a store has one writer at a time, or it writes only
//! if everything is still as it was before.
//!
//! | A store that | does |
//! | --- | --- |
//! | reads without waiting | is a [`Look`] by itself |
//! | awaits what it reads | reads what [`wanted`] and then [`wanted_keys`] name, into a [`Found`] |
//! | keeps keys and values | writes [`Plan::rows`] |
//! | has other writers | guards [`Transition::before`] of everything in the plan, also of what stays as it is |
//! | decides by statements of its own | uses only [`sort_out`] and [`together_or_singly`] |

mod answer;
mod decide;
mod found;
mod look;
mod rows;
mod slots;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Refusals, answer, may_be_of_one, sort_out, together_or_singly};
pub use decide::{Plan, decide};
pub use found::{Found, Wanted, wanted, wanted_keys};
pub use look::Look;
pub use rows::{Row, Table};
pub use slots::Transition;
