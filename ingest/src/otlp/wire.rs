//! The protobuf wire format, walked in place: tags, lengths and values, no messages built.
//! Offsets are those of the whole payload, so that a fault can be found with a hex viewer.

use crate::{Code, Refusal};

/// A message, or part of one: a window into the payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire<'a> {
    payload: &'a [u8],
    at: usize,
    end: usize,
}

/// Bytes that are no protobuf message of the kind announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub offset: usize,
    pub what: &'static str,
}

/// The value of one field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(Wire<'a>),
    /// OTLP has them for flags only, which nobody reads here.
    Fixed32,
}

impl<'a> Wire<'a> {
    pub fn new(payload: &'a [u8]) -> Self {
        Self { payload, at: 0, end: payload.len() }
    }

    /// The next field's number and value, None at the end.
    #[inline]
    pub fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, Malformed> {
        if self.at == self.end {
            return Ok(None);
        }
        let start = self.at;
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|n| *n > 0 && *n < 1 << 29);
        let Some(number) = number else { return Err(Malformed { offset: start, what: "a field number out of range" }) };
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => Field::Bytes(self.window()?),
            5 => {
                self.array::<4>()?;
                Field::Fixed32
            }
            _ => return Err(Malformed { offset: start, what: "a group or unknown wire type" }),
        };
        Ok(Some((number, field)))
    }

    #[inline]
    pub fn varint(&mut self) -> Result<u64, Malformed> {
        let bytes = &self.payload[self.at..self.end];
        if let Some(first) = bytes.first().filter(|b| **b < 0x80) {
            self.at += 1;
            return Ok(u64::from(*first));
        }
        let mut value = 0_u64;
        for (i, byte) in bytes.iter().take(10).enumerate() {
            if i == 9 && *byte > 1 {
                return Err(Malformed { offset: self.at, what: "a number of more than 64 bits" });
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                self.at += i + 1;
                return Ok(value);
            }
        }
        let what = if bytes.len() < 10 { "an end in the middle of a number" } else { "a number of more than 64 bits" };
        Err(Malformed { offset: self.at, what })
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let bytes = self.payload[self.at..self.end].first_chunk::<N>();
        let Some(bytes) = bytes else { return Err(Malformed { offset: self.at, what: "an end inside a value" }) };
        self.at += N;
        Ok(*bytes)
    }

    #[inline]
    fn window(&mut self) -> Result<Self, Malformed> {
        let start = self.at;
        let length = self.varint()?;
        let length = usize::try_from(length).ok().filter(|length| *length <= self.end - self.at);
        let Some(length) = length else {
            return Err(Malformed { offset: start, what: "a length beyond the end of its message" });
        };
        let window = Self { payload: self.payload, at: self.at, end: self.at + length };
        self.at += length;
        Ok(window)
    }

    /// The next fixed64 of a packed list.
    pub fn fixed64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.at == self.end
    }

    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        &self.payload[self.at..self.end]
    }

    #[inline]
    pub fn text(self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes())
            .map_err(|e| Malformed { offset: self.at + e.valid_up_to(), what: "a text that is not UTF-8" })
    }

    fn wrong(self) -> Malformed {
        Malformed { offset: self.at, what: "another wire type than this field has" }
    }
}

/// A field of the message in `parent` read as the type that it must have.
impl<'a> Field<'a> {
    #[inline]
    pub fn message(self, parent: &Wire<'a>) -> Result<Wire<'a>, Malformed> {
        if let Self::Bytes(window) = self { Ok(window) } else { Err(parent.wrong()) }
    }

    #[inline]
    pub fn text(self, parent: &Wire<'a>) -> Result<&'a str, Malformed> {
        self.message(parent)?.text()
    }

    #[inline]
    pub fn varint(self, parent: &Wire<'a>) -> Result<u64, Malformed> {
        if let Self::Varint(value) = self { Ok(value) } else { Err(parent.wrong()) }
    }

    #[inline]
    pub fn fixed64(self, parent: &Wire<'a>) -> Result<u64, Malformed> {
        if let Self::Fixed64(value) = self { Ok(value) } else { Err(parent.wrong()) }
    }

    pub fn double(self, parent: &Wire<'a>) -> Result<f64, Malformed> {
        self.fixed64(parent).map(f64::from_bits)
    }
}

/// Why a record, or the whole payload, cannot be read further.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Nothing after this can be trusted.
    Malformed(Malformed),
    /// One record is at fault; its neighbours are not. The pointer begins at the record.
    Record(Refusal),
    /// The whole payload is refused for this, the pointer is complete.
    Payload(Refusal),
}

impl From<Malformed> for Trouble {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        let found = format!("{} at byte {}", malformed.what, malformed.offset);
        let detail = format!("The protobuf message cannot be read: {found}.");
        Self::new(Code::InvalidProtobuf, "", "an OTLP export request", &found).because(detail)
    }
}
