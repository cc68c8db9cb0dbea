//! Keep: the append-only, checksummed, fsynced log of everything taken in. An acknowledgement means: written here.
