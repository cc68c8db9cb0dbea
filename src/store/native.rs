//! ClickHouse's Native format: a block of columns, built by hand with the dictionaries made on our side. The server
//! then only copies it, which costs it a tenth of parsing rows. What goes into which column is `write`'s to say.
//!
//! A block is the number of columns and of rows, then each column: name, type, data. Only what our tables use is here.

use rustc_hash::FxHashMap;

/// A block under construction: all columns have the same number of rows.
pub(super) struct Block {
    bytes: Vec<u8>,
    /// Where the count of columns stands: one byte, so at most 127 columns.
    count_at: usize,
    rows: usize,
    columns: Vec<&'static str>,
}

impl Block {
    pub fn new(rows: usize) -> Self {
        let mut bytes = Vec::with_capacity(1024 + rows * 256);
        bytes.push(0);
        varint(&mut bytes, rows as u64);
        Self { bytes, count_at: 0, rows, columns: Vec::new() }
    }

    #[cfg(test)]
    pub fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    pub fn finish(mut self) -> Vec<u8> {
        assert!(self.columns.len() < 128, "the count of columns is one byte");
        self.bytes[self.count_at] = self.columns.len() as u8;
        self.bytes
    }

    fn column(&mut self, name: &'static str, kind: &str) {
        self.columns.push(name);
        string(&mut self.bytes, name.as_bytes());
        string(&mut self.bytes, kind.as_bytes());
    }

    /// `String`.
    pub fn strings<'a>(&mut self, name: &'static str, values: impl Iterator<Item = &'a str>) {
        self.raw_strings(name, values.map(str::as_bytes));
    }

    /// `String`, for what need not be text.
    pub fn raw_strings<'a>(&mut self, name: &'static str, values: impl Iterator<Item = &'a [u8]>) {
        self.column(name, "String");
        values.for_each(|value| string(&mut self.bytes, value));
    }

    /// `LowCardinality(String)`.
    pub fn words<'a>(&mut self, name: &'static str, values: impl Iterator<Item = &'a str>) {
        self.column(name, "LowCardinality(String)");
        self.bytes.extend(DICTIONARIES_PER_BLOCK.to_le_bytes());
        let rows = self.rows;
        dictionary(&mut self.bytes, rows, values);
    }

    /// `UInt8` to `UInt64`, `Int16`, `Int64`, `Float64`, by the type of the values.
    pub fn numbers<N: Number>(&mut self, name: &'static str, values: impl Iterator<Item = N>) {
        self.column(name, N::KIND);
        values.for_each(|value| value.put(&mut self.bytes));
    }

    pub fn bools(&mut self, name: &'static str, values: impl Iterator<Item = bool>) {
        self.column(name, "Bool");
        self.bytes.extend(values.map(u8::from));
    }

    /// `DateTime64(3, 'UTC')` from Unix milliseconds.
    pub fn millis(&mut self, name: &'static str, values: impl Iterator<Item = i64>) {
        self.column(name, MILLIS);
        values.for_each(|value| value.put(&mut self.bytes));
    }

    /// `DateTime64(9, 'UTC')` from Unix nanoseconds; what is beyond its range (year 2262) becomes its end.
    pub fn nanos(&mut self, name: &'static str, values: impl Iterator<Item = u64>) {
        self.column(name, "DateTime64(9, 'UTC')");
        values.for_each(|value| i64::try_from(value).unwrap_or(i64::MAX).put(&mut self.bytes));
    }

    /// `Nullable(DateTime64(3, 'UTC'))`.
    pub fn some_millis(&mut self, name: &'static str, values: impl Iterator<Item = Option<i64>> + Clone) {
        self.column(name, "Nullable(DateTime64(3, 'UTC'))");
        self.bytes.extend(values.clone().map(|value| u8::from(value.is_none())));
        values.for_each(|value| value.unwrap_or_default().put(&mut self.bytes));
    }

    /// `Nullable(Decimal(38, 6))` from millionths.
    pub fn some_decimals(&mut self, name: &'static str, values: impl Iterator<Item = Option<i128>> + Clone) {
        self.column(name, "Nullable(Decimal(38, 6))");
        self.bytes.extend(values.clone().map(|value| u8::from(value.is_none())));
        values.for_each(|value| self.bytes.extend(value.unwrap_or_default().to_le_bytes()));
    }

    /// `Array(String)`.
    pub fn string_lists<'a>(&mut self, name: &'static str, values: impl Iterator<Item = &'a [String]> + Clone) {
        self.column(name, "Array(String)");
        offsets(&mut self.bytes, values.clone().map(<[String]>::len));
        values.flatten().for_each(|value| string(&mut self.bytes, value.as_bytes()));
    }

    /// `Array(LowCardinality(String))`.
    pub fn word_lists<'a>(&mut self, name: &'static str, values: impl Iterator<Item = &'a [String]> + Clone) {
        self.column(name, "Array(LowCardinality(String))");
        self.bytes.extend(DICTIONARIES_PER_BLOCK.to_le_bytes());
        let total = offsets(&mut self.bytes, values.clone().map(<[String]>::len));
        dictionary(&mut self.bytes, total, values.flatten().map(String::as_str));
    }

    /// `Array(Float64)`.
    pub fn number_lists<'a>(&mut self, name: &'static str, values: impl Iterator<Item = &'a [f64]> + Clone) {
        self.column(name, "Array(Float64)");
        offsets(&mut self.bytes, values.clone().map(<[f64]>::len));
        values.flatten().for_each(|value| value.put(&mut self.bytes));
    }

    /// `Array(Int64)`.
    pub fn whole_lists<'a>(&mut self, name: &'static str, values: impl Iterator<Item = &'a [i64]> + Clone) {
        self.column(name, "Array(Int64)");
        offsets(&mut self.bytes, values.clone().map(<[i64]>::len));
        values.flatten().for_each(|value| value.put(&mut self.bytes));
    }

    /// `Array(UInt64)`.
    pub fn count_lists<'a>(&mut self, name: &'static str, values: impl Iterator<Item = &'a [u64]> + Clone) {
        self.column(name, "Array(UInt64)");
        offsets(&mut self.bytes, values.clone().map(<[u64]>::len));
        values.flatten().for_each(|value| value.put(&mut self.bytes));
    }

    /// `Map(UInt8, UInt64)`.
    pub fn size_maps<'a>(&mut self, name: &'static str, values: impl Iterator<Item = &'a [(u8, u64)]> + Clone) {
        self.column(name, "Map(UInt8, UInt64)");
        offsets(&mut self.bytes, values.clone().map(<[(u8, u64)]>::len));
        values.clone().flatten().for_each(|(size, _)| size.put(&mut self.bytes));
        values.flatten().for_each(|(_, count)| count.put(&mut self.bytes));
    }

    /// `Map(LowCardinality(String), String)`; a name may occur twice, as header names may.
    pub fn maps<'a>(&mut self, name: &'static str, values: impl Iterator<Item = &'a [(String, String)]> + Clone) {
        self.column(name, "Map(LowCardinality(String), String)");
        self.bytes.extend(DICTIONARIES_PER_BLOCK.to_le_bytes());
        let total = offsets(&mut self.bytes, values.clone().map(<[(String, String)]>::len));
        dictionary(&mut self.bytes, total, values.clone().flatten().map(|(key, _)| key.as_str()));
        values.flatten().for_each(|(_, value)| string(&mut self.bytes, value.as_bytes()));
    }
}

