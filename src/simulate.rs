//! A landscape of four systems that talk to the public ports only.
pub mod dice;
pub mod story;
pub mod troubles;
pub mod world;
