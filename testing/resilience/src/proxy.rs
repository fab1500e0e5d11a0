//! A line to a server that can fall silent, be cut and be slow.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

/// Any number of chunks passes.
const UNCOUNTED: i64 = i64::MAX;
/// The line is cut when the chunks are used up.
const CUTTING: u64 = 1;
/// The line is cut, and what connects is closed.
const IS_CUT: u64 = 2;

/// A TCP line to a server. Ends with this value.
///
/// A line that fell silent stays silent for whoever was on it: nothing arrives, nothing is closed, and the server
/// is not told when the client goes. What connects meanwhile is accepted and silent as well. What connects after
/// [`Proxy::speak`] works.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    end: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    /// Connections with a lower number are silent for ever.
    dead_below: AtomicU64,
    next: AtomicU64,
    /// How many more chunks pass before the line falls silent, or is cut.
    left: AtomicI64,
    cut: watch::Sender<u64>,
    cuts: AtomicU64,
    chunks: AtomicU64,
    delay: AtomicU64,
}

impl State {
    fn silence(&self) {
        self.dead_below.store(u64::MAX, Ordering::SeqCst);
    }

    fn is_dead(&self, connection: u64) -> bool {
        connection < self.dead_below.load(Ordering::SeqCst)
    }

    /// Counts a chunk; whether it may pass.
    fn passes(&self, connection: u64) -> bool {
        if self.is_dead(connection) {
            return false;
        }
        self.chunks.fetch_add(1, Ordering::SeqCst);
        if self.left.load(Ordering::SeqCst) == UNCOUNTED || self.left.fetch_sub(1, Ordering::SeqCst) > 0 {
            return true;
        }
        if self.cuts.load(Ordering::SeqCst) == CUTTING {
            self.cuts.store(IS_CUT, Ordering::SeqCst);
            self.cut.send_modify(|cuts| *cuts += 1);
        } else {
            self.silence();
        }
        false
    }
}

impl Proxy {
    /// A line to a server, on a port of the loopback interface.
    pub async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            dead_below: AtomicU64::new(0),
            next: AtomicU64::new(0),
            left: AtomicI64::new(UNCOUNTED),
            cut: watch::Sender::new(0),
            cuts: AtomicU64::new(0),
            chunks: AtomicU64::new(0),
            delay: AtomicU64::new(0),
        });
        let (end, ended) = watch::channel(false);
        tokio::spawn(accept(listener, server, state.clone(), ended));
        Self { address, state, end }
    }

    /// A line to the server of a URL, and the URL that leads through it.
    pub async fn before(url: &str) -> (Self, String) {
        let mut url: Url = url.parse().unwrap();
        let port = url.port().unwrap_or(match url.scheme() {
            "postgres" | "postgresql" => 5432,
            "mysql" | "mariadb" => 3306,
            _ => 27017,
        });
        let proxy = Self::to(format!("{}:{port}", url.host_str().unwrap())).await;
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(proxy.address.port())).unwrap();
        (proxy, url.into())
    }

    /// Everything on the line is silent from now on, and so is what connects.
    pub fn silence(&self) {
        self.state.silence();
    }

    /// The line falls silent when so many more chunks, of either direction, have passed.
    pub fn silence_after(&self, chunks: i64) {
        self.state.cuts.store(0, Ordering::SeqCst);
        self.state.left.store(chunks, Ordering::SeqCst);
    }

    /// Every connection is closed when so many more chunks, of either direction, have passed, and so is what connects
    /// then, until [`Proxy::speak`].
    pub fn cut_after(&self, chunks: i64) {
        self.state.cuts.store(CUTTING, Ordering::SeqCst);
        self.state.left.store(chunks, Ordering::SeqCst);
    }

    /// What connects from now on works. Who was on the line when it fell silent, stays so.
    pub fn speak(&self) {
        self.state.left.store(UNCOUNTED, Ordering::SeqCst);
        self.state.cuts.store(0, Ordering::SeqCst);
        self.state.dead_below.store(self.state.next.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Each chunk takes so long from now on.
    pub fn delay(&self, delay: Duration) {
        let micros = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        self.state.delay.store(micros, Ordering::SeqCst);
    }

    /// Whether the line was cut.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.state.cuts.load(Ordering::SeqCst) == IS_CUT
    }

    /// How many chunks have passed, in both directions.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        self.state.chunks.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.end.send_replace(true);
    }
}

async fn accept(listener: TcpListener, server: String, state: Arc<State>, mut end: watch::Receiver<bool>) {
    loop {
        let client = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            _ = end.changed() => return,
        };
        if state.cuts.load(Ordering::SeqCst) == IS_CUT {
            continue;
        }
        let connection = state.next.fetch_add(1, Ordering::SeqCst);
        let (server, state, end) = (server.clone(), state.clone(), end.clone());
        tokio::spawn(async move {
            let (mut end, mut cut) = (end, state.cut.subscribe());
            cut.mark_unchanged();
            tokio::select! {
                () = carry(client, &server, connection, &state) => {}
                _ = cut.changed() => {}
                _ = end.changed() => {}
            }
        });
    }
}

/// Carries bytes until one end closes; a silent line never tells the server that it did.
async fn carry(client: TcpStream, server: &str, connection: u64, state: &State) {
    client.set_nodelay(true).unwrap();
    if state.is_dead(connection) {
        let (mut silent, mut sink) = (client, [0; 4096]);
        while silent.read(&mut sink).await.is_ok_and(|read| read > 0) {}
        return;
    }
    let Ok(server) = TcpStream::connect(server).await else { return };
    server.set_nodelay(true).unwrap();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pump(from_client, to_server, connection, state) => {}
        () = pump(from_server, to_client, connection, state) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, connection: u64, state: &State) {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut chunk).await.unwrap_or(0);
        if state.is_dead(connection) {
            if read == 0 {
                // Neither end hears of the other until the proxy ends.
                std::future::pending::<()>().await;
            }
            continue;
        }
        if read == 0 {
            return;
        }
        let delay = state.delay.load(Ordering::SeqCst);
        if delay > 0 {
            tokio::time::sleep(Duration::from_micros(delay)).await;
        }
        if state.passes(connection) && to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}
