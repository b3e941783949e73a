//! A name server that knows one name (RFC 1035).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;

/// The class and type of a question for IPv4 addresses.
const ADDRESS_V4: [u8; 4] = [0, 1, 0, 1];

/// Clients know no other port, so that servers differ by address: the last byte of the next one.
static NEXT: AtomicU8 = AtomicU8::new(1);

/// A server on port 53 of an address of its own.
pub(super) struct Resolver {
    pub(super) address: IpAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Resolver {
    /// Answers 127.0.0.1 for `known`, and for all else that there is no such name.
    pub(super) async fn start(known: &'static str) -> Self {
        let address = IpAddr::V4(Ipv4Addr::new(127, 53, 0, NEXT.fetch_add(1, Ordering::Relaxed)));
        let socket = UdpSocket::bind(SocketAddr::new(address, 53)).await.unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            loop {
                let (length, peer) = socket.recv_from(&mut buffer).await.unwrap();
                let (name, answer) = answer(&buffer[..length], known);
                noted.lock().unwrap().push(name);
                socket.send_to(&answer, peer).await.unwrap();
            }
        });
        Self { address, asked }
    }

    /// The names it was asked for.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// The name asked for, and the answer.
fn answer(query: &[u8], known: &str) -> (String, Vec<u8>) {
    let (id, rest) = (&query[..2], &query[12..]);
    let mut labels = Vec::new();
    let mut at = 0;
    while rest[at] != 0 {
        let end = at + 1 + usize::from(rest[at]);
        labels.push(std::str::from_utf8(&rest[at + 1..end]).unwrap());
        at = end;
    }
    let name = labels.join(".");
    let question = &rest[..at + 5];
    let is_known = name == known;
    let has_address = is_known && question[at + 1..] == ADDRESS_V4[..];
    // A response, recursion available; no error, or code 3, no such name. Then the counts of the four sections.
    let flags = if is_known { [0x81, 0x80] } else { [0x81, 0x83] };
    let counts = [0, 1, 0, u8::from(has_address), 0, 0, 0, 0];
    let mut answer = [id, &flags, &counts, question].concat();
    if has_address {
        // The name of the question, for 5 seconds, in 4 bytes.
        answer.extend([&[0xc0, 12], &ADDRESS_V4[..], &[0, 0, 0, 5, 0, 4, 127, 0, 0, 1]].concat());
    }
    (name, answer)
}
