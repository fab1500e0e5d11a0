//! Who looks on while others race.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use referral_core::store::NumberReads as _;
use referral_core::store::{CounterKey, Index, MAX_PAGE, Prefix, Range, Store};
use referral_resilience::run::World;
use referral_testkit::Opened;

/// What an observer saw of a number and of the rows that it stands for while they were raced for.
///
/// The two cannot be read at one moment through the contract; but a number that equals its rows at every moment is,
/// read before the rows, not above them, and read after them, not below.
pub(crate) struct Observer {
    task: tokio::task::JoinHandle<(u64, i64)>,
    stop: Arc<AtomicBool>,
}

impl Observer {
    /// Through a handle of its own where the store can have several: in the queue for the racers' connections it would
    /// see little.
    pub(crate) async fn start(
        world: &World,
        opened: &Opened,
        counter: CounterKey,
        rows: (Index, Prefix),
        bound: i64,
    ) -> Self {
        let mut store: Arc<dyn Store> = opened.store.clone();
        if store.facts().shared {
            let address = world.harness.address(&opened.guard).expect("an address of the data");
            store = world.harness.attach(&address).await.expect("another handle on the data").store;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let (mut moments, mut highest) = (0, 0);
            while !stopped.load(Ordering::Acquire) {
                let before = store.number(&counter).await.expect("the counter");
                let found =
                    store.page(rows.0, &rows.1, &Range::oldest(), MAX_PAGE).await.expect("the rows").len();
                let after = store.number(&counter).await.expect("the counter");
                let found = i64::try_from(found).unwrap();
                assert!(before <= found && found <= after, "{before} counted, {found} rows, {after} counted");
                assert!(
                    highest <= before && after <= bound,
                    "from {highest} over {before} to {after} of {bound}"
                );
                highest = after;
                moments += 1;
            }
            (moments, highest)
        });
        Self { task, stop }
    }

    /// At how many moments it looked.
    pub(crate) async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Release);
        self.task.await.expect("what was observed").0
    }
}