/// How dictionaries are laid out: each block brings its own.
const DICTIONARIES_PER_BLOCK: u64 = 1;
/// Flags of a dictionary: it has keys of its own, and they replace what was there.
const OWN_KEYS: u64 = 1 << 9 | 1 << 10;
const MILLIS: &str = "DateTime64(3, 'UTC')";

pub(super) trait Number: Copy {
    const KIND: &'static str;
    fn put(self, bytes: &mut Vec<u8>);
}

macro_rules! numbers {
    ($($number:ty => $kind:literal),*) => {$(
        impl Number for $number {
            const KIND: &'static str = $kind;
            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

numbers!(u8 => "UInt8", u32 => "UInt32", u64 => "UInt64", i16 => "Int16", i64 => "Int64", f64 => "Float64");

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn string(bytes: &mut Vec<u8>, value: &[u8]) {
    varint(bytes, value.len() as u64);
    bytes.extend_from_slice(value);
}

/// Where each row's elements end; returns how many there are in all.
fn offsets(bytes: &mut Vec<u8>, lengths: impl Iterator<Item = usize>) -> usize {
    lengths.fold(0, |end, length| {
        let end = end + length;
        (end as u64).put(bytes);
        end
    })
}

/// The distinct values, then for each value its place among them, as narrow as it can be. Nothing at all for none.
fn dictionary<'a>(bytes: &mut Vec<u8>, count: usize, values: impl Iterator<Item = &'a str>) {
    if count == 0 {
        return;
    }
    let mut keys: Vec<&str> = Vec::new();
    let mut known: FxHashMap<&str, u32> = FxHashMap::default();
    let mut places: Vec<u32> = Vec::with_capacity(count);
    let mut last: Option<(&str, u32)> = None;
    for value in values {
        let place = match last {
            Some((same, place)) if same == value => place,
            _ => *known.entry(value).or_insert_with(|| {
                keys.push(value);
                keys.len() as u32 - 1
            }),
        };
        last = Some((value, place));
        places.push(place);
    }
    let width: u64 = match keys.len() {
        0..=0x100 => 0,
        0x101..=0x1_0000 => 1,
        _ => 2,
    };
    (OWN_KEYS | width).put(bytes);
    (keys.len() as u64).put(bytes);
    keys.iter().for_each(|key| string(bytes, key.as_bytes()));
    (places.len() as u64).put(bytes);
    match width {
        0 => bytes.extend(places.iter().map(|place| *place as u8)),
        1 => places.iter().for_each(|place| bytes.extend((*place as u16).to_le_bytes())),
        _ => places.iter().for_each(|place| bytes.extend(place.to_le_bytes())),
    }
}
