//! One connection after another accepted, its handshake made, its requests answered until it ends.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response, Version};
use hyper::body::{Bytes, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::observe::Observe;
use crate::observe::event::Event;
use crate::observe::throttle::Throttle;
use crate::server::config::Config;
use crate::server::drain::{Lifecycle, Phase};
use crate::server::handshake::{Handshakes, Place};
use crate::server::idle::{Activity, Busy, Patience, Timed};

/// What every connection of the webhook port shares.
pub(crate) struct Door {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) router: Router,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) observe: Arc<Observe>,
    /// One permit a connection; all back means none is open.
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) handshakes: Handshakes,
    pub(crate) handshake_timeout: Duration,
    pub(crate) head_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    complaints: Throttle,
}

/// The largest head of an HTTP/1.1 request, in bytes.
const HEAD: usize = 64 * 1024;

/// How long to leave the listener alone after it failed, mostly for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl Door {
    pub(crate) fn new(
        config: &Config,
        slots: Arc<Semaphore>,
        acceptor: TlsAcceptor,
        router: Router,
        lifecycle: Lifecycle,
        observe: Arc<Observe>,
    ) -> Arc<Self> {
        Arc::new(Self {
            acceptor,
            router,
            lifecycle,
            observe,
            slots,
            handshakes: Handshakes::new(config.handshakes),
            handshake_timeout: config.handshake_timeout,
            head_timeout: config.head_timeout,
            idle_timeout: config.idle_timeout,
            complaints: Throttle::new(Duration::from_secs(10)),
        })
    }

    /// Accepts until the server stops. With every slot taken, newcomers wait in the system's backlog.
    pub(crate) async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut stopping = pin!(self.lifecycle.reached(Phase::Stopping));
        loop {
            let accepted = tokio::select! {
                accepted = next(&listener, &self.slots) => accepted,
                () = &mut stopping => return,
            };
            match accepted {
                Ok((slot, stream, peer)) => {
                    // Places are taken in the order of arrival, which tasks need not keep.
                    let place = self.handshakes.begin();
                    tokio::spawn(Arc::clone(&self).serve(slot, place, stream, peer));
                }
                Err(error) => {
                    if let Some(suppressed) = self.complaints.pass() {
                        self.observe.event(&Event::AcceptFailed { error: &error.to_string(), suppressed });
                    }
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// One connection from its handshake to its end.
    async fn serve(self: Arc<Self>, slot: OwnedSemaphorePermit, mut place: Place, stream: TcpStream, peer: SocketAddr) {
        let _slot = slot;
        let _counted = self.observe.metrics().connection_opened();
        // Answers are written at once; without it they would wait for the peer's delayed acknowledgements.
        let _ = stream.set_nodelay(true);
        let stream = tokio::select! {
            shaken = timeout(self.handshake_timeout, self.acceptor.accept(stream)) => shaken,
            () = place.lost() => Ok(Err(io::Error::other("made room for newer handshakes"))),
            () = self.lifecycle.reached(Phase::Ended) => return,
        };
        drop(place);
        let stream = match stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => stream,
            Err(error) => return self.handshake_failed(peer, &error),
        };
        let http = if stream.get_ref().1.alpn_protocol() == Some(b"h2") { Http::Two } else { Http::One };
        let patience =
            Patience { idle: self.idle_timeout, head: self.head_timeout, bytes_begin_a_head: http == Http::One };
        serve_http(stream, http, patience, self.router.clone(), &self.lifecycle).await;
    }

    fn handshake_failed(&self, peer: SocketAddr, error: &io::Error) {
        self.observe.metrics().tls_failed();
        if let Some(suppressed) = self.complaints.pass() {
            self.observe.event(&Event::TlsError { peer: peer.ip(), error: &error.to_string(), suppressed });
        }
    }
}

async fn next(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(OwnedSemaphorePermit, TcpStream, SocketAddr)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((slot, stream, peer))
}

/// The protocol agreed on; a client that offers none speaks HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Http {
    /// HTTP/1.1 and 1.0.
    One,
    /// HTTP/2, which only loopback URLs make the API server use.
    Two,
}

/// Answers the requests of one connection until it ends or the server does.
pub(crate) async fn serve_http<S>(stream: S, http: Http, patience: Patience, router: Router, lifecycle: &Lifecycle)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = Activity::new();
    let io = TokioIo::new(Timed::new(stream, Arc::clone(&activity), patience));
    let answering = lifecycle.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let busy = activity.begin();
        answer(router.clone(), request, answering.clone(), busy)
    });
    let builder = builder(http);
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut leaving = pin!(lifecycle.reached(leave_at(http, lifecycle.phase())));
    let mut ended = pin!(lifecycle.reached(Phase::Ended));
    let mut told = false;
    loop {
        tokio::select! {
            // How a connection ended concerns nobody: its requests were answered, counted and logged by themselves.
            _ = connection.as_mut() => return,
            () = &mut leaving, if !told => {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
            () = &mut ended => return,
        }
    }
}

/// When to take leave of a connection opened in `phase`. HTTP/2 can say goodbye without losing a request. HTTP/1.1
/// cannot: closing an idle connection may cross a request, so each is left with its next answer, or at the very end.
fn leave_at(http: Http, phase: Phase) -> Phase {
    if http == Http::Two && phase == Phase::Serving { Phase::Draining } else { Phase::Stopping }
}

async fn answer(
    router: Router,
    request: Request<Incoming>,
    lifecycle: Lifecycle,
    busy: Busy,
) -> Result<Response<Held>, Infallible> {
    let version = request.version();
    let mut response = router.oneshot(request).await?;
    if version != Version::HTTP_2 && lifecycle.phase() > Phase::Serving {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| Held { body, _busy: busy }))
}

fn builder(http: Http) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // hyper's own timeout counts idle time too; see `idle`. The buffer bounds a request's head and what is read ahead
    // of a body before it is counted.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(1_000)
        .max_frame_size(1 << 20)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .max_header_list_size(16 * 1024)
        // Against rapid reset: how many streams may be reset before or while they are served.
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(1_024);
    match http {
        Http::One => builder.http1_only(),
        Http::Two => builder.http2_only(),
    }
}

/// A body that marks its connection busy until it is sent.
struct Held {
    body: Body,
    _busy: Busy,
}

impl hyper::body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
