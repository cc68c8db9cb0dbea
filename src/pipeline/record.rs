//! What one journal record holds. Protobuf on disk, so that later versions read what earlier ones wrote.

use bytes::Bytes;
use prost::Message;

use super::Arrival;

/// One payload as it came, with who sent it, when, and which of its records were seen before.
#[derive(Clone, PartialEq, Message)]
pub struct Record {
    #[prost(int64, tag = "1")]
    pub received_us: i64,
    #[prost(string, tag = "2")]
    pub tenant: String,
    #[prost(string, tag = "3")]
    pub key_id: String,
    #[prost(string, tag = "4")]
    pub source: String,
    #[prost(string, tag = "5")]
    pub form: String,
    #[prost(message, repeated, tag = "6")]
    pub headers: Vec<Header>,
    #[prost(bytes = "bytes", tag = "7")]
    pub body: Bytes,
    /// Positions (in the payload) of events that had been taken before, with the same content.
    #[prost(uint32, repeated, tag = "8")]
    pub duplicates: Vec<u32>,
    /// Positions of events whose id had been taken before with other content.
    #[prost(uint32, repeated, tag = "9")]
    pub conflicts: Vec<u32>,
    /// The version of contracts and mapping that it was read by; empty in records of before these were kept.
    #[prost(string, tag = "10")]
    pub rules: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub struct Header {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

impl Record {
    pub fn of(arrival: Arrival, received_us: i64, rules: &str) -> Self {
        Self {
            received_us,
            tenant: arrival.tenant,
            key_id: arrival.key_id,
            source: arrival.source,
            form: arrival.form.as_str().to_owned(),
            headers: arrival.headers.into_iter().map(|(name, value)| Header { name, value }).collect(),
            body: arrival.body,
            duplicates: Vec::new(),
            conflicts: Vec::new(),
            rules: rules.to_owned(),
        }
    }

    /// Loaded from a file, or replayed: when it happened says nothing about how fast the way is now.
    pub fn is_history(&self) -> bool {
        self.headers.iter().any(|header| matches!(header.name.as_str(), "milepost-import" | "milepost-replay"))
    }

    pub fn header_pairs(&self) -> Vec<(String, String)> {
        self.headers.iter().map(|h| (h.name.clone(), h.value.clone())).collect()
    }

    pub fn encode_bytes(&self) -> Bytes {
        self.encode_to_vec().into()
    }
}
