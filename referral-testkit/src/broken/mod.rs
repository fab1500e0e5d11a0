//! Stores that are wrong on purpose: the suite is held to account with them.
//!
//! [`BrokenStore`] keeps the contract, but for one [`Defect`]. Each defect names the cases that must notice it; the
//! kit's own tests require that they do, and that the same store without a defect passes every case.

mod backend;
mod concurrent;
mod corners;
mod defect;
mod handles;
mod keys;
mod killed;
mod looked;
mod merge;
mod processes;
mod readers;
mod sizes;
mod state;
mod store;
mod whole;
mod written;

use std::sync::{Arc, Mutex, Weak};

pub use defect::Defect;
pub use killed::KilledDefect;
pub use processes::SharedHarness;
pub use store::BrokenStore;

use async_trait::async_trait;

use crate::breakage::Breakage;
use crate::harness::{Guard, Harness, Opened};

/// Opens stores with a defect, or an honest one. Reopening keeps the data within the process.
#[derive(Clone, Copy, Debug)]
pub struct BrokenHarness(pub Option<Defect>);

type Data = Arc<Mutex<state::Data>>;

/// The data of the stores that are open, by the addresses that [`Harness::attach`] is given. It lives in this process
/// only, so a child finds none.
static OPEN: Mutex<Vec<Weak<Mutex<state::Data>>>> = Mutex::new(Vec::new());

fn found(address: &str) -> Option<Data> {
    let address: usize = address.parse().ok()?;
    OPEN.lock().unwrap().get(address)?.upgrade()
}

impl BrokenHarness {
    /// The store over this data. A family of defects that has a file of its own is asked there first.
    fn over(self, data: Data) -> Opened {
        if let Some(store) = concurrent::over(self.0, &data) {
            return Opened::new(store, data);
        }
        if let Some(store) = corners::Corner::over(self.0, &data) {
            return Opened::new(store, data);
        }
        if let Some(store) = handles::Handle::over(self.0, &data) {
            return Opened::new(store, data);
        }
        if let Some(store) = readers::Stepwise::over(self.0, &data) {
            return Opened::new(store, data);
        }
        if let Some(store) = sizes::SizesStore::over(self.0, &data) {
            return Opened::new(store, data);
        }
        if let Some(store) = whole::over(self.0, &data) {
            return Opened::new(store, data);
        }
        let store = BrokenStore::over(self.0, data.clone());
        if backend::breaks(self.0) {
            return Opened::new(backend::Breaking::over(store, self.0, data.clone()), data);
        }
        Opened::new(store, data)
    }
}

#[async_trait]
impl Harness for BrokenHarness {
    fn name(&self) -> &str {
        self.0.map_or("honest", |_| "broken")
    }

    fn setup(&self) -> &str {
        "nothing is needed"
    }

    async fn open(&self) -> Option<Opened> {
        Some(self.over(Data::default()))
    }

    async fn reopen(&self, guard: Guard) -> Option<Opened> {
        let data = guard.downcast::<Data>().ok()?;
        data.lock().unwrap().crash(self.0);
        Some(self.over(*data))
    }

    fn address(&self, guard: &Guard) -> Option<String> {
        let data = guard.downcast_ref::<Data>()?;
        let mut open = OPEN.lock().unwrap();
        open.push(Arc::downgrade(data));
        Some((open.len() - 1).to_string())
    }

    async fn attach(&self, address: &str) -> Option<Opened> {
        let mut data = found(address)?;
        if self.0 == Some(Defect::HandlesApart) {
            let now = data.lock().unwrap().now.clone();
            data = Arc::new(Mutex::new(state::Data { now, ..state::Data::default() }));
        }
        Some(self.over(data))
    }

    fn outlives_process(&self) -> bool {
        false
    }

    async fn break_backend(&self, address: &str, breakage: Option<Breakage>) -> bool {
        let Some(data) = found(address).filter(|_| backend::breaks(self.0)) else { return false };
        let mut data = data.lock().unwrap();
        data.broken = breakage;
        true
    }
}
