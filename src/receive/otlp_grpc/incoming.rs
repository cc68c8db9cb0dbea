//! Accepts connections, no more at a time than allowed; others wait in the system's listen queue.
//! A connection that does not begin to speak HTTP/2 in time loses its place.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tonic::transport::server::{Connected, TcpConnectInfo};

/// After a failed accept (no file handles left, say) nothing is gained by trying at once.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(50);
/// `PRI * HTTP/2.0…`, with which every HTTP/2 connection begins.
const PREFACE_BYTES: usize = 24;

pub(super) fn bounded(
    listener: TcpListener,
    connections: usize,
    preface_time: Duration,
) -> impl Stream<Item = io::Result<Placed>> {
    let places = Arc::new(Semaphore::new(connections.clamp(1, Semaphore::MAX_PERMITS)));
    futures_util::stream::unfold((listener, places), move |(listener, places)| async move {
        let place = places.clone().acquire_owned().await.ok()?;
        let accepted = match listener.accept().await {
            Ok((socket, _)) => Placed::new(socket, place, preface_time),
            Err(error) => {
                sleep(PAUSE_AFTER_ERROR).await;
                Err(error)
            }
        };
        Some((accepted, (listener, places)))
    })
}

/// A connection that gives its place back when it ends.
pub(super) struct Placed {
    socket: TcpStream,
    _place: OwnedSemaphorePermit,
    /// Gone once the preface has come.
    waiting: Option<Waiting>,
}

struct Waiting {
    read_bytes: usize,
    until: Pin<Box<Sleep>>,
}

impl Placed {
    fn new(socket: TcpStream, place: OwnedSemaphorePermit, preface_time: Duration) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        let waiting = Waiting { read_bytes: 0, until: Box::pin(sleep(preface_time)) };
        Ok(Self { socket, _place: place, waiting: Some(waiting) })
    }
}

impl Connected for Placed {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.socket.connect_info()
    }
}

impl AsyncRead for Placed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(cx, buf);
        let Some(waiting) = &mut self.waiting else { return polled };
        waiting.read_bytes += buf.filled().len() - before;
        if waiting.read_bytes >= PREFACE_BYTES {
            self.waiting = None;
            return polled;
        }
        match waiting.until.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => polled,
        }
    }
}

impl AsyncWrite for Placed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}
