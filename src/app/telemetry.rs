//! Milepost's own log and, when told where, its own traces by OTLP.

use std::io::IsTerminal;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Rooms of other crates whose spans about sending spans would feed themselves.
const QUIET: &str = "info,hyper=off,h2=off,tonic=off,reqwest=off,tower=off,actix_web=off";

/// Log lines on standard error: for people when it is a terminal, else JSON with control characters escaped.
/// With an `endpoint`, spans go there by OTLP/gRPC; headers come from `OTEL_EXPORTER_OTLP_HEADERS`.
/// A second call finds the first in place and changes nothing.
pub fn start(filter: &str, endpoint: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(std::env::var("RUST_LOG").unwrap_or_else(|_| filter.to_owned()))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if std::io::stderr().is_terminal() { lines.compact().boxed() } else { lines.json().boxed() };
    let traces = if endpoint.is_empty() {
        None
    } else {
        let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(Resource::builder().with_service_name("milepost").build())
            .build();
        let tracer = provider.tracer("milepost");
        opentelemetry::global::set_tracer_provider(provider);
        Some(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(EnvFilter::new(QUIET)))
    };
    let _ = tracing_subscriber::registry().with(traces).with(lines.with_filter(filter)).try_init();
    Ok(())
}
