//! The broken stores on disk, which only a killed process shows. They live beside the tests of the kit, in
//! `tests/journal`, because a child has to open them.

/// A store on disk that gets wrong what a kill leaves behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct KilledDefect {
    /// Its name.
    pub name: &'static str,
    /// What is wrong.
    pub says: &'static str,
    /// The cases each of which must fail on a store with this defect, as `group::name`.
    pub caught_by: &'static [&'static str],
}

const KILLED: &[&str] = &["durability::a_killed_process_keeps_what_it_acknowledged"];

impl KilledDefect {
    /// Every such defect.
    pub const ALL: &'static [Self] = &[
        Self { name: "Buffered", says: "The answer comes before the write.", caught_by: KILLED },
        Self {
            name: "Piecemeal",
            says: "A changeset is written change by change, and replayed as far as it goes.",
            caught_by: KILLED,
        },
    ];
}
