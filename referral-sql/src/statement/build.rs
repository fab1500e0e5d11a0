//! Builds statements, and limits how much goes into one.

use std::iter;

use sea_query_sqlx::SqlxBinder;

use crate::backend::{Backend, Statement};

/// The most rows of one insert. More rows are not faster, and they are slow to prepare.
const ROWS: usize = 64;
/// The most ids in one statement. SQLite takes 32,766 values in a statement, the servers 65,535.
const IDS: usize = 1024;

pub(super) fn build<B: Backend>(query: &impl SqlxBinder) -> Statement {
    Statement::build(query, B::Dialect::default())
}

/// Splits rows into pieces, one statement for each. There are few distinct sizes, because each size is another
/// statement to prepare.
pub(crate) fn chunks<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    iter::from_fn(move || {
        let size = match rest.len() {
            few @ 0..8 => few,
            ROWS.. => ROWS,
            some => 1 << some.ilog2(),
        };
        let (now, later) = rest.split_at_checked(size)?;
        rest = later;
        (!now.is_empty()).then_some(now)
    })
}

/// Splits ids into pieces, one statement for each.
pub(crate) fn id_chunks<T>(ids: &[T]) -> impl Iterator<Item = &[T]> {
    ids.chunks(IDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_everything_in_order_in_few_sizes() {
        for length in 0..300_usize {
            let rows: Vec<_> = (0..length).collect();
            let pieces: Vec<_> = chunks(&rows).collect();
            assert_eq!(pieces.concat(), rows);
            for piece in pieces {
                assert!(piece.len() < 8 || [8, 16, 32, 64].contains(&piece.len()), "{}", piece.len());
            }
        }
    }
}
