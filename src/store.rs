//! ClickHouse: rows in, rows out. Every statement is a file under queries/.

pub mod rows;
