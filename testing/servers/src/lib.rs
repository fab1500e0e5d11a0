//! Throw-away servers: a [`Postgres`], a [`MariaDb`] and a [`MongoDb`] of a run's own, in a private [`Folder`] and on
//! a free port of the loopback interface, ended and removed afterwards.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use referral_servers::{Folder, Postgres};
//!
//! let folder = Folder::new()?;
//! let mut server = Postgres::start(&folder)?;
//! println!("{} at {}", server.version(), server.url());
//! server.kill(); // a crash
//! server.restart()?; // the same port, the same data
//! # Ok(())
//! # }
//! ```
//!
//! - A server that is running already is never touched. Those that the environment names (`REFERRAL_TEST_…_URL`) are
//!   the business of the program of this crate, which `scripts/test` is made of.
//! - Servers never run as root, except for MongoDB, which does not mind.
//! - Nothing stays behind when the process that started a server ends, in whatever way; [`Folder`] says how.
//! - A server that cannot be had is [`Missing`], with what to do about it.
//!
//! # In async code
//!
//! `start`, `kill`, `restart` and drop block for up to some seconds. They may be called inside a runtime. Where other
//! tasks of the same thread must go on meanwhile (a load on the server that is to be killed), call them through
//! `tokio::task::spawn_blocking`, or `block_in_place` on a runtime of several threads; the servers are [`Send`].
//!
//! # Platforms
//!
//! Unix. Without `/proc` (as on macOS) servers end when they are dropped, but not when their process is killed.

pub mod ask;
mod folder;
mod home;
mod mariadb;
mod missing;
mod mongodb;
mod postgres;
mod process;
mod secantus;
mod server;

pub use folder::Folder;
pub use mariadb::MariaDb;
pub use missing::Missing;
pub use mongodb::MongoDb;
pub use postgres::Postgres;
