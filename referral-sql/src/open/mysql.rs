//! Opens MySQL and MariaDB.

use std::time::Duration;

use referral_core::store::StoreError;
use sqlx::mysql::{MySql, MySqlConnectOptions, MySqlPoolOptions};

use super::server::{connect, location, pool_options};
use crate::backend::Driver;
use crate::error::{DbError, opening};
use crate::store::SqlStore;

/// READ COMMITTED, because under the default level a transaction reads old versions of rows. It could not see which
/// record it lost a race against.
const ISOLATION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
/// After how many seconds the server ends waits, transactions and sessions. MySQL has no limit for idle
/// transactions, so all idle sessions have one there.
const SESSION: &str = "SET SESSION innodb_lock_wait_timeout = 4
    /*M!100300 , idle_transaction_timeout = 10, max_statement_time = 30 */
    /*!80000 , wait_timeout = 60 */";
/// The pool closes an idle connection before the server would.
const IDLE: Duration = Duration::from_secs(45);

impl SqlStore<MySql> {
    /// Returns the options of the pool that [`MySqlStore::open`](Self::open) makes, for a host that wants to change
    /// its size.
    ///
    /// The pool has ten connections at READ COMMITTED. A call waits one second for a connection. A connection that
    /// was idle is pinged before it is used again, and replaced if it does not answer within 0.3 seconds. A
    /// statement waits four seconds for a lock of another transaction. A client that is gone must not hold locks
    /// for long. So MariaDB ends an idle transaction after ten seconds and a statement after 30 seconds, and MySQL
    /// ends an idle session after 60 seconds.
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
    /// `Invalid` for text that is not a URL; `Unavailable` if the server does not answer for ten seconds.
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
