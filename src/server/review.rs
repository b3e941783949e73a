//! One request on the webhook port, from its head to its answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, EXPECT, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use crate::admission::{Admit, Reply, Webhook};
use crate::observe::Observe;
use crate::observe::event::Event;
use crate::observe::metrics::Rejection;
use crate::observe::spans::Timing;
use crate::observe::throttle::Throttle;
use crate::observe::trace::Caller;
use crate::server::body::{self, BodyError, Received};
use crate::server::bounds::{Memory, Place, Pool};
use crate::server::config::Config;
use crate::server::timeout;

/// Where a request comes from.
#[derive(Clone, Copy)]
struct Origin {
    caller: Option<Caller>,
    arrived: SystemTime,
    /// When facts were asked for, and had or given up; nothing if none were lacking.
    facts: Option<(SystemTime, SystemTime)>,
}

/// What answering takes.
pub(crate) struct Desk {
    admission: Arc<dyn Admit>,
    observe: Arc<Observe>,
    timeout: Duration,
    body_limit: usize,
    memory: Memory,
    requests: Semaphore,
    pool: Pool,
    shedding: Throttle,
}

impl Desk {
    pub(crate) fn new(config: &Config, admission: Arc<dyn Admit>, observe: Arc<Observe>) -> Self {
        Self {
            admission,
            observe,
            timeout: config.timeout,
            body_limit: config.body_limit,
            memory: Memory::new(config.body_memory),
            requests: Semaphore::new(config.requests.min(Semaphore::MAX_PERMITS)),
            pool: Pool::new(config.processors),
            shedding: Throttle::new(Duration::from_secs(10)),
        }
    }

    /// Answers one request to `webhook`.
    pub(crate) async fn answer(self: Arc<Self>, webhook: Webhook, request: Request) -> Response {
        let arrived = SystemTime::now();
        let deadline = Instant::now() + timeout::budget(request.uri().query(), self.timeout);
        let (head, body) = request.into_parts();
        let Ok(_one) = self.requests.try_acquire() else {
            return self.refuse(&head.headers, body, self.shed("requests")).await;
        };
        let _counted = self.observe.metrics().request_started();
        if !is_plain_json(&head.headers) {
            let answer = self.reject(Rejection::MediaType, StatusCode::UNSUPPORTED_MEDIA_TYPE, NOT_JSON);
            return self.refuse(&head.headers, body, answer).await;
        }
        match body::receive(body, self.body_limit, &self.memory, deadline).await {
            Ok(received) => {
                let trace = head.headers.get("traceparent").and_then(|value| value.to_str().ok());
                let origin = Origin { caller: trace.and_then(Caller::from_traceparent), arrived, facts: None };
                Arc::clone(&self).decide(webhook, received, deadline, origin).await
            }
            Err(BodyError::NoRoom) => self.shed("memory"),
            Err(why @ BodyError::TooSlow) => {
                closing(self.reject(Rejection::SlowBody, StatusCode::REQUEST_TIMEOUT, &why.to_string()))
            }
            Err(why @ BodyError::Broken) => {
                closing(self.reject(Rejection::SlowBody, StatusCode::BAD_REQUEST, &why.to_string()))
            }
        }
    }

    async fn decide(
        self: Arc<Self>,
        webhook: Webhook,
        received: Received,
        deadline: Instant,
        mut origin: Origin,
    ) -> Response {
        if received.bytes.is_empty() {
            return self.reject(Rejection::Empty, StatusCode::BAD_REQUEST, EMPTY);
        }
        if let Some(lookup) = self.admission.prepare(&received.bytes) {
            let asked = SystemTime::now();
            // Without an answer in time the fact stays unknown, which the policies' fail modes are for.
            let _ = timeout_at(deadline, lookup).await;
            origin.facts = Some((asked, SystemTime::now()));
        }
        match self.pool.place(received.bytes.len(), deadline).await {
            Place::Inline => {
                let start = Instant::now();
                let answer = self.admit(webhook, &received, deadline, origin);
                self.pool.took(start.elapsed());
                answer
            }
            Place::Aside(permit) => {
                // The permit goes along: a caller that goes away does not free the processor.
                let work = spawn_blocking(move || {
                    let _permit = permit;
                    self.admit(webhook, &received, deadline, origin)
                });
                // It catches its own panics, so only the end of the runtime can get here.
                work.await.unwrap_or_else(|_| broken())
            }
            // With no time left the answer is a refusal that quotes the uid, and cheap.
            Place::Late => self.admit(webhook, &received, deadline, origin),
        }
    }

