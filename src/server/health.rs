//! The operations port: health, readiness and metrics in the clear, on a thread of its own, so that neither a flood of
//! reviews nor a slow policy makes a live server look dead.

use std::io;
use std::net::TcpListener as StdListener;
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::sleep;

use crate::observe::Observe;
use crate::server::connection::{Http, serve_http};
use crate::server::drain::{Lifecycle, Phase};
use crate::server::idle::Patience;
use crate::server::readiness::Readiness;

/// Connections at a time: a kubelet and a few scrapers.
const CONNECTIONS: usize = 256;

/// How patient this port is; its clients come back within a minute or open anew.
const PATIENCE: Patience =
    Patience { idle: Duration::from_mins(2), head: Duration::from_secs(10), bytes_begin_a_head: true };

#[derive(Clone)]
struct Shown {
    readiness: Arc<Readiness>,
    observe: Arc<Observe>,
}

/// `/healthz`, `/readyz` and `/metrics`.
pub(crate) fn router(readiness: Arc<Readiness>, observe: Arc<Observe>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(Shown { readiness, observe })
}

/// Serves `router` on a thread of its own until the server has ended; the receiver says when that thread is done.
pub(crate) fn serve(listener: StdListener, router: Router, lifecycle: Lifecycle) -> io::Result<oneshot::Receiver<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        TcpListener::from_std(listener)?
    };
    let (done, receiver) = oneshot::channel();
    thread::Builder::new().name("operations".to_owned()).spawn(move || {
        runtime.block_on(accept(listener, router, lifecycle));
        // Nobody may be waiting any more.
        let _ = done.send(());
    })?;
    Ok(receiver)
}

async fn accept(listener: TcpListener, router: Router, lifecycle: Lifecycle) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut ended = pin!(lifecycle.reached(Phase::Ended));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut ended => return,
        };
        let Ok((stream, _)) = accepted else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Beyond the bound a connection is closed at once, which its client sees and understands.
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            continue;
        };
        let (router, lifecycle) = (router.clone(), lifecycle.clone());
        tokio::spawn(async move {
            let _slot = slot;
            serve_http(stream, Http::One, PATIENCE, router, &lifecycle).await;
        });
    }
}

/// The process answers, so it lives.
async fn healthz() -> Response {
    text(StatusCode::OK, "ok".to_owned())
}

async fn readyz(State(shown): State<Shown>, RawQuery(query): RawQuery) -> Response {
    let report = shown.readiness.report();
    let verbose = query.is_some_and(|query| query.split('&').any(|pair| pair.split('=').next() == Some("verbose")));
    match (report.ready, verbose) {
        (true, false) => text(StatusCode::OK, "ok".to_owned()),
        (true, true) => text(StatusCode::OK, format!("{}readyz check passed\n", report.lines)),
        (false, _) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{}readyz check failed\n", report.lines)),
    }
}

async fn metrics(State(shown): State<Shown>) -> Response {
    match shown.observe.metrics().render() {
        Ok(body) => {
            (StatusCode::OK, [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], body).into_response()
        }
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

fn text(status: StatusCode, body: String) -> Response {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}
