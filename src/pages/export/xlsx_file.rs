//! XLSX: a sheet that says what the file is, and a sheet with the rows, ready to be filtered and printed. Rows go to
//! disk as they come. Numbers are numbers where a double holds them to the last digit, else text; a text stays a text.

use std::fs::File;
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{Format as Style, FormatAlign, Workbook, Worksheet, XlsxError};

use super::cell::{Cell, exact};
use super::{Column, Head, Kind, Record, Writer};
use crate::pages::time::Clock;

/// A cell of a spreadsheet holds no longer text.
const MAX_CHARS: usize = 32_767;
const UNIX_EPOCH_DAYS: f64 = 25_569.0;
const DAY_MS: f64 = 86_400_000.0;

pub struct XlsxFile {
    columns: Vec<Column>,
    clock: Clock,
    folder: PathBuf,
    book: Workbook,
    next: u32,
    styles: Styles,
}

struct Styles {
    head: Style,
    strong: Style,
    money: [Style; 5],
    time: Style,
    end: Style,
}

impl Styles {
    fn new() -> Self {
        let money = |places: usize| Style::new().set_num_format(format!("#,##0.{}", "0".repeat(places)));
        Self {
            head: Style::new().set_bold().set_text_wrap().set_align(FormatAlign::Top),
            strong: Style::new().set_bold(),
            money: [money(2), money(3), money(4), money(5), money(6)],
            time: Style::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
            end: Style::new().set_align(FormatAlign::Right),
        }
    }
}

const ROWS: usize = 1;

impl XlsxFile {
    pub fn new(columns: Vec<Column>, clock: Clock, folder: &Path) -> io::Result<Self> {
        let mut made =
            Self { columns, clock, folder: folder.to_owned(), book: Workbook::new(), next: 1, styles: Styles::new() };
        made.begin().map_err(io::Error::other)?;
        Ok(made)
    }

    fn begin(&mut self) -> Result<(), XlsxError> {
        self.book.set_tempdir(&self.folder)?;
        self.book.add_worksheet().set_name("About")?;
        let sheet = self.book.add_worksheet_with_constant_memory()?;
        sheet.set_name("Rows")?;
        sheet.set_freeze_panes(1, 0)?;
        for (at, column) in (0..).zip(&self.columns) {
            let width = match column.kind {
                Kind::Time => 19.0,
                Kind::Amount => 16.0,
                Kind::Number => 10.0,
                Kind::Text => 18.0,
            };
            sheet.set_column_width(at, width)?;
            let title = match column.kind {
                Kind::Time => format!("{} ({})", column.title, self.clock.zone_name),
                _ => column.title.to_owned(),
            };
            sheet.write_string_with_format(0, at, title, &self.styles.head)?;
        }
        Ok(())
    }

    fn put(&mut self, record: &Record) -> Result<(), XlsxError> {
        let sheet = self.book.worksheet_from_index(ROWS)?;
        for (at, cell) in (0..).zip(record) {
            match cell {
                Cell::Empty => {}
                Cell::Text(text) => {
                    sheet.write_string(self.next, at, cut(text))?;
                }
                Cell::Time(ms) => {
                    let days = self.clock.wall_ms(*ms) as f64 / DAY_MS + UNIX_EPOCH_DAYS;
                    sheet.write_number_with_format(self.next, at, days, &self.styles.time)?;
                }
                number => write_number(sheet, self.next, at, &number.text(&self.clock), number, &self.styles)?,
            }
        }
        self.next += 1;
        Ok(())
    }

    fn end(&mut self, head: &Head) -> Result<File, XlsxError> {
        let about = self.book.worksheet_from_index(0)?;
        about.set_column_width(0, 18)?;
        about.set_column_width(1, 60)?;
        for (row, (name, value)) in (0..).zip(head.lines()) {
            about.write_string_with_format(row, 0, name.as_str(), &self.styles.strong)?;
            match exact(&value).filter(|_| name == "Rows" || name.starts_with("Total ")) {
                Some(number) if name == "Rows" => {
                    about.write_number_with_format(row, 1, number, &Style::new().set_align(FormatAlign::Left))?;
                }
                Some(number) => {
                    let places = value.split_once('.').map_or(2, |(_, part)| part.len()).clamp(2, 6);
                    let style = self.styles.money[places - 2].clone().set_align(FormatAlign::Left);
                    about.write_number_with_format(row, 1, number, &style)?;
                }
                None => {
                    about.write_string(row, 1, cut(&value))?;
                }
            }
        }
        let sheet = self.book.worksheet_from_index(ROWS)?;
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
        // An ampersand begins a command in the head of a printed page.
        let said = |text: &str| text.replace('&', "&&").chars().take(80).collect::<String>();
        let as_of = head.clock.full(head.as_of_ms);
        sheet.set_header(format!("&L{} · {}&R{}", said(&head.tenant), said(head.list), said(&as_of)));
        sheet.set_footer("&CPage &P of &N");
        if self.next > 1 && !self.columns.is_empty() {
            sheet.autofilter(0, 0, self.next - 1, self.columns.len() as u16 - 1)?;
        }
        let mut file = save(&mut self.book, tempfile::tempfile_in(&self.folder)?)?;
        file.rewind()?;
        Ok(file)
    }
}

/// The library lets its writer go without asking whether the last bytes arrived; a buffer that is dropped says nothing
/// when the disk is full, and the file would be short. So the buffer stays ours, and is asked.
pub(super) fn save<W: io::Write + Send>(book: &mut Workbook, to: W) -> Result<W, XlsxError> {
    let mut buffer = io::BufWriter::with_capacity(1 << 16, to);
    book.save_to_writer(&mut buffer)?;
    Ok(buffer.into_inner().map_err(|error| error.into_error())?)
}

fn write_number(
    sheet: &mut Worksheet,
    row: u32,
    at: u16,
    text: &str,
    cell: &Cell,
    styles: &Styles,
) -> Result<(), XlsxError> {
    match (exact(text), cell) {
        (None, _) => sheet.write_string_with_format(row, at, text, &styles.end)?,
        (Some(number), Cell::Amount(_)) => {
            let places = text.split_once('.').map_or(2, |(_, part)| part.len()).clamp(2, 6);
            sheet.write_number_with_format(row, at, number, &styles.money[places - 2])?
        }
        (Some(number), _) => sheet.write_number(row, at, number)?,
    };
    Ok(())
}

fn cut(text: &str) -> &str {
    // The format counts in UTF-16; a character outside the basic plane counts twice.
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > MAX_CHARS
    });
    end.map_or(text, |(at, _)| &text[..at])
}

impl Writer for XlsxFile {
    fn row(&mut self, record: &Record) -> io::Result<()> {
        self.put(record).map_err(io::Error::other)
    }

    fn finish(mut self: Box<Self>, head: &Head) -> io::Result<File> {
        self.end(head).map_err(io::Error::other)
    }
}