    /// Decides, counts and logs. A panic costs this request only.
    fn admit(&self, webhook: Webhook, received: &Received, deadline: Instant, origin: Origin) -> Response {
        let timing = Timing { arrived: origin.arrived, facts: origin.facts, decided_from: SystemTime::now() };
        let decided = catch_unwind(AssertUnwindSafe(|| {
            if received.oversize {
                return self.admission.refuse_oversize(webhook, &received.bytes, self.body_limit);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            self.admission.admit(webhook, &received.bytes, left)
        }));
        let Ok(reply) = decided else {
            self.observe.metrics().panicked();
            return broken();
        };
        if received.oversize {
            self.observe.metrics().rejected(Rejection::Oversize);
        } else if reply.record.is_none() {
            self.observe.metrics().rejected(Rejection::Malformed);
        }
        if let Some(record) = &reply.record {
            self.observe.admitted(record, origin.caller, timing);
        }
        answer(reply)
    }

    /// Gives `answer` after reading what is still coming, so that a client which writes first gets to read it.
    async fn refuse(&self, headers: &HeaderMap, body: Body, answer: Response) -> Response {
        // Who waits for `100 Continue` sends nothing yet and reads the answer at once.
        if !headers.contains_key(EXPECT) {
            body::drain_refused(body).await;
        }
        answer
    }

    fn reject(&self, why: Rejection, status: StatusCode, text: &str) -> Response {
        self.observe.metrics().rejected(why);
        plain(status, text)
    }

    /// Too busy: the API server honours `Retry-After` and `Connection: close` and tries another replica.
    fn shed(&self, bound: &str) -> Response {
        self.observe.metrics().shed();
        if let Some(suppressed) = self.shedding.pass() {
            self.observe.event(&Event::Shed { bound, suppressed });
        }
        let mut response = closing(plain(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once, try again"));
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        response
    }
}

const NOT_JSON: &str = "send an AdmissionReview as application/json without a content encoding";
const EMPTY: &str = "the body is empty: send an AdmissionReview";

/// `application/json`, whatever its parameters, and no content encoding: what is compressed may be a bomb.
fn is_plain_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let json = match (types.next(), types.next()) {
        (Some(value), None) => value.to_str().is_ok_and(|value| {
            value.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
        }),
        _ => false,
    };
    let encoded = |value: &HeaderValue| !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    json && !headers.get_all(CONTENT_ENCODING).iter().any(encoded)
}

fn answer(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let media_type = if status == StatusCode::OK { "application/json" } else { "text/plain; charset=utf-8" };
    (status, [(CONTENT_TYPE, media_type)], reply.body).into_response()
}

fn plain(status: StatusCode, text: &str) -> Response {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{text}\n")).into_response()
}

fn broken() -> Response {
    plain(StatusCode::INTERNAL_SERVER_ERROR, "a fault in the webhook server; see its log")
}

fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &'static str)], expected: bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        assert_eq!(is_plain_json(&map), expected, "{headers:?}");
    }

    #[test]
    fn takes_json_with_any_parameters() {
        check(&[("content-type", "application/json")], true);
        check(&[("content-type", "Application/JSON ; charset=utf-8; x=y")], true);
        check(&[("content-type", "application/json"), ("content-encoding", "Identity")], true);
    }

    #[test]
    fn takes_nothing_else() {
        check(&[], false);
        check(&[("content-type", "")], false);
        check(&[("content-type", "text/plain")], false);
        check(&[("content-type", "application/jsonp")], false);
        check(&[("content-type", "application/yaml; application/json")], false);
        check(&[("content-type", "application/json"), ("content-type", "application/json")], false);
        check(&[("content-type", "application/json"), ("content-encoding", "gzip")], false);
        check(&[("content-type", "application/json"), ("content-encoding", "identity, gzip")], false);
    }
}
