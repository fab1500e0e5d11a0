//! The server around the router: it ends when it is asked to, whatever is half sent, and nobody holds it up.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use axum_server::Handle;
use axum_server::accept::{Accept, NoDelayAcceptor};
use hyper_util::rt::TokioTimer;
use tokio::net::TcpStream;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use tower_http::trace::TraceLayer;
use tracing::{Span, info, info_span};

/// For the head of a request, and for how long a connection may stay open without one.
const HEAD: Duration = Duration::from_secs(10);
/// Between two pieces of a body.
const BODY: Duration = Duration::from_secs(10);
/// For all of a request.
const REQUEST: Duration = Duration::from_secs(30);
/// For the requests that run when the shop is asked to stop.
const DRAIN: Duration = Duration::from_secs(5);
/// More connections than this are closed at once. Each costs a file descriptor, of which a shell allows 1,024.
const CONNECTIONS_MAX: usize = 800;

/// Serves until somebody presses Ctrl-C or sends SIGTERM, and then for [`DRAIN`] at most.
pub(crate) async fn serve(listener: TcpListener, router: Router) -> io::Result<()> {
    let log = TraceLayer::new_for_http()
        // Without the query, in which a visitor may send what belongs in no log.
        .make_span_with(|request: &Request| info_span!("request", method = %request.method(), path = request.uri().path()))
        .on_request(())
        .on_response(|response: &Response, took: Duration, _: &Span| {
            info!(status = response.status().as_u16(), ms = took.as_millis(), "answered");
        });
    let router = router
        .layer(RequestBodyTimeoutLayer::new(BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST))
        .layer(log);
    let handle = Handle::new();
    let stop = handle.clone();
    tokio::spawn(async move {
        asked_to_stop().await;
        stop.graceful_shutdown(Some(DRAIN));
    });
    let mut server = axum_server::from_tcp(listener)?.acceptor(Capped(handle.clone())).handle(handle);
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await
}

/// Closes the connections that are too many.
#[derive(Clone)]
struct Capped(Handle<SocketAddr>);

impl<S> Accept<TcpStream, S> for Capped {
    type Stream = TcpStream;
    type Service = S;
    type Future = std::future::Ready<io::Result<(TcpStream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        if self.0.connection_count() > CONNECTIONS_MAX {
            return std::future::ready(Err(io::Error::other("too many connections")));
        }
        NoDelayAcceptor.accept(stream, service)
    }
}

/// Ends when somebody presses Ctrl-C or sends SIGTERM.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // On a machine without signals there is nothing to wait for but the end of the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
