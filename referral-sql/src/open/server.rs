//! Pools of connections to a server.

use std::time::{Duration, Instant};

use sqlx::Connection;
use sqlx::pool::PoolOptions;

use crate::backend::Backend;

/// How many connections a pool has.
const CONNECTIONS: u32 = 10;
/// How long a call waits for a connection. This includes the time to make a new one.
const ACQUIRE: Duration = Duration::from_secs(1);
/// How long a connection that was idle may take to answer a ping.
const PING: Duration = Duration::from_millis(300);
/// How long to wait at opening for a server that may be starting. It is longer because no visitor waits for it.
const OPENING: Duration = Duration::from_secs(10);

/// The options of a pool with ten connections. A connection that died while it was idle is replaced before a call
/// gets it, even if the server did not close it.
pub(super) fn pool_options<B: Backend>() -> PoolOptions<B> {
    let options = PoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE);
    // The test of sqlx itself has no limit of its own. On a silent connection it would use up the time of the call.
    options.test_before_acquire(false).before_acquire(|connection: &mut B::Connection, _| {
        Box::pin(async {
            let silent = |_| std::io::Error::new(std::io::ErrorKind::TimedOut, "the connection is silent");
            tokio::time::timeout(PING, connection.ping()).await.map_err(silent)??;
            Ok(true)
        })
    })
}

/// Makes a pool with one open connection. The server may still be starting.
pub(super) async fn connect<B: Backend>(
    pool: PoolOptions<B>,
    options: <B::Connection as Connection>::Options,
) -> Result<sqlx::Pool<B>, sqlx::Error> {
    let begun = Instant::now();
    loop {
        match pool.clone().connect_with(options.clone()).await {
            Err(sqlx::Error::PoolTimedOut) if begun.elapsed() < OPENING => {}
            other => return other,
        }
    }
}

/// Describes where a server and its database are, for error messages.
pub(super) fn location(
    host: &str,
    port: u16,
    socket: Option<&std::path::PathBuf>,
    database: Option<&str>,
) -> String {
    let server = socket.map_or_else(|| format!("{host}:{port}"), |socket| socket.display().to_string());
    database.map_or_else(|| server.clone(), |database| format!("{database} on {server}"))
}
