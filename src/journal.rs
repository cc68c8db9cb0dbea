//! stub
use bytes::Bytes;
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Settings { pub dir: std::path::PathBuf }
#[derive(Debug, thiserror::Error)]
pub enum JournalError { #[error("f")] Full, #[error("c")] Closed }
pub struct Ticket;
impl Ticket { pub fn offset(&self) -> u64 { 0 } }
impl Future for Ticket { type Output = Result<(), JournalError>; fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> { std::task::Poll::Pending } }
pub trait Journal: Send + Sync {
 fn submit(&self, record: Bytes) -> Result<Ticket, JournalError>;
 fn read(&self, from: u64, max_bytes: usize) -> Result<Vec<(u64, Bytes)>, JournalError>;
 fn durable(&self) -> tokio::sync::watch::Receiver<u64>;
 fn release(&self, below: u64) -> std::io::Result<()>;
 fn bytes(&self) -> u64; fn close(&self);
}
