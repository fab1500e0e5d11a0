//! Stores that are wrong on purpose: the suite is held to account with them.
//!
//! [`BrokenStore`] keeps the contract, but for one [`Fault`]. Each fault names the cases that must notice it; the
//! kit's own tests require that they do, and that the same store without a fault passes every case.

mod fault;
mod state;
mod store;

use std::sync::{Arc, Mutex};

pub use fault::Fault;
pub use store::BrokenStore;

use async_trait::async_trait;

use crate::harness::{Guard, Harness, Opened};

/// Opens stores with a fault, or an honest one. Reopening keeps the data within the process.
#[derive(Clone, Copy, Debug)]
pub struct BrokenHarness(pub Option<Fault>);

type Data = Arc<Mutex<state::Data>>;

#[async_trait]
impl Harness for BrokenHarness {
    fn name(&self) -> &str {
        self.0.map_or("honest", |_| "broken")
    }

    fn setup(&self) -> &str {
        "nothing is needed"
    }

    async fn open(&self) -> Option<Opened> {
        let data = Data::default();
        Some(Opened::new(BrokenStore::over(self.0, data.clone()), data))
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let data = guard.downcast::<Data>().ok()?;
        data.lock().unwrap().crash(self.0);
        Some(Opened::new(BrokenStore::over(self.0, (*data).clone()), *data))
    }

    fn address(&self, _: &Guard) -> Option<String> {
        None
    }

    async fn attach(&self, _: &str) -> Option<Opened> {
        None
    }
}
