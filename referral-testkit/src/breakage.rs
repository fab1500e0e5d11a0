//! The ways in which a harness may break the backend of a store.

/// A way in which a database, a disk or a line fails, for [`Harness::break_backend`](crate::Harness::break_backend).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Breakage {
    /// Every statement that writes a link fails, before COMMIT.
    Writes,
    /// COMMIT itself fails.
    Commit,
    /// COMMIT succeeds, and its answer is lost.
    CommitAnswer,
    /// Every read of links and of numbers fails.
    Reads,
    /// There is no room for 200 KiB more.
    Full,
    /// The database cannot be reached any more, neither by connections that are open nor by new ones.
    Unreachable,
    /// Every stored link is something that this library did not write.
    DamagedRecords,
    /// Every stored number is something that this library did not write.
    DamagedNumbers,
}

impl Breakage {
    /// Every breakage that the suite asks for.
    pub const ALL: &'static [Self] = &[
        Self::Writes,
        Self::Commit,
        Self::CommitAnswer,
        Self::Reads,
        Self::Full,
        Self::Unreachable,
        Self::DamagedRecords,
        Self::DamagedNumbers,
    ];

    /// What it is, as a part of a sentence.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Writes => "a write that fails before COMMIT",
            Self::Commit => "a COMMIT that fails",
            Self::CommitAnswer => "a COMMIT whose answer is lost",
            Self::Reads => "a read that fails",
            Self::Full => "a full disk",
            Self::Unreachable => "a database that cannot be reached",
            Self::DamagedRecords => "damaged records",
            Self::DamagedNumbers => "damaged numbers",
        }
    }
}
