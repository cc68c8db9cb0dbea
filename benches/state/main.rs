//! What state costs: correlating and folding a hundred thousand open orders in memory (objects, quantities, milestones),
//! and judging them (clocks, exceptions, readiness, differences), without doors, disk or ClickHouse, in time on one
//! core. Not a test: nothing here passes or fails. `memory` says what it takes to hold them.
//!
//! `cargo bench --bench state [-- --orders N]`
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made should stop")]
#![expect(clippy::cast_precision_loss, reason = "rates are printed with three digits")]

mod landscape;

use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use milepost::domain::{Definition, Files, Graph, Rulebook, derive, fold};
use milepost_ingest::ObjectRef;

use landscape::{Landscape, load_of};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // Only `cargo bench` says so; built along with the tests it has nothing to do.
    if !args.iter().any(|a| a == "--bench") {
        return;
    }
    let number = |name: &str| args.iter().position(|a| a == name).and_then(|at| args.get(at + 1)?.parse().ok());
    let orders: u64 = number("--orders").unwrap_or(100_000);
    let book = Rulebook::load(&shipped()).unwrap();
    let definition = book.everybody().of_root("order").unwrap().clone();

    let landscape = Landscape::new(orders);
    let mut graph = Graph::default();
    let mut correlating = Duration::ZERO;
    let mut events = 0_usize;
    for facts in landscape.batches() {
        events += facts.len();
        let begun = cpu();
        for (object, fact) in facts {
            graph.add(&object, fact);
        }
        correlating += cpu().saturating_sub(begun);
    }
    let roots = graph.all_roots(&definition);
    let as_of = Utc::now() + TimeDelta::hours(1);
    let begun = cpu();
    for root in &roots {
        black_box(fold(&definition, &graph, root, as_of)).unwrap();
    }
    let folding = cpu().saturating_sub(begun);
    let (deriving, open) = derive_all(&graph, &definition, &roots, as_of);
    let rate = |time: Duration| events as f64 / time.as_secs_f64();
    let mut out = std::io::stdout();
    let mut say = |what: &str, figure: String| writeln!(out, "{what:58} {figure:>14}").unwrap();
    say("orders, open of them", format!("{} / {open}", roots.len()));
    say("events, per order", format!("{events} / {:.1}", events as f64 / roots.len() as f64));
    say("correlated, events/s", format!("{:.0}", rate(correlating)));
    say("folded, events/s", format!("{:.0}", rate(folding)));
    say("correlated and folded, events/s", format!("{:.0}", rate(correlating + folding)));
    say("derived with all that is judged by it, events/s", format!("{:.0}", rate(deriving)));
    say("correlated and derived, events/s", format!("{:.0}", rate(correlating + deriving)));
    say("derived, workflows/s", format!("{:.0}", roots.len() as f64 / deriving.as_secs_f64()));

    let load = load_of(500);
    let mut graph = Graph::default();
    for (object, fact) in load {
        graph.add(&object, fact);
    }
    let roots = graph.roots(&definition, &ObjectRef::new("load", "L-1"));
    let best = (0..20).map(|_| derive_all(&graph, &definition, &roots, Utc::now()).0).min().unwrap();
    say("a load of 500 orders derived anew, ms", format!("{:.1}", best.as_secs_f64() * 1e3));
}

/// The definitions that come with the program.
fn shipped() -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("definitions");
    let folders = ["", "calendars/"].map(|folder| (folder, root.join(folder)));
    let files = folders.iter().flat_map(|(folder, path)| {
        let files = path.read_dir().unwrap().flatten().filter(|file| file.path().is_file());
        files.map(move |file| (format!("{folder}{}", file.file_name().display()), file.path()))
    });
    files.map(|(name, path)| (name, std::fs::read_to_string(path).unwrap())).collect()
}

/// Time to derive these workflows, and how many of them are open.
fn derive_all(graph: &Graph, definition: &Definition, roots: &[ObjectRef], as_of: DateTime<Utc>) -> (Duration, usize) {
    let begun = cpu();
    let mut open = 0;
    for root in roots {
        let workflow = derive(definition, graph, root, as_of).unwrap();
        open += usize::from(workflow.closed_at.is_none());
    }
    (cpu().saturating_sub(begun), open)
}

/// Time that this thread has had a core: others may share the machine.
fn cpu() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(told.split(' ').next().unwrap().parse().unwrap())
}
