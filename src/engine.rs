//! Starts and watches the embedded ClickHouse.
