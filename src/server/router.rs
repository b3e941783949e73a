//! The paths of the webhook port.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::post;

use crate::admission::Webhook;
use crate::server::review::Desk;

/// `POST /validate` and `POST /mutate`; other methods get 405 and other paths 404.
pub(crate) fn router(desk: Arc<Desk>) -> Router {
    let to = |webhook| post(move |State(desk): State<Arc<Desk>>, request: Request| desk.answer(webhook, request));
    Router::new().route("/validate", to(Webhook::Validate)).route("/mutate", to(Webhook::Mutate)).with_state(desk)
}
