//! A collector of traces, with or without TLS, that kept who came and how far.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::pair::Pair;

/// Listens on the loopback.
pub(super) struct Collector {
    pub(super) address: SocketAddr,
    visits: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    /// Starts one, with the certificate of `pair` if there is one.
    pub(super) async fn start(pair: Option<&Pair>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = pair.map(acceptor);
        let visits = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&visits);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, kept) = (acceptor.clone(), Arc::clone(&kept));
                tokio::spawn(async move {
                    let note = match acceptor {
                        None => request(stream).await,
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => request(stream).await,
                            Err(error) => format!("no handshake: {error}"),
                        },
                    };
                    kept.lock().unwrap().push(note);
                });
            }
        });
        Self { address, visits }
    }

    /// The first line of each request, or why there was none.
    pub(super) fn visits(&self) -> Vec<String> {
        self.visits.lock().unwrap().clone()
    }
}

fn acceptor(pair: &Pair) -> TlsAcceptor {
    let chain = vec![CertificateDer::from_pem_slice(pair.chain.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap()))
}

/// Reads the head of a request and answers it; its first line.
async fn request(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let mut read = Vec::new();
    while !read.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read_buf(&mut read).await {
            Ok(0) => return "closed".to_owned(),
            Ok(_) => {}
            Err(error) => return format!("no request: {error}"),
        }
    }
    // The client may be gone; what it asked counts.
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    let text = String::from_utf8_lossy(&read).into_owned();
    text.lines().next().unwrap().to_owned()
}
