//! Guard: keys that senders and readers show, which tenant they belong to, and what may name a tenant or a source.
//! Leaves to the doors and pages what to answer to somebody without a key.

mod keys;
mod names;

pub use keys::{Grant, Key, KeyError, Keys, REREAD_MS};
pub use names::{NameError, check_source, check_tenant};
