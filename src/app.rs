//! Wires the rooms together, from settings to listening sockets.
