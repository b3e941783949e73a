//! Sending spans to a collector: OTLP over HTTP with Protocol Buffers
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).

use std::fmt;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use tokio::runtime::Handle;

/// How long a batch may take on its way; the spans of one that takes longer are lost.
const LIMIT: Duration = Duration::from_secs(5);

/// The most that is read of a collector's answer.
const ANSWER_BYTES: usize = 64 * 1024;

/// Why no spans can be sent.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// The address is none.
    #[error("--otlp-endpoint {0}: write http://HOST:4318 or https://HOST:4318, with a path if it is not /v1/traces")]
    Endpoint(String),
    /// The machine's certificate authorities cannot be read.
    #[error("--otlp-endpoint: the system's certificate authorities cannot be read")]
    Roots(#[source] std::io::Error),
    /// The exporter cannot be made.
    #[error("--otlp-endpoint {0}")]
    Exporter(String, #[source] ExporterBuildError),
}

/// An exporter to a collector's address, such as `http://localhost:4318`. Requests are made on the runtime in which this
/// is called.
pub fn exporter(endpoint: &str) -> Result<SpanExporter, OtlpError> {
    let address = address(endpoint).ok_or_else(|| OtlpError::Endpoint(endpoint.to_owned()))?;
    let client = Collector::new(Handle::current(), address.starts_with("https:"))?;
    SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(address)
        .with_timeout(LIMIT)
        .build()
        .map_err(|error| OtlpError::Exporter(endpoint.to_owned(), error))
}

/// The address with the path that the protocol gives to traces, unless it has one.
fn address(endpoint: &str) -> Option<String> {
    let uri: hyper::Uri = endpoint.parse().ok()?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return None;
    }
    let has_path = !matches!(uri.path(), "" | "/");
    Some(if has_path { endpoint.to_owned() } else { format!("{}/v1/traces", endpoint.trim_end_matches('/')) })
}

/// The client, on a runtime: exporters call it from threads of their own.
struct Collector {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: Handle,
}

impl Collector {
    fn new(runtime: Handle, is_encrypted: bool) -> Result<Self, OtlpError> {
        let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into());
        let tls = tls.with_safe_default_protocol_versions().map_err(std::io::Error::other).map_err(OtlpError::Roots)?;
        let tls = if is_encrypted {
            tls.with_native_roots().map_err(OtlpError::Roots)?.with_no_client_auth()
        } else {
            // In the clear no authority is asked, and an image without any will do.
            tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
        };
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), runtime })
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.client.request(request.map(Full::new));
        let answer = self.runtime.spawn(async move {
            let answered = async {
                let (head, body) = sent.await?.into_parts();
                let body = Limited::new(body, ANSWER_BYTES).collect().await?.to_bytes();
                Ok::<_, HttpError>(Response::from_parts(head, body))
            };
            tokio::time::timeout(LIMIT, answered).await?
        });
        answer.await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_the_path_of_traces_unless_it_has_one() {
        assert_eq!(address("http://collector:4318").as_deref(), Some("http://collector:4318/v1/traces"));
        assert_eq!(address("https://collector:4318/").as_deref(), Some("https://collector:4318/v1/traces"));
        assert_eq!(
            address("http://[::1]:4318/tenant/v1/traces").as_deref(),
            Some("http://[::1]:4318/tenant/v1/traces")
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for endpoint in ["", "collector:4318", "localhost", "grpc://collector:4317", "http://", "/v1/traces"] {
            assert_eq!(address(endpoint), None, "{endpoint}");
        }
    }
}
