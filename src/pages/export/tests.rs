//! Files read back: what was written is what is there, to the last digit.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Read as _;

use futures_util::stream;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::cell::{exact, is_risky};
use super::*;

const AT: i64 = 1_795_348_800_123; // 2026-11-22T12:00:00.123Z

fn head(sums: Sums) -> Head {
    Head {
        list: "Workflows",
        total: "Total",
        tenant: "acme".into(),
        filter: vec!["Customer: =1+1".into()],
        as_of_ms: AT,
        clock: Clock::new(AT, "Europe/Berlin").unwrap(),
        person: "anna".into(),
        sums,
    }
}

const COLUMNS: [Column; 4] = [
    column("id", "Key", Kind::Text),
    column("amount", "Amount", Kind::Amount),
    column("currency", "Currency", Kind::Text),
    column("at", "At", Kind::Time),
];

fn record(id: &str, amount: i128, currency: &str) -> Record {
    vec![id.into(), Cell::Amount(amount), currency.into(), Cell::Time(AT)]
}

fn written(mut writer: Box<dyn Writer>, records: &[Record]) -> (Vec<u8>, Sums) {
    let mut sums = Sums::default();
    for record in records {
        sums.add(record, Some((1, 2)), false);
        writer.row(record).unwrap();
    }
    let mut bytes = Vec::new();
    writer.finish(&head(sums.clone())).unwrap().read_to_end(&mut bytes).unwrap();
    (bytes, sums)
}

fn csv_text(plain: bool, records: &[Record]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(AT, "Europe/Berlin").unwrap();
    let file = csv_file::CsvFile::new(COLUMNS.to_vec(), clock, folder.path(), plain).unwrap();
    String::from_utf8(written(Box::new(file), records).0).unwrap()
}

#[test]
fn a_csv_file_says_what_it_is_and_adds_up_per_currency() {
    let records = [
        record("SO-1", 412_300_000_000, "EUR"),
        record("=HYPERLINK(\"x\")", -125_000, "EUR"),
        record("SO \"3\"\r\n", 7, "JPY"),
    ];
    assert_eq!(
        csv_text(false, &records),
        "\u{feff}Milepost,Workflows\r\nTenant,acme\r\nFilter,Customer: =1+1\r\n\
         As of,2026-11-22 13:00:00.123 CET (+01:00)\r\nTime zone,Europe/Berlin\r\nTaken by,anna\r\nRows,3\r\n\
         Total EUR,412299.875\r\nTotal JPY,0.000007\r\n\r\nKey,Amount,Currency,At\r\n\
         SO-1,412300.00,EUR,2026-11-22T13:00:00+01:00\r\n\
         \"'=HYPERLINK(\"\"x\"\")\",-0.125,EUR,2026-11-22T13:00:00+01:00\r\n\
         \"SO \"\"3\"\"\r\n\",0.000007,JPY,2026-11-22T13:00:00+01:00\r\n"
    );
    assert!(csv_text(true, &records[..1]).starts_with("id,amount,currency,at\r\nSO-1,412300.00,"));
}

#[test]
fn formulas_are_texts_and_numbers_stay_numbers() {
    for risky in ["=1", "+1", "-1+2", "-", "@a", "\t=1", "\r=1", "\n1", "＝1", "-1e5", "--1", "+49 30"] {
        assert!(is_risky(risky), "{risky:?}");
    }
    for plain in ["", "-1", "-0.50", "1", "a=1", "SO-1", "'=1"] {
        assert!(!is_risky(plain), "{plain:?}");
    }
}

#[test]
fn a_sum_that_cannot_be_told_exactly_is_not_told() {
    let mut sums = Sums::default();
    for _ in 0..2 {
        sums.add(&record("a", i128::MAX, "EUR"), Some((1, 2)), false);
    }
    let lines = head(sums).lines();
    assert_eq!(lines.last().unwrap(), &("Total EUR".into(), "too large to add up".into()));
}

