//! The connection that actix has upgraded, as one stream to read from and write to. actix hands the incoming side
//! over as a body and takes the outgoing side as a body; a bounded pipe joins both, so a slow reader slows us.

use actix_web::web;
use futures_util::StreamExt as _;
use tokio::io::{AsyncWriteExt as _, DuplexStream, ReadHalf};
use tokio_util::io::ReaderStream;

/// Bytes on their way in either direction.
const PIPE_BYTES: usize = 64 * 1024;

/// Our end, and the body of the answer. Must be called on an actix worker.
pub fn upgraded(mut incoming: web::Payload) -> (DuplexStream, ReaderStream<ReadHalf<DuplexStream>>) {
    let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
    let (outgoing, mut sink) = tokio::io::split(theirs);
    actix_web::rt::spawn(async move {
        while let Some(Ok(bytes)) = incoming.next().await {
            if sink.write_all(&bytes).await.is_err() {
                return;
            }
        }
        // The peer is gone: our end reads the end of the stream.
        let _ = sink.shutdown().await;
    });
    (ours, ReaderStream::new(outgoing))
}
