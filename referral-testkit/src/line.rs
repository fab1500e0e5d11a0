//! A line to a server that a harness can cut, for [`Harness::break_backend`](crate::Harness::break_backend).

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A TCP line to a server, on a port of the loopback interface. It carries bytes on threads of its own, and ends with this
/// value.
pub struct Line {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Whether every connection is cut, and what connects too.
    cut: AtomicBool,
    ended: AtomicBool,
    /// The line is cut at the first request that holds these bytes.
    waits: Mutex<Option<Waits>>,
    open: Mutex<Vec<TcpStream>>,
}

#[derive(Clone)]
struct Waits {
    bytes: Vec<u8>,
    /// Whether the request reaches the server, and the line is cut when the answer comes.
    passes: bool,
}

impl Line {
    /// A line to a server, such as `127.0.0.1:5432`.
    ///
    /// # Errors
    /// Where no port can be had.
    pub fn to(server: String) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (address, state) = (listener.local_addr()?, Arc::<State>::default());
        let own = state.clone();
        thread::Builder::new().name("line".to_owned()).spawn(move || accept(&listener, &server, &own))?;
        Ok(Self { address, state })
    }

    /// Where the line begins.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes every connection, and whatever connects from now on.
    pub fn cut(&self) {
        self.state.cut();
    }

    /// The next request that holds these bytes is lost, and the line is cut.
    pub fn cut_before(&self, request: &str) {
        self.state.wait_for(Waits { bytes: request.as_bytes().to_vec(), passes: false });
    }

    /// The next request that holds these bytes is carried out by the server, its answer is lost, and the line is cut.
    pub fn cut_after(&self, request: &str) {
        self.state.wait_for(Waits { bytes: request.as_bytes().to_vec(), passes: true });
    }

    /// What connects from now on works.
    pub fn mend(&self) {
        *self.state.waits.lock().unwrap() = None;
        self.state.cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        self.state.cut();
        // The thread that accepts looks up when somebody connects.
        drop(TcpStream::connect(self.address));
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("address", &self.address).finish_non_exhaustive()
    }
}

impl State {
    fn cut(&self) {
        // Under the lock, so that no connection is added in between.
        let mut open = self.open.lock().unwrap();
        self.cut.store(true, Ordering::SeqCst);
        for connection in open.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    fn wait_for(&self, waits: Waits) {
        *self.waits.lock().unwrap() = Some(waits);
    }

    /// What shall become of the connection after this request, if the line waits for it.
    fn waited_for(&self, request: &[u8]) -> Option<Waits> {
        let mut waits = self.waits.lock().unwrap();
        let found = waits.as_ref().is_some_and(|waits| {
            request.windows(waits.bytes.len()).any(|window| window == waits.bytes.as_slice())
        });
        if found { waits.take() } else { None }
    }

    /// Notes the two ends of a connection, unless the line is cut.
    fn opens(&self, ends: [&TcpStream; 2]) -> bool {
        let mut open = self.open.lock().unwrap();
        if self.cut.load(Ordering::SeqCst) {
            return false;
        }
        open.extend(ends.into_iter().filter_map(|end| end.try_clone().ok()));
        true
    }
}

fn accept(listener: &TcpListener, server: &str, state: &Arc<State>) {
    while let Ok((client, _)) = listener.accept() {
        if state.ended.load(Ordering::SeqCst) {
            return;
        }
        let Ok(server) = TcpStream::connect(server) else { continue };
        if !state.opens([&client, &server]) {
            continue;
        }
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone()) else { continue };
        let loses = Arc::new(AtomicBool::new(false));
        let (state, own, heard) = (state.clone(), state.clone(), loses.clone());
        thread::spawn(move || carry(from_client, server, |request| asked(&state, &loses, request)));
        thread::spawn(move || carry(from_server, client, |_| answered(&own, &heard)));
    }
}

/// Whether a request may reach the server.
fn asked(state: &State, loses: &AtomicBool, request: &[u8]) -> bool {
    match state.waited_for(request) {
        Some(waits) if waits.passes => {
            loses.store(true, Ordering::SeqCst);
            true
        }
        Some(_) => {
            state.cut();
            false
        }
        None => true,
    }
}

/// Whether an answer may reach the client.
fn answered(state: &State, loses: &AtomicBool) -> bool {
    let lost = loses.load(Ordering::SeqCst);
    if lost {
        state.cut();
    }
    !lost
}

/// Carries bytes until one end closes, or until they may not pass.
fn carry(mut from: TcpStream, mut to: TcpStream, mut passes: impl FnMut(&[u8]) -> bool) {
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut chunk) {
        if !passes(&chunk[..read]) || to.write_all(&chunk[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers each request with itself, and tells what it heard.
    fn echo() -> (String, std::sync::mpsc::Receiver<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (told, heard) = std::sync::mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, told) = (stream.unwrap(), told.clone());
                thread::spawn(move || {
                    let mut chunk = [0; 64];
                    while let Ok(read @ 1..) = stream.read(&mut chunk) {
                        let _ = told.send(chunk[..read].to_vec());
                        let _ = stream.write_all(&chunk[..read]);
                    }
                });
            }
        });
        (address, heard)
    }

    fn ask(line: &Line, request: &str) -> Option<String> {
        let mut stream = TcpStream::connect(line.address()).unwrap();
        stream.write_all(request.as_bytes()).ok()?;
        let mut chunk = [0; 64];
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        Some(String::from_utf8(chunk[..read].to_vec()).unwrap())
    }

    #[test]
    fn a_line_loses_what_it_is_told_to_and_works_again_when_it_is_mended() {
        let (server, heard) = echo();
        let line = Line::to(server).unwrap();
        line.cut_after("COMMIT");
        assert_eq!(ask(&line, "BEGIN").as_deref(), Some("BEGIN"));
        assert_eq!(ask(&line, "COMMIT"), None);
        assert_eq!(ask(&line, "BEGIN"), None, "a line that was cut stays cut");
        line.mend();
        line.cut_before("COMMIT");
        assert_eq!(ask(&line, "COMMIT"), None);
        line.mend();
        assert_eq!(ask(&line, "end").as_deref(), Some("end"));
        line.cut();
        assert_eq!(ask(&line, "nobody"), None);
        let heard: Vec<_> = heard.try_iter().map(|request| String::from_utf8(request).unwrap()).collect();
        assert_eq!(heard, ["BEGIN", "COMMIT", "end"]);
    }
}
