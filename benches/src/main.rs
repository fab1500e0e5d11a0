//! How fast Referral is, as ratios: `cargo run --release -p benches -- CASE --store STORE [--rounds N]`.
//!
//! One JSON line per case: `case, store, durability, ours, theirs, ratio, rounds, unit`. `theirs` is what somebody
//! would write by hand on the same driver and with the same durability. Both run in turns in the same process, and
//! the ratio is the median of the rounds': the wall clock of a shared machine means nothing, the ratio does. Nothing
//! is asserted here.

mod identify;
mod measure;
mod pure;
mod record;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use referral_core::memory::MemoryStore;

use measure::{Failure, Line, Rounds};

/// What to measure.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Case {
    /// Codes of 10 and of 40 symbols, against the same number of random bytes
    Code,
    /// A token signed and verified, against two HMACs of the same bytes
    Token,
    /// A link by its code, cached, against a hash map that copies the link out
    Lookup,
    /// One click of one caller, against one INSERT
    RecordOne,
    /// Clicks of 256 callers at once, against INSERTs of 256 rows (rows/s, so more is better)
    RecordMany,
    /// A visitor with 10,000 responses turns out to be a user, against one UPDATE of as many rows (in memory against
    /// the same records changed in a map)
    Identify,
}

/// Where to measure it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum StoreName {
    /// In the memory of this process
    Memory,
    /// A file, write-ahead log, synchronous=FULL
    Sqlite,
}

/// Speed of Referral, as ratios
#[derive(Debug, Parser)]
struct Args {
    /// All of them where absent
    case: Option<Case>,
    /// Which store, for those cases that have one
    #[arg(long, value_enum, default_value = "sqlite")]
    store: StoreName,
    /// How many rounds; the median is printed
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Where databases are made; the speed of this disk is part of what is measured
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
}

fn main() -> Result<(), Failure> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let cases = args.case.map_or_else(|| Case::value_variants().to_vec(), |case| vec![case]);
    for case in cases {
        // The case runs on a task of the runtime, as in a server, and not on the thread that only waits for it.
        let (rounds, store, folder) = (Rounds(args.rounds), args.store, args.folder.clone());
        let lines = runtime.spawn(async move { run(case, store, rounds, &folder).await });
        for line in runtime.block_on(lines)?? {
            writeln!(std::io::stdout().lock(), "{}", serde_json::to_string(&line)?)?;
        }
    }
    Ok(())
}

async fn run(case: Case, store: StoreName, rounds: Rounds, folder: &Path) -> Result<Vec<Line>, Failure> {
    match (case, store) {
        (Case::Code, _) => pure::code(rounds).await,
        (Case::Token, _) => pure::token(rounds).await,
        (Case::Lookup, StoreName::Memory) => pure::lookup(rounds, MemoryStore::new()).await,
        (Case::Lookup, StoreName::Sqlite) => {
            let database = record::Database::new(folder).await?;
            pure::lookup(rounds, database.store.clone()).await
        }
        (Case::RecordOne, StoreName::Sqlite) => record::one(rounds, folder).await,
        (Case::RecordMany, StoreName::Sqlite) => record::many(rounds, folder).await,
        (Case::Identify, StoreName::Memory) => identify::memory(rounds).await,
        (Case::Identify, StoreName::Sqlite) => identify::sqlite(rounds, folder).await,
        (Case::RecordOne | Case::RecordMany, StoreName::Memory) => {
            Err("memory has no driver that anything could be written for by hand".into())
        }
    }
}
