//! `milepost export`: what the store holds, as a file: NDJSON, CSV or OCEL 2.0 JSON. Rows stream from the database
//! through a writer; nothing is gathered but the names of types and attributes.

mod json;
pub mod ocel;
pub mod table;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::store::rows::EventRow;
use crate::store::{ExportFilter, ExportedObject, Store, StoreError};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    /// One JSON event a line, as the events door takes it.
    Ndjson,
    /// One row an event; data as JSON in a cell.
    Csv,
    /// OCEL 2.0 JSON, for process mining.
    Ocel,
}

impl ExportFormat {
    pub fn parse(text: &str) -> Option<Self> {
        clap::ValueEnum::from_str(text, false).ok()
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Ocel => "ocel",
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ocel => "application/json",
        }
    }

    pub fn ending(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Ocel => "json",
        }
    }
}

/// Writes a file piece by piece: `head`, every event, `middle`, every object (where the format has them), `tail`.
trait Writer: Send {
    fn head(&mut self, out: &mut Vec<u8>);
    fn event(&mut self, row: &EventRow, out: &mut Vec<u8>);
    fn wants_objects(&self) -> bool {
        false
    }
    fn middle(&mut self, _out: &mut Vec<u8>) {}
    fn object(&mut self, _object: &ExportedObject, _out: &mut Vec<u8>) {}
    fn tail(&mut self, _out: &mut Vec<u8>) {}
}

fn writer(format: ExportFormat) -> Box<dyn Writer> {
    match format {
        ExportFormat::Ndjson => Box::new(json::Lines),
        ExportFormat::Csv => Box::new(table::Table),
        ExportFormat::Ocel => Box::new(ocel::Log::default()),
    }
}

/// Pieces of about this size.
const PIECE: usize = 64 << 10;

/// The pieces of a file, in order; an error means that it is not whole. Whoever reads slowly slows the database down.
pub fn pieces(
    store: Store,
    tenant: String,
    filter: ExportFilter,
    format: ExportFormat,
) -> mpsc::Receiver<Result<Bytes, StoreError>> {
    let (out, pieces) = mpsc::channel(4);
    tokio::spawn(async move {
        if let Err(error) = write(&store, &tenant, &filter, format, &out).await {
            let _ = out.send(Err(error)).await;
        }
    });
    pieces
}

async fn write(
    store: &Store,
    tenant: &str,
    filter: &ExportFilter,
    format: ExportFormat,
    out: &mpsc::Sender<Result<Bytes, StoreError>>,
) -> Result<(), StoreError> {
    let mut writer = writer(format);
    let mut piece = Vec::with_capacity(PIECE * 2);
    writer.head(&mut piece);
    let mut rows = store.export_events(tenant, filter)?;
    let mut last: Option<(i64, String, String)> = None;
    while let Some(row) = rows.next().await? {
        // An id that was forgotten before it came again is stored twice; it is one event.
        let again = last
            .as_ref()
            .is_some_and(|(at, source, id)| *at == row.occurred_ms && *source == row.source && *id == row.event_id);
        if again {
            continue;
        }
        writer.event(&row, &mut piece);
        last = Some((row.occurred_ms, row.source, row.event_id));
        if piece.len() >= PIECE && !send(out, &mut piece).await {
            return Ok(());
        }
    }
    if writer.wants_objects() {
        writer.middle(&mut piece);
        let mut objects = store.export_objects(tenant, filter)?;
        while let Some(object) = objects.next().await? {
            writer.object(&object, &mut piece);
            if piece.len() >= PIECE && !send(out, &mut piece).await {
                return Ok(());
            }
        }
    }
    writer.tail(&mut piece);
    send(out, &mut piece).await;
    Ok(())
}

/// False when nobody reads any more.
async fn send(out: &mpsc::Sender<Result<Bytes, StoreError>>, piece: &mut Vec<u8>) -> bool {
    let full = std::mem::replace(piece, Vec::with_capacity(PIECE * 2));
    out.send(Ok(full.into())).await.is_ok()
}
