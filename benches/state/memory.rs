//! What it takes to hold a hundred thousand open orders in memory, counted by the allocator. Apart from `main`, whose figures
//! the counting would slow down.
//!
//! `cargo bench --bench state-memory [-- --orders N]`
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made should stop")]

#[expect(dead_code, reason = "the measurement of speed uses the rest")]
mod landscape;

use std::io::Write;

use cap::Cap;
use milepost::domain::Graph;

#[global_allocator]
static ALLOCATOR: Cap<mimalloc::MiMalloc> = Cap::new(mimalloc::MiMalloc, usize::MAX);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|a| a == "--bench") {
        return;
    }
    let said = args.iter().position(|a| a == "--orders").and_then(|at| args.get(at + 1)?.parse().ok());
    let orders: u64 = said.unwrap_or(100_000);
    let mut graph = Graph::default();
    let before = ALLOCATOR.allocated();
    let mut events = 0;
    for facts in landscape::Landscape::new(orders).batches() {
        events += facts.len();
        for (object, fact) in facts {
            graph.add(&object, fact);
        }
    }
    let held = ALLOCATOR.allocated().saturating_sub(before);
    let per_event = held / events;
    let mut out = std::io::stdout();
    writeln!(out, "memory per event, bytes {per_event}; per order of 20 events {}", per_event * 20).unwrap();
    let per_order = held / usize::try_from(orders).unwrap();
    writeln!(out, "memory per order of {} events, bytes {per_order}", events / usize::try_from(orders).unwrap())
        .unwrap();
}
