//! Guard: keys that senders and readers show, which tenant they belong to.
