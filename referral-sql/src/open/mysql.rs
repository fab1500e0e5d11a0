//! Opening MySQL and MariaDB.

use std::time::Duration;

use referral_core::store::StoreError;
use sqlx::mysql::{MySql, MySqlConnectOptions, MySqlPoolOptions};

use super::server::{connect, location, pool_options};
use crate::backend::Driver;
use crate::error::{DbError, opening};
use crate::store::SqlStore;

/// READ COMMITTED, because the default shows a transaction the past, so that a lost race could not be explained.
const ISOLATION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
/// When the server gives up on a session. MySQL cannot tell a transaction in which nothing happens from a session in
/// which nothing happens.
const SESSION: &str = "SET SESSION innodb_lock_wait_timeout = 4
    /*M!100300 , idle_transaction_timeout = 10, max_statement_time = 30 */
    /*!80000 , wait_timeout = 60 */";
/// A pool lets go of an idle connection before the server does.
const IDLE: Duration = Duration::from_secs(45);

impl SqlStore<MySql> {
    /// What [`MySqlStore::open`](Self::open) makes its pool with, for a host that wants another size of it.
    ///
    /// Ten connections at READ COMMITTED. A call waits one second for one. One that was idle is asked before it is
    /// used again, and replaced if it does not answer within 0.3 seconds. A statement waits four seconds for
    /// others' locks. So that a connection that fell silent holds no locks for long, MariaDB ends a transaction in which
    /// nothing happens after ten seconds and a statement after 30, MySQL a session in which nothing happens after 60.
    #[must_use]
    pub fn pool_options() -> MySqlPoolOptions {
        pool_options::<MySql>().idle_timeout(IDLE).after_connect(|connection, _| {
            Box::pin(async {
                connection.control(ISOLATION).await?;
                connection.control(SESSION).await
            })
        })
    }

    /// Opens a database by its `mysql://` URL, with a pool as [`MySqlStore::pool_options`](Self::pool_options)
    /// describes it.
    ///
    /// # Errors
    /// `Invalid` for a URL that is none, `Unavailable` where the server does not answer for ten seconds.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let invalid = |error| DbError::from(error).into_error::<MySql>("open");
        Self::connect(Self::pool_options(), url.parse().map_err(invalid)?).await
    }

    pub(crate) async fn connect(
        pool: MySqlPoolOptions,
        options: MySqlConnectOptions,
    ) -> Result<Self, StoreError> {
        let place = place(&options);
        let pool = connect(pool, options).await.map_err(|error| opening::<MySql>(error, place))?;
        Self::from_pool(pool).await
    }
}

/// The server and the database of these options, without the password.
pub(crate) fn place(options: &MySqlConnectOptions) -> String {
    location(options.get_host(), options.get_port(), options.get_socket(), options.get_database())
}