#[test]
fn json_keeps_money_as_text_and_says_its_totals() {
    let folder = tempfile::tempdir().unwrap();
    let file = json_file::JsonFile::new(COLUMNS.to_vec(), folder.path()).unwrap();
    let (bytes, _) = written(Box::new(file), &[record("a", 1_500_000, "EUR"), record("b", -500_000, "USD")]);
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(value["head"]["totals"], serde_json::json!({"EUR": "1.50", "USD": "-0.50"}));
    assert_eq!(value["head"]["rows"], 2);
    assert_eq!(value["items"][1]["amount"], "-0.50");
    assert_eq!(value["items"][0]["at"], "2026-11-22T12:00:00.123Z");
}

#[test]
fn a_spreadsheet_has_numbers_where_they_are_exact_and_text_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(AT, "Europe/Berlin").unwrap();
    let file = xlsx_file::XlsxFile::new(COLUMNS.to_vec(), clock, folder.path()).unwrap();
    let records =
        [record("=1+1", 412_300_100_000, "EUR"), record("b", 99_999_999_999_999_990_000, "EUR"), record("c", 1, "")];
    let (bytes, _) = written(Box::new(file), &records);
    let path = folder.path().join("a.xlsx");
    std::fs::write(&path, &bytes).unwrap();
    let rows = sheet(&bytes, "xl/worksheets/sheet2.xml");
    assert!(rows.contains("<v>412300.1</v>"), "{rows}");
    assert!(rows.contains("99999999999999.99"), "{rows}");
    assert!(!rows.contains("<v>99999999999999.99</v>"), "17 digits are too many for a number: {rows}");
    assert!(!rows.contains("<f>"), "{rows}");
    assert!(sheet(&bytes, "xl/worksheets/sheet1.xml").contains("t=\"s\""));
}

/// One part of a file that is a ZIP archive, as text.
fn sheet(bytes: &[u8], name: &str) -> String {
    let mut at = 0;
    // Local headers stand one behind the other; sizes are in them, or in the descriptor behind the data.
    while let Some(found) = find(&bytes[at..], b"PK\x03\x04").map(|place| place + at) {
        let field = |place: usize, len: usize| {
            bytes[found + place..found + place + len].iter().rev().fold(0_usize, |sum, byte| sum << 8 | *byte as usize)
        };
        let (name_len, extra_len) = (field(26, 2), field(28, 2));
        let data = found + 30 + name_len + extra_len;
        if &bytes[found + 30..found + 30 + name_len] == name.as_bytes() {
            let mut text = String::new();
            flate2::read::DeflateDecoder::new(&bytes[data..]).read_to_string(&mut text).unwrap();
            return text;
        }
        at = data;
    }
    panic!("no {name}");
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[test]
fn a_head_lists_the_sums_that_the_rows_have() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let progress = Arc::new(AtomicU64::new(0));
    let written = write(&PROBE, Format::Csv, false, asked(""), folder.path(), Arc::clone(&progress));
    let mut written = runtime.block_on(written).unwrap();
    let mut text = String::new();
    written.file.read_to_string(&mut text).unwrap();
    assert_eq!(text.len() as u64, written.bytes);
    assert_eq!(progress.load(Ordering::Relaxed), 3000);
    // 0 + 2 + … + 2998, and 1 + 3 + … + 2999.
    assert!(text.contains("\r\nRows,3000\r\nTotal EUR,2248500.00\r\nTotal USD,2250000.00\r\n"), "{}", &text[..400]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left in the folder");
}

/// 3000 rows: 0 + 2 + … + 2998 EUR, and 1 + 3 + … + 2999 USD.
static PROBE: List = List {
    key: "probe",
    page: "probe",
    title: "Probe",
    known: &["as_of", "q"],
    words: lists::plain_words,
    open: |asked| {
        Box::pin(async move {
            let chunks = if asked.query.get("q") == Some("short") { 29 } else { 30 };
            let broken = asked.query.get("q") == Some("broken");
            let chunk = move |n: u32| match broken && n == 7 {
                true => Err(StoreError::Newer { name: "broken".into() }),
                false => Ok::<_, StoreError>((0..100).map(|i| n * 100 + i).collect::<Vec<u32>>()),
            };
            let rows = stream::iter((0..chunks).map(chunk));
            let record = |n: u32| record(&n.to_string(), i128::from(n) * 1_000_000, ["EUR", "USD"][n as usize % 2]);
            Ok(Table::new(&COLUMNS, rows, record))
        })
    },
    count: |_| Box::pin(async { Ok(3000) }),
    sums: |_| {
        let totals = [("EUR".to_owned(), 2_248_500_000_000), ("USD".to_owned(), 2_250_000_000_000)];
        Box::pin(async { Ok(Sums::told(3000, totals)) })
    },
    total: "Total",
    past: Past::Kept,
};

fn asked(query: &str) -> Asked {
    Asked {
        store: Store::new("http://127.0.0.1:1", "", "", "none"),
        shelf: Arc::new(Shelf::default()),
        tenant: "acme".into(),
        query: Query::parse(query),
        clock: Clock::utc(AT),
        person: String::new(),
    }
}

/// The pieces of a file that goes out as it comes, and how it ended.
fn flowed(query: &str, plain: bool) -> (Vec<String>, Option<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut pieces = Box::pin(flow::flow(&PROBE, plain, asked(query)).await.unwrap());
        let (mut texts, mut fault) = (Vec::new(), None);
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(bytes) => texts.push(String::from_utf8(bytes.to_vec()).unwrap()),
                Err(error) => {
                    fault = Some(error.to_string());
                    break;
                }
            }
        }
        (texts, fault)
    })
}

