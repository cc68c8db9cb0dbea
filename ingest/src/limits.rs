//! How much one payload and one record may hold. The body's own size is the door's business.

use serde::{Deserialize, Serialize};

/// Every limit of the readers, each under its own name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Records in one payload.
    pub items: u32,
    /// Levels of arrays and objects inside each other. At most 100 is heeded: serde_json stops at 128.
    pub depth: u32,
    /// Attributes of one OTLP record or resource.
    pub attributes: u32,
    /// Bytes of a field or attribute name.
    pub name_bytes: u32,
    /// Bytes of a text value.
    pub value_bytes: u32,
    /// Bytes of an event id, object id or source.
    pub id_bytes: u32,
    /// Links of one event.
    pub refs: u32,
    /// Buckets or quantiles of one metric point.
    pub buckets: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            items: 100_000,
            depth: 64,
            attributes: 128,
            name_bytes: 256,
            value_bytes: 65_536,
            id_bytes: 256,
            refs: 1_000,
            buckets: 4_096,
        }
    }
}

impl Limits {
    pub(crate) fn levels(&self) -> u32 {
        self.depth.min(100)
    }
}
