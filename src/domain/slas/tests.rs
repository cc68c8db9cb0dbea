//! Stories and laws of clocks.
