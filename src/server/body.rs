//! A request's body, read within a limit, a deadline and the memory there is.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Bytes};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use crate::server::bounds::{Memory, Reservation};

/// How much of an oversize body is kept: the review's uid stands before its object.
const PREFIX: usize = 64 * 1024;

/// How much of a body that is not wanted is read all the same, so that its sender gets to read the answer.
const DRAIN: usize = 64 * 1024 * 1024;

/// How long the rest of a request that is refused may take to arrive.
const REFUSAL: Duration = Duration::from_secs(2);

/// The first piece of memory asked for, unless the body is shorter.
const FIRST: usize = 64 * 1024;

/// A body that was not received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum BodyError {
    #[error("the body did not arrive in time")]
    TooSlow,
    #[error("the body ended early or broke its framing")]
    Broken,
    #[error("there is no memory for the body at the moment")]
    NoRoom,
}

/// Memory was refused.
struct NoRoom;

/// A body, or as much of it as was kept.
#[derive(Debug)]
pub(crate) struct Received {
    /// All of it, or its beginning: at least 64 KiB.
    pub(crate) bytes: Vec<u8>,
    /// Whether it exceeded the limit.
    pub(crate) oversize: bool,
    /// The memory it takes.
    reservation: Reservation,
}

/// Reads `body` until `deadline`. More than `limit` bytes are thrown away as they come, up to a bound.
pub(crate) async fn receive(
    mut body: Body,
    limit: usize,
    memory: &Memory,
    deadline: Instant,
) -> Result<Received, BodyError> {
    // What was announced; without an announcement whatever comes.
    let announced = body.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    let most = announced.unwrap_or(limit).min(limit);
    let hopeless = announced.is_some_and(|bytes| bytes > limit);
    let keep = if hopeless { PREFIX.min(limit) } else { most };
    let mut received = Received { bytes: Vec::new(), oversize: false, reservation: memory.reserve() };
    loop {
        let data = match timeout_at(deadline, body.frame()).await {
            Err(_) => return Err(BodyError::TooSlow),
            Ok(None) => return Ok(received),
            Ok(Some(Err(_))) => return Err(BodyError::Broken),
            // Trailers say nothing to us.
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        };
        let kept = if data.len() > keep.saturating_sub(received.bytes.len()) {
            received.cut(&data)
        } else {
            received.append(&data, most)
        };
        if kept.is_err() {
            drop(received);
            drain_refused(body).await;
            return Err(BodyError::NoRoom);
        }
        if received.oversize {
            drain(body, deadline).await;
            return Ok(received);
        }
    }
}

/// Reads what is still coming of a request that is refused whatever it holds, for a short while.
pub(crate) async fn drain_refused(body: Body) {
    drain(body, Instant::now() + REFUSAL).await;
}

/// Reads on and throws away, until the end, the bound or `deadline`.
async fn drain(mut body: Body, deadline: Instant) {
    let mut left = DRAIN;
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await {
        let read = frame.data_ref().map_or(0, Bytes::len);
        left = left.saturating_sub(read);
        if left == 0 {
            return;
        }
    }
}

impl Received {
    /// Appends `data`, growing towards `most`: doubling keeps the copies few and an unkept promise cheap.
    fn append(&mut self, data: &[u8], most: usize) -> Result<(), NoRoom> {
        let needed = self.bytes.len().saturating_add(data.len());
        if needed > self.bytes.capacity() {
            let wanted = self.bytes.capacity().saturating_mul(2).max(FIRST).min(most).max(needed);
            if !self.reservation.grow_to(wanted) {
                return Err(NoRoom);
            }
            self.bytes.reserve_exact(wanted.saturating_sub(self.bytes.len()));
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }

    /// Keeps no more than the beginning, `data` being what came last.
    fn cut(&mut self, data: &[u8]) -> Result<(), NoRoom> {
        self.oversize = true;
        let missing = PREFIX.saturating_sub(self.bytes.len());
        if let Some(wanted) = data.get(..missing.min(data.len())) {
            self.append(wanted, PREFIX)?;
        }
        self.bytes.truncate(PREFIX);
        self.bytes.shrink_to_fit();
        self.reservation.shrink_to(PREFIX);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    const MIB: usize = 1024 * 1024;

    /// A body of chunks, without an announced length; it hangs after the last if `endless`.
    struct Chunked {
        chunks: VecDeque<Bytes>,
        endless: bool,
    }

    impl hyper::body::Body for Chunked {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.chunks.pop_front() {
                None if self.endless => Poll::Pending,
                chunk => Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk)))),
            }
        }
    }

    fn chunked(count: usize, size: usize, endless: bool) -> Body {
        Body::new(Chunked { chunks: vec![Bytes::from(vec![b'x'; size]); count].into(), endless })
    }

    async fn check(body: Body, limit: usize, expected: Result<(usize, bool), BodyError>) {
        let deadline = Instant::now() + Duration::from_secs(5);
        let memory = Memory::new(MIB);
        let received = receive(body, limit, &memory, deadline).await;
        assert_eq!(
            received.as_ref().map(|received| (received.bytes.len(), received.oversize)).map_err(|e| *e),
            expected
        );
        drop(received);
        assert!(memory.reserve().grow_to(MIB), "memory is given back");
    }

    #[tokio::test]
    async fn keeps_what_fits_and_the_beginning_of_what_does_not() {
        check(Body::empty(), 3000, Ok((0, false))).await;
        check(Body::from(vec![b'x'; 3000]), 3000, Ok((3000, false))).await;
        check(Body::from(vec![b'x'; 3001]), 3000, Ok((3001, true))).await;
        check(Body::from(vec![b'x'; MIB]), MIB / 2, Ok((PREFIX, true))).await;
        check(chunked(100, 1000, false), 100_000, Ok((100_000, false))).await;
        check(chunked(100, 1000, false), 99_999, Ok((PREFIX, true))).await;
    }

    #[tokio::test]
    async fn refuses_what_there_is_no_memory_for() {
        check(chunked(2, MIB, false), 4 * MIB, Err(BodyError::NoRoom)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_on_a_body_that_does_not_come_but_not_on_its_refusal() {
        check(chunked(3, 1000, true), 100_000, Err(BodyError::TooSlow)).await;
        check(chunked(100, 1000, true), 80_000, Ok((PREFIX, true))).await;
    }
}
