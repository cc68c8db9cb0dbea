//! A landscape of four systems that talk to the public ports only.