#[test]
fn a_file_that_flows_is_the_file_that_is_written() {
    let (pieces, fault) = flowed("", false);
    assert_eq!((pieces.len(), fault), (30, None), "thirty chunks, and nothing to be said at the end");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let written = write(&PROBE, Format::Csv, false, asked(""), folder.path(), Arc::default());
    let mut text = String::new();
    runtime.block_on(written).unwrap().file.read_to_string(&mut text).unwrap();
    assert_eq!(pieces.concat(), text);
    assert!(pieces[0].contains("\r\nRows,3000\r\nTotal EUR,2248500.00\r\nTotal USD,2250000.00\r\n"), "{}", pieces[0]);
}

#[test]
fn a_list_that_changes_meanwhile_says_so_at_its_end() {
    let (pieces, fault) = flowed("q=short", false);
    assert_eq!(fault, None);
    let foot = "\r\nAttention,The list changed while this file was written. These are the figures of its rows:\r\n\
                Rows,2900\r\nTotal EUR,2101050.00\r\nTotal USD,2102500.00\r\n";
    assert!(pieces.concat().ends_with(foot), "{:?}", pieces.last());
    assert_eq!(flowed("q=short", true).0.concat().lines().count(), 2901, "without a head nothing is promised");
}

#[test]
fn a_file_of_a_fixed_moment_is_whole_or_breaks_off() {
    let (_, fault) = flowed("q=short&as_of=2026-11-22T12:00:00Z", false);
    assert_eq!(fault.as_deref(), Some("3000 rows were counted and 2900 were read"));
    let (_, fault) = flowed("q=short&as_of=2026-11-22T12:00:00Z", true);
    assert!(fault.is_some(), "without a head too");
    assert_eq!(flowed("as_of=2026-11-22T12:00:00Z", false).1, None);
}

#[test]
fn rows_that_break_off_break_the_file_off() {
    let (pieces, fault) = flowed("q=broken", true);
    assert_eq!(pieces.len(), 7);
    assert!(fault.is_some());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for format in [Format::Csv, Format::Xlsx, Format::Json] {
        let written = write(&PROBE, format, false, asked("q=broken"), folder.path(), Arc::default());
        assert!(runtime.block_on(written).is_err(), "{format:?}");
    }
}

/// Takes so many bytes, like a disk that fills up.
struct Disk(usize);

