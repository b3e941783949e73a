//! A stream that gives up on a silent or dripping peer.
//!
//! hyper's own header timeout starts when a keep-alive connection falls idle and so would close it after 30 s, while
//! the API server keeps connections idle for 90 s and loses requests if we close first. Here the two are told apart:
//! an idle connection may be silent for long, a request's head that has begun must end soon. Between head and answer
//! there is no limit of ours: the request's time budget bounds that. Bytes that come in behind a request in flight
//! cannot be told from its body here, so a head that begins there and never ends has the patience of an idle
//! connection, which costs us no more than one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How patient a connection is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Silence between requests.
    pub(crate) idle: Duration,
    /// From the first byte of a request's head to its last; also the longest a write may stand still.
    pub(crate) head: Duration,
    /// Whether bytes without a request begin a head. False for HTTP/2, where they may be pings.
    pub(crate) bytes_begin_a_head: bool,
}

/// What a connection is doing; shared by the stream, which sees bytes, and the service, which sees requests.
#[derive(Debug)]
pub(crate) struct Activity {
    opened: Instant,
    requests: AtomicUsize,
    /// Milliseconds from `opened` to the end of the last request.
    idle_since: AtomicU64,
    /// Milliseconds from `opened` to the first byte since then, or [`NONE`].
    head_since: AtomicU64,
}

const NONE: u64 = u64::MAX;

/// Marks a request in flight until dropped.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Activity>);

impl Activity {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            requests: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
            head_since: AtomicU64::new(NONE),
        })
    }

    /// A request's head is complete.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(NONE, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(NONE)
    }

    fn bytes_came(&self) {
        if self.requests.load(Ordering::Relaxed) == 0 && self.head_since.load(Ordering::Relaxed) == NONE {
            self.head_since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// When patience ends as things stand, and whether a head has begun.
    fn deadline(&self, patience: Patience) -> (Instant, bool) {
        if self.requests.load(Ordering::Relaxed) > 0 {
            return (Instant::now() + patience.idle, false);
        }
        let head = self.head_since.load(Ordering::Relaxed);
        if head != NONE && patience.bytes_begin_a_head {
            return (self.opened + Duration::from_millis(head) + patience.head, true);
        }
        (self.opened + Duration::from_millis(self.idle_since.load(Ordering::Relaxed)) + patience.idle, false)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.idle_since.store(self.0.now(), Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `stream` with patience.
pub(crate) struct Timed<S> {
    stream: S,
    activity: Arc<Activity>,
    patience: Patience,
    /// Armed at the first wait and moved only when it is too late or has fired, not at each request.
    reading: Option<Pin<Box<Sleep>>>,
    /// Armed while a write stands still.
    writing: Option<Pin<Box<Sleep>>>,
}

impl<S> Timed<S> {
    pub(crate) fn new(stream: S, activity: Arc<Activity>, patience: Patience) -> Self {
        Self { stream, activity, patience, reading: None, writing: None }
    }

    /// Whether patience is over while a read waits: `Some(true)` within a head, `Some(false)` when idle.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        loop {
            let (deadline, in_head) = self.activity.deadline(self.patience);
            let sleep = self.reading.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if sleep.deadline() > deadline {
                sleep.as_mut().reset(deadline);
            }
            ready!(sleep.as_mut().poll(cx));
            if deadline <= Instant::now() {
                return Poll::Ready(in_head);
            }
            sleep.as_mut().reset(deadline);
        }
    }

    /// Passes a write's result on; a write that has stood still for too long fails.
    fn watch_write<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.writing = None;
            return written;
        }
        let patience = self.patience.head;
        let sleep = self.writing.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + patience)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_read(cx, buffer) {
            Poll::Ready(read) => {
                this.activity.bytes_came();
                Poll::Ready(read)
            }
            // A dripping head is an error; an idle connection ends as if the peer had closed it.
            Poll::Pending if ready!(this.poll_patience(cx)) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Ready(Ok(())),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.watch_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.watch_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        this.watch_write(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.watch_write(cx, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{advance, pause};

    use super::*;

    fn timed(bytes_begin_a_head: bool) -> (DuplexStream, Timed<DuplexStream>, Arc<Activity>) {
        pause();
        let (near, far) = duplex(64);
        let activity = Activity::new();
        let patience = Patience { idle: Duration::from_mins(5), head: Duration::from_secs(30), bytes_begin_a_head };
        (near, Timed::new(far, Arc::clone(&activity), patience), activity)
    }

    /// How long a read waits for bytes that do not come, and what it says then.
    async fn wait(stream: &mut Timed<DuplexStream>) -> (u64, io::Result<usize>) {
        let start = Instant::now();
        let read = stream.read(&mut [0; 16]).await;
        (start.elapsed().as_secs(), read)
    }

    #[tokio::test]
    async fn an_idle_connection_ends_quietly_after_its_long_patience() {
        let (_near, mut stream, _) = timed(true);
        let (seconds, read) = wait(&mut stream).await;
        assert_eq!((seconds, read.unwrap()), (300, 0));
    }

    #[tokio::test]
    async fn a_head_that_drips_is_cut_however_it_drips() {
        let (mut near, mut stream, _) = timed(true);
        advance(Duration::from_secs(100)).await;
        near.write_all(b"P").await.unwrap();
        assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 1);
        advance(Duration::from_secs(20)).await;
        near.write_all(b"O").await.unwrap();
        assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 1);
        let (seconds, read) = wait(&mut stream).await;
        assert_eq!((seconds, read.unwrap_err().kind()), (10, io::ErrorKind::TimedOut));
    }

    #[tokio::test]
    async fn the_long_patience_starts_anew_after_each_request() {
        let (mut near, mut stream, activity) = timed(true);
        near.write_all(b"POST").await.unwrap();
        assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 4);
        let busy = activity.begin();
        advance(Duration::from_secs(200)).await;
        drop(busy);
        let (seconds, read) = wait(&mut stream).await;
        assert_eq!((seconds, read.unwrap()), (300, 0));
    }

    #[tokio::test]
    async fn a_request_in_flight_is_never_cut_here() {
        let (_near, mut stream, activity) = timed(true);
        let _busy = activity.begin();
        let waited = tokio::time::timeout(Duration::from_secs(4000), stream.read(&mut [0; 16])).await;
        assert!(waited.is_err());
    }

    #[tokio::test]
    async fn pings_of_http_2_begin_no_head() {
        let (mut near, mut stream, _) = timed(false);
        near.write_all(b"ping").await.unwrap();
        assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 4);
        let (seconds, read) = wait(&mut stream).await;
        assert_eq!((seconds, read.unwrap()), (300, 0));
    }

    #[tokio::test]
    async fn a_write_that_stands_still_fails() {
        let (_near, mut stream, _) = timed(true);
        let start = Instant::now();
        let written = stream.write_all(&[0; 1024]).await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 30);
    }
}
