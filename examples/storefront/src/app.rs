//! The application: one facade, one shop, one router.

use std::error::Error as StdError;
use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use referral_core::{Builder, Failure};
use referral_core::memory::MemoryStore;
use referral_core::Timestamp;
use referral_core::store::Store;
use referral_core::{KeyRing, Referrals};
use referral_sql::SqliteStore;
use referral_tower::{CookieMode, ReferralLayer};

use crate::assets;
use crate::config::{Config, Database};
use crate::fault::{causes, finish};
use crate::pages::{account, checkout, home, links, me, product, tower_pages::ShopPages};
use crate::session::{Sessions, session};
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

/// What happens in this shop, and what people read of it.
pub(crate) mod actions {
    pub(crate) const SIGNED_UP: &str = "SIGNED_UP";
    pub(crate) const VIEWED_PRODUCT: &str = "VIEWED_PRODUCT";
    pub(crate) const ORDERED: &str = "ORDERED";
    pub(crate) const REFUNDED: &str = "REFUNDED";

    /// In the order in which they usually happen.
    pub(crate) const DISPLAY: [(&str, &str); 4] = [
        (VIEWED_PRODUCT, "Looked at a product"),
        (SIGNED_UP, "Signed up"),
        (ORDERED, "Ordered"),
        (REFUNDED, "Sent an order back"),
    ];
}

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

    /// Closes the database. Whatever was acknowledged is on disk already; this lets SQLite put its log away.
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

/// What no visitor is told of stands in the log.
fn report(trouble: &Trouble<'_>) {
    match trouble {
        Trouble::Landing { error } => tracing::warn!("a visitor came without attribution: {}", causes(error)),
        Trouble::Hook { event, error } => tracing::warn!("the hook {event} failed: {}", causes(*error)),
        _ => tracing::warn!("trouble that no caller was told of"),
    }
}

/// Every route, with the layers around it: a request passes the last one first.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/", get(home::show))
        .route("/products/{id}", get(product::show))
        .route("/signup", get(account::sign_up_form).post(account::sign_up))
        .route("/login", get(account::login_form).post(account::login))
        .route("/logout", post(account::logout))
        .route("/checkout", post(checkout::order))
        .route("/refund", post(checkout::refund))
        .route("/orders/{number}", get(checkout::show))
        .route("/me", get(me::show))
        .route("/me/links", post(links::make))
        .route("/me/links/{id}", post(links::edit))
        .route("/me/links/{id}/disable", post(links::disable))
        .route("/me/links/{id}/enable", post(links::enable))
        .with_state(Arc::clone(&app))
        .merge(referral_tower::routes(&app.layer))
        .layer(app.layer.clone())
        .layer(from_fn_with_state(Arc::clone(&app), session))
        .route("/assets/style.css", get(assets::style))
        .route("/assets/icon.svg", get(assets::icon))
        .layer(from_fn(finish))
}
