//! Pools of connections to a server.

use std::time::{Duration, Instant};

use sqlx::Connection;
use sqlx::pool::PoolOptions;

use crate::backend::Backend;

/// How many connections a pool of ours has.
const CONNECTIONS: u32 = 10;
/// How long a call waits for a connection of a pool of ours; making a new one is included.
const ACQUIRE: Duration = Duration::from_secs(1);
/// How long a connection that was idle may take to answer a ping.
const PING: Duration = Duration::from_millis(300);
/// How long opening waits for a server that may be starting. No visitor waits for it, so it has more time.
const OPENING: Duration = Duration::from_secs(10);

/// Ten connections. One that died while it was idle, even if nothing told us, is replaced before a call gets it.
pub(super) fn pool_options<B: Backend>() -> PoolOptions<B> {
    let options = PoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE);
    // sqlx's own test of a connection waits for a silent one until the call's time is up.
    options.test_before_acquire(false).before_acquire(|connection: &mut B::Connection, _| {
        Box::pin(async {
            let silent = |_| std::io::Error::new(std::io::ErrorKind::TimedOut, "the connection is silent");
            tokio::time::timeout(PING, connection.ping()).await.map_err(silent)??;
            Ok(true)
        })
    })
}

/// A pool with one connection made, from a server that may be starting.
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

/// Where a server is, in words.
pub(super) fn location(
    host: &str,
    port: u16,
    socket: Option<&std::path::PathBuf>,
    database: Option<&str>,
) -> String {
    let server = socket.map_or_else(|| format!("{host}:{port}"), |socket| socket.display().to_string());
    database.map_or_else(|| server.clone(), |database| format!("{database} on {server}"))
}
