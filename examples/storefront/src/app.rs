//! The application: one facade, one shop, one layer.

use std::error::Error as StdError;
use std::sync::Arc;

use referral_core::memory::MemoryStore;
use referral_core::store::Store;
use referral_core::{Builder, Failure, KeyRing, Referrals, Timestamp};
use referral_sql::SqliteStore;
use referral_tower::{CookieMode, ReferralLayer};

use crate::actions;
use crate::config::{Config, Database};
use crate::error_page::causes;
use crate::pages::tower_pages::ShopPages;
use crate::session::Sessions;
use crate::shop::{Memory, Shop, Sqlite};

/// What every handler holds.
pub(crate) type App = Arc<AppParts>;

/// The parts of the application.
pub(crate) struct AppParts {
    pub(crate) referrals: Referrals,
    pub(crate) layer: ReferralLayer,
    pub(crate) shop: Box<dyn Shop>,
    /// The store behind the referrals where it can join a transaction of the shop's.
    pub(crate) sqlite: Option<SqliteStore>,
    pub(crate) insecure: bool,
}

/// Why the shop did not open.
pub(crate) type OpenError = Box<dyn StdError + Send + Sync>;

impl AppParts {
    /// Opens the database and puts everything together.
    pub(crate) async fn open(config: &Config, public_url: &str) -> Result<App, OpenError> {
        let keys = config.keys.clone();
        let (referrals, shop, sqlite): (_, Box<dyn Shop>, _) = match &config.database {
            Database::Memory => {
                (set_up(MemoryStore::new(), keys, public_url).build()?, Box::new(Memory::default()), None)
            }
            Database::Sqlite(path) => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)
                        .map_err(|error| format!("{} cannot be made ({error})", folder.display()))?;
                }
                let store = SqliteStore::open(path).await.map_err(|error| {
                    format!("the database {} cannot be opened: {}", path.display(), causes(&error))
                })?;
                store.migrate().await?;
                let shop = Sqlite::open(path).await?;
                (set_up(store.clone(), keys, public_url).build()?, Box::new(shop), Some(store))
            }
        };
        let cookies =
            if config.insecure_cookies { CookieMode::insecure_development() } else { CookieMode::Host };
        let layer = ReferralLayer::builder(referrals.clone(), Sessions)
            .with_cookie(cookies)
            .with_pages(ShopPages)
            .build()?;
        let insecure = config.insecure_cookies;
        Ok(Arc::new(Self { referrals, layer, shop, sqlite, insecure }))
    }

    /// Closes the database. What was acknowledged is on disk already. This lets SQLite remove its log.
    pub(crate) async fn close(&self) {
        self.shop.close().await;
        if let Some(store) = &self.sqlite {
            store.close().await;
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.referrals.clock().now()
    }
}

fn set_up<S: Store>(store: S, keys: KeyRing, public_url: &str) -> Builder<S> {
    Referrals::builder(store, keys, public_url).with_actions(actions::DISPLAY).with_observer(report)
}

/// Logs a failure that no visitor is told of.
fn report(failure: &Failure<'_>) {
    match failure {
        Failure::Landing { error } => tracing::warn!("a visitor came without attribution: {}", causes(error)),
        Failure::Hook { event, error } => tracing::warn!("the hook {event} failed: {}", causes(*error)),
        _ => tracing::warn!("something failed that no caller was told of"),
    }
}
