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

const KILLED: &[&str] = &["durability::a_killed_process_keeps_what_it_acknowledged", CRASH];
const TORN: &[&str] = &[CRASH];
const CRASH: &str = "crash::a_killed_process_leaves_every_changeset_whole_or_absent";

/// A row of the table.
const fn row(name: &'static str, says: &'static str, caught_by: &'static [&'static str]) -> KilledDefect {
    KilledDefect { name, says, caught_by }
}

impl KilledDefect {
    /// Every such defect.
    pub const ALL: &'static [Self] = &[
        row("Buffered", "The answer comes before the write.", KILLED),
        row("Piecemeal", "A changeset is written change by change, and replayed as far as it goes.", KILLED),
        row("InPieces", "A changeset is written a hundred changes at a time.", TORN),
        row(
            "ForgetfulInPieces",
            "A store that is not durable writes a changeset a hundred changes at a time.",
            TORN,
        ),
        row(
            "BatchInPieces",
            "The changes of a batch are written a hundred at a time, across its changesets.",
            TORN,
        ),
        row("PatchInPieces", "A patch is written a hundred records at a time.", TORN),
        row("LastHalf", "The last changeset is replayed as far as it can be read.", TORN),
        row("NumbersApart", "Records go into one file and numbers into another.", TORN),
        row("NoTallies", "Statistics live in memory only.", TORN),
        row("NoUpdates", "Updates are not written to the journal.", TORN),
        row("NoDeletes", "Deletes are not written to the journal.", TORN),
        row("NoEntries", "Index entries live in memory, and are not made again.", TORN),
        row("NumbersTwice", "Numbers are added twice when the journal is replayed.", TORN),
    ];
}
