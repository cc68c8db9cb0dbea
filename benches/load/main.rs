//! Load generator: how much Milepost takes in, what that costs, and how soon it can be seen. Runs against the release build, on this
//! machine only, a few seconds per row. Not a test: nothing here passes or fails.
//!
//! `cargo bench --bench load [-- KIND…] [--seconds N]`, and for files `cargo bench --bench load -- import [--events N]`
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made should stop")]

mod bodies;
mod cell;
mod import;
mod machine;

use std::io::Write;
use std::time::Duration;

use bodies::Kind;

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // Only `cargo bench` says so; built along with the tests it has nothing to do.
    if !args.iter().any(|a| a == "--bench") {
        return;
    }
    let number = |name: &str| args.iter().position(|a| a == name).and_then(|at| args.get(at + 1)?.parse().ok());
    let seconds = number("--seconds").unwrap_or(6);
    let wanted = |kind: &Kind| {
        !args.iter().any(|a| Kind::ALL.iter().any(|k| k.name() == a)) || args.iter().any(|a| a == kind.name())
    };

    let mut out = std::io::stdout();
    writeln!(out, "{}\n", machine::words()).unwrap();
    if args.iter().any(|a| a == "import") {
        writeln!(out, "{}", import::HEAD).unwrap();
        import::measure(number("--events").unwrap_or(1_000_000), |row| {
            let mut out = std::io::stdout();
            writeln!(out, "{row}").unwrap();
        })
        .await;
        writeln!(out, "\n{}", import::LEGEND).unwrap();
        return;
    }
    writeln!(out, "{}", cell::HEAD).unwrap();
    for kind in Kind::ALL.iter().filter(|k| wanted(k)) {
        for size in [1, 100, 500] {
            let row = cell::measure(*kind, size, Duration::from_secs(seconds), None).await;
            writeln!(out, "{row}").unwrap();
        }
        let row = cell::measure(*kind, 500, Duration::from_secs(seconds), Some(20_000)).await;
        writeln!(out, "{row}").unwrap();
    }
    writeln!(out, "\n{}", cell::LEGEND).unwrap();
}
