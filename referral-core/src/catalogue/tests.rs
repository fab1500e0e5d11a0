//! Mistakes in the lists that the compiler does not find.

use std::collections::BTreeSet;

use super::*;
use crate::value::{Column, ColumnType};

/// The most bytes of a name that PostgreSQL keeps; it cuts longer ones without an error.
const NAME: usize = 63;
/// What table and index names are prefixed with in SQL.
const PREFIX: usize = "referral_".len();

fn column(kind: Kind, name: &str) -> Option<Column> {
    kind.position(name).and_then(|at| kind.columns().get(at).copied())
}

#[test]
fn every_kind_begins_with_the_four_columns_that_all_have() {
    for kind in Kind::ALL {
        let first: Vec<_> = kind.columns().iter().take(4).map(|column| column.name).collect();
        assert_eq!(first, ["id", "tenant", "version", "created_at"], "{kind:?}");
    }
}

#[test]
fn no_column_of_a_kind_is_named_twice() {
    for kind in Kind::ALL {
        let names: BTreeSet<_> = kind.columns().iter().map(|column| column.name).collect();
        assert_eq!(names.len(), kind.columns().len(), "{kind:?}");
    }
}

#[test]
fn every_column_of_a_unique_key_exists() {
    for unique in Unique::ALL {
        for name in unique.columns() {
            assert!(
                column(unique.kind(), name).is_some(),
                "{unique:?} names the column {name}, which is not there"
            );
        }
    }
}

#[test]
fn every_column_of_an_index_exists_and_orders_by_a_number_that_is_always_there() {
    for index in Index::ALL {
        let shape = index.shape();
        for part in shape.parts {
            let found = column(shape.kind, part.column());
            let found =
                found.unwrap_or_else(|| panic!("{index:?} names {}, which is not there", part.column()));
            assert!(found.nullable || matches!(part, Part::Is(_)), "{index:?}: {} is never null", found.name);
        }
        let order = column(shape.kind, shape.order);
        let order =
            order.unwrap_or_else(|| panic!("{index:?} orders by {}, which is not there", shape.order));
        assert_eq!((order.holds, order.nullable), (ColumnType::Int, false), "{index:?}");
    }
}

#[test]
fn every_source_of_a_derived_column_exists() {
    for kind in Kind::ALL {
        for source in kind.fields().iter().filter_map(|field| field.made_of).flatten() {
            assert!(column(*kind, source).is_some(), "{kind:?} derives from {source}, which is not there");
        }
    }
}

#[test]
fn every_field_has_its_columns_and_no_column_is_left_over() {
    for kind in Kind::ALL {
        let width: usize = kind.fields().iter().map(|field| field.width).sum();
        assert_eq!(width, kind.columns().len(), "{kind:?}");
    }
}

#[test]
fn no_number_is_used_twice() {
    fn distinct(what: &str, codes: impl Iterator<Item = u8>) {
        let mut seen = BTreeSet::new();
        for code in codes {
            assert!(seen.insert(code), "{what} {code} is used twice");
        }
    }
    distinct("kind", Kind::ALL.iter().map(|kind| kind.code()));
    distinct("unique key", Unique::ALL.iter().map(|unique| unique.code()));
    distinct("index", Index::ALL.iter().map(|index| index.code()));
    distinct("family", Family::ALL.iter().map(|family| family.code()));
}

#[test]
fn no_name_is_used_twice_or_too_long_for_a_database() {
    let mut seen = BTreeSet::new();
    let kinds = Kind::ALL.iter().map(|kind| kind.name());
    let uniques = Unique::ALL.iter().map(|unique| unique.name());
    let indexes = Index::ALL.iter().map(|index| index.shape().name);
    for name in kinds.chain(uniques).chain(indexes) {
        assert!(seen.insert(name), "{name} is used twice");
        assert!(name.len() + PREFIX <= NAME, "{name} is too long");
    }
    for column in Kind::ALL.iter().flat_map(|kind| kind.columns()) {
        assert!(column.name.len() <= NAME, "{} is too long", column.name);
    }
}

#[test]
fn every_number_reads_back_as_what_it_stands_for() {
    for family in Family::ALL {
        assert_eq!(Family::from_code(family.code()), Some(*family));
    }
    for kind in Kind::ALL {
        assert_eq!(Kind::from_code(kind.code()), Some(*kind));
    }
    for unique in Unique::ALL {
        assert_eq!(Unique::from_code(unique.code()), Some(*unique));
    }
}
