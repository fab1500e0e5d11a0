//! The shop in memory, for `DATABASE_URL=memory:`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use referral_core::Timestamp;

use super::{Order, Placed, Refunded, SessionDigest, Shop, ShopError, User, fold};

/// A shop that forgets everything when the process ends.
#[derive(Default)]
pub(crate) struct Memory(Mutex<State>);

#[derive(Default)]
struct State {
    users: HashMap<String, User>,
    sessions: HashMap<SessionDigest, (String, Timestamp)>,
    orders: HashMap<String, Order>,
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Shop for Memory {
    async fn add_user(&self, user: &User) -> Result<bool, ShopError> {
        let mut state = self.state();
        let key = fold(&user.name);
        if state.users.contains_key(&key) {
            return Ok(false);
        }
        state.users.insert(key, user.clone());
        Ok(true)
    }

    async fn user(&self, name: &str) -> Result<Option<User>, ShopError> {
        Ok(self.state().users.get(&fold(name)).cloned())
    }

    async fn open_session(&self, id: &SessionDigest, user: &str, until: Timestamp) -> Result<(), ShopError> {
        self.state().sessions.insert(id.clone(), (fold(user), until));
        Ok(())
    }

    async fn session(&self, id: &SessionDigest, now: Timestamp) -> Result<Option<User>, ShopError> {
        let state = self.state();
        let open = state.sessions.get(id).filter(|(_, until)| now < *until);
        Ok(open.and_then(|(user, _)| state.users.get(user)).cloned())
    }

    async fn close_session(&self, id: &SessionDigest) -> Result<(), ShopError> {
        self.state().sessions.remove(id);
        Ok(())
    }

    async fn place(&self, order: &Order) -> Result<Placed, ShopError> {
        let mut state = self.state();
        match state.orders.get(&order.number) {
            Some(before) if before.is_same(order) => Ok(Placed::Before(before.clone())),
            Some(_) => Ok(Placed::Different),
            None => {
                state.orders.insert(order.number.clone(), order.clone());
                Ok(Placed::New)
            }
        }
    }

    async fn order(&self, number: &str) -> Result<Option<Order>, ShopError> {
        Ok(self.state().orders.get(number).cloned())
    }

    async fn orders(&self, user: &str, limit: u32) -> Result<Vec<Order>, ShopError> {
        let state = self.state();
        let theirs = state.orders.values().filter(|order| order.user.as_deref() == Some(user));
        let mut orders: Vec<Order> = theirs.cloned().collect();
        orders.sort_by(|a, b| (b.at, &b.number).cmp(&(a.at, &a.number)));
        orders.truncate(limit as usize);
        Ok(orders)
    }

    async fn refund(&self, number: &str, user: &str, amount: Option<i64>) -> Result<Refunded, ShopError> {
        let mut state = self.state();
        let Some(order) = state.orders.get_mut(number).filter(|order| order.user.as_deref() == Some(user))
        else {
            return Ok(Refunded::Unknown);
        };
        let refunded = order.refund(amount);
        if let Refunded::Done(after) = &refunded {
            *order = after.clone();
        }
        Ok(refunded)
    }

    async fn close(&self) {}
}
