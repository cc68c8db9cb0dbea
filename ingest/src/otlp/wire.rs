//! The protobuf wire format, walked in place: tags, lengths and values, no messages built.
//! Offsets are those of the whole payload, so that a fault can be found with a hex viewer.

use crate::{Code, Refusal};

/// What is left of a message: a window into the payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire<'a> {
    rest: &'a [u8],
    /// Where the window ends in the payload.
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
        Self { rest: payload, end: payload.len() }
    }

    fn at(&self) -> usize {
        self.end - self.rest.len()
    }

    #[cold]
    fn broken(&self, what: &'static str) -> Malformed {
        Malformed { offset: self.at(), what }
    }

    /// The next field's number and value, None at the end.
    #[inline]
    pub fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let start = *self;
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|n| *n > 0 && *n < 1 << 29);
        let Some(number) = number else { return Err(start.broken("a field number out of range")) };
        let field = match tag & 7 {
            2 => Field::Bytes(self.window()?),
            1 => Field::Fixed64(self.fixed64()?),
            0 => Field::Varint(self.varint()?),
            5 => {
                self.array::<4>()?;
                Field::Fixed32
            }
            _ => return Err(start.broken("a group or unknown wire type")),
        };
        Ok(Some((number, field)))
    }

    #[inline(always)]
    pub fn varint(&mut self) -> Result<u64, Malformed> {
        match self.rest {
            [first, rest @ ..] if *first < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*first))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for (i, byte) in self.rest.iter().take(10).enumerate() {
            if i == 9 && *byte > 1 {
                return Err(self.broken("a number of more than 64 bits"));
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[i + 1..];
                return Ok(value);
            }
        }
        let long = self.rest.len() >= 10;
        Err(self.broken(if long { "a number of more than 64 bits" } else { "an end in the middle of a number" }))
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let Some((bytes, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.broken("an end inside a value"));
        };
        self.rest = rest;
        Ok(*bytes)
    }

    #[inline]
    fn window(&mut self) -> Result<Self, Malformed> {
        let start = *self;
        let length = self.varint()?;
        let split = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let Some((inner, rest)) = split else {
            return Err(start.broken("a length beyond the end of its message"));
        };
        self.rest = rest;
        Ok(Self { rest: inner, end: self.at() })
    }

    /// The next fixed64 of a packed list.
    pub fn fixed64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub fn text(self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes())
            .map_err(|e| Malformed { offset: self.at() + e.valid_up_to(), what: "a text that is not UTF-8" })
    }

    fn wrong(self) -> Malformed {
        Malformed { offset: self.at(), what: "another wire type than this field has" }
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
