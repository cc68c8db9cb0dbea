//! Push: who watches what; tells them over the websocket what changed.