impl std::io::Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.min(bytes.len()) {
            0 if !bytes.is_empty() => Err(io::Error::from(io::ErrorKind::StorageFull)),
            n => {
                self.0 -= n;
                Ok(n)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_spreadsheet_that_does_not_fit_on_the_disk_is_a_fault_to_its_last_byte() {
    let book = || {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        for row in 0..500 {
            sheet.write_number(row, 0, row).unwrap();
        }
        book
    };
    let roomy = xlsx_file::save(&mut book(), Disk(usize::MAX)).unwrap();
    let size = usize::MAX - roomy.0;
    assert!(xlsx_file::save(&mut book(), Disk(size)).is_ok());
    for missing in [1, 100, size / 2, size] {
        assert!(xlsx_file::save(&mut book(), Disk(size - missing)).is_err(), "{missing} of {size} bytes are missing");
    }
}

/// Rows, the sum of their amounts in millionths, and what the first sheet says of both, as another program reads them.
fn read_back(bytes: &[u8]) -> (usize, i128, Vec<String>) {
    use calamine::{Data, Reader as _, Xlsx};
    let mut book: Xlsx<_> = Xlsx::new(io::Cursor::new(bytes)).unwrap();
    let millionths = |cell: Option<&Data>| match cell {
        Some(Data::Float(number)) => (number * 1e6).round() as i128,
        Some(Data::String(text)) => Decimal::from_str_exact(text).unwrap().mantissa() * 10_i128.pow(4),
        other => panic!("{other:?} is no amount"),
    };
    let rows = book.worksheet_range("Rows").unwrap();
    let sum = rows.rows().skip(1).map(|row| millionths(row.get(1))).sum();
    let about = book.worksheet_range("About").unwrap();
    let told = about.rows().filter(|row| row[0] == "Rows" || row[0].to_string().starts_with("Total"));
    (rows.height() - 1, sum, told.map(|row| row[1].to_string()).collect())
}

/// Many sizes, several at once in one folder, as people take them: none is short, whoever reads it.
#[test]
fn spreadsheets_are_whole_whatever_their_size_and_however_many_are_written_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let sizes = [0_usize, 1, 2, 63, 64, 65, 500, 1_000, 4_097, 20_000];
    std::thread::scope(|scope| {
        for part in 0..4_usize {
            let folder = folder.path();
            scope.spawn(move || {
                for rows in sizes.into_iter().map(|size| size + part) {
                    let clock = Clock::new(AT, "Europe/Berlin").unwrap();
                    let file = xlsx_file::XlsxFile::new(COLUMNS.to_vec(), clock, folder).unwrap();
                    let text = |n: usize| format!("{n}{}", "<&ü\u{1F600}\n\u{1}".repeat(n % 40));
                    let records: Vec<Record> =
                        (0..rows).map(|n| record(&text(n), n as i128 * 12_345 * 10_000, "EUR")).collect();
                    let (bytes, sums) = written(Box::new(file), &records);
                    let (found, sum, told) = read_back(&bytes);
                    let wanted: i128 = (0..rows as i128).map(|n| n * 12_345 * 10_000).sum();
                    assert_eq!((found, sum), (rows, wanted), "{rows} rows");
                    assert_eq!(sums.rows, rows as u64);
                    assert_eq!(told[0].parse::<f64>().unwrap(), rows as f64);
                    if rows > 0 {
                        assert_eq!((told[1].parse::<f64>().unwrap() * 1e6).round() as i128, wanted, "{rows} rows");
                    }
                }
            });
        }
    });
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left lying about");
}

proptest! {
    #[test]
    fn every_amount_is_written_to_the_last_digit(value in any::<i128>()) {
        let text = amount(value);
        let (whole, part) = text.split_once('.').unwrap();
        let digits: i128 = format!("{whole}{part:0<6}").parse().unwrap();
        prop_assert_eq!(digits, value);
    }

    #[test]
    fn a_number_of_a_spreadsheet_comes_back_as_it_was(mantissa in -999_999_999_999_999_i64..=999_999_999_999_999, scale in 0_u32..=6) {
        let value = Decimal::new(mantissa, scale);
        let number = exact(&value.to_string()).unwrap();
        prop_assert_eq!(format!("{number}").parse::<Decimal>().unwrap().normalize(), value.normalize());
    }

    #[test]
    fn what_a_reader_of_csv_sees_is_what_was_written(ids in proptest::collection::vec(".{0,20}", 1..8)) {
        let records: Vec<Record> = ids.iter().map(|id| record(id, 1, "EUR")).collect();
        let text = csv_text(true, &records);
        let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(text.as_bytes());
        let read: Vec<String> = reader.records().map(|row| row.unwrap()[0].to_owned()).collect();
        let wanted: Vec<String> =
            ids.iter().map(|id| if is_risky(id) { format!("'{id}") } else { id.clone() }).collect();
        prop_assert_eq!(read, wanted);
    }
}
