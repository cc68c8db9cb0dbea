//! What spans, log records and points have in common: attributes, and the resource that they come from.

use super::value::{Any, key_value, name};
use super::wire::{Malformed, Trouble, Wire};
use crate::{Code, Context, Limits, Refusal};

pub(super) type Attribute<'p> = (&'p str, Any<'p>);

/// The resource of a group of records, read once.
#[derive(Debug, Default)]
pub(super) struct Resource<'p> {
    pub service: &'p str,
    /// `biz.source` of the resource, else the key's source, else the service.
    pub source: &'p str,
    /// From `biz.system`.
    pub system: Option<&'p str>,
    /// All attributes as sent, for the mapping.
    pub attributes: Vec<Attribute<'p>>,
    /// The attributes as columns hold them, names prefixed `resource.`.
    pub columns: Vec<(String, String)>,
    /// What is wrong with the resource; every record of it is refused for this.
    pub flaw: Option<Refusal>,
}

impl<'p> Resource<'p> {
    pub fn read(mut group: Wire<'p>, pointer: String, ctx: &'p Context<'p>) -> Result<Self, Refusal> {
        let mut resource = Self::default();
        while let Some((number, field)) = group.next()? {
            if number != 1 {
                continue;
            }
            let mut message = field.message(&group)?;
            while let Some((number, field)) = message.next()? {
                if number == 1 {
                    resource.attributes.push(key_value(field.message(&message)?)?);
                }
            }
        }
        match resource.fill(ctx) {
            Ok(()) => {}
            Err(Trouble::Malformed(malformed)) => return Err(malformed.into()),
            Err(Trouble::Payload(refusal)) => return Err(refusal),
            Err(Trouble::Record(mut flaw)) => {
                flaw.pointer = pointer + "/resource/attributes" + &flaw.pointer;
                if flaw.code == Code::TooDeep.as_str() {
                    return Err(flaw);
                }
                resource.flaw = Some(flaw);
            }
        }
        Ok(resource)
    }

    fn fill(&mut self, ctx: &'p Context<'p>) -> Result<(), Trouble> {
        check_count(self.attributes.len(), ctx.limits)?;
        let mut own_source = "";
        for (key, value) in &self.attributes {
            match (name(key, ctx.limits)?, *value) {
                ("service.name", Any::Text(text)) => self.service = text,
                ("biz.source", Any::Text(text)) => own_source = text,
                ("biz.system", Any::Text(text)) => self.system = Some(text),
                _ => self.columns.push((format!("resource.{key}"), column(key, *value, ctx.limits)?)),
            }
        }
        self.source = [own_source, ctx.source, self.service].into_iter().find(|s| !s.is_empty()).unwrap_or_default();
        Ok(())
    }

    /// The flaw of the resource is a flaw of each of its records.
    pub fn check(&self) -> Result<(), Trouble> {
        self.flaw.as_ref().map_or(Ok(()), |flaw| Err(Trouble::Record(flaw.clone())))
    }

    /// A flaw of the resource has its full pointer already, so a record of it adds nothing.
    pub fn pointer_of(&self, record: String) -> String {
        if self.flaw.is_some() { String::new() } else { record }
    }

    pub fn find(&self, name: &str) -> Option<Any<'p>> {
        self.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }
}

pub(super) fn check_count(count: usize, limits: &Limits) -> Result<(), Trouble> {
    let limit = limits.attributes as usize;
    if count <= limit {
        return Ok(());
    }
    let expected = format!("at most {limit} attributes");
    Err(Trouble::Record(Refusal::new(Code::TooManyAttributes, "", expected, &count.to_string())))
}

/// A value as text; a refusal names the attribute.
pub(super) fn column(key: &str, value: Any<'_>, limits: &Limits) -> Result<String, Trouble> {
    value.to_text(limits).map_err(|trouble| beneath(trouble, key))
}

pub(super) fn beneath(trouble: Trouble, key: &str) -> Trouble {
    match trouble {
        Trouble::Record(mut refusal) => {
            let mut pointer = String::new();
            crate::refusal::push_segment(&mut pointer, key);
            refusal.pointer.insert_str(0, &pointer);
            Trouble::Record(refusal)
        }
        whole => whole,
    }
}

/// The attributes of the record at hand, kept apart by what becomes of them. Reused from record to record.
#[derive(Debug, Default)]
pub(super) struct Attributes<'p> {
    /// `biz.*` names, the record's own first, then what the mapping adds.
    pub biz: Vec<Attribute<'p>>,
    pub others: Vec<Attribute<'p>>,
    count: usize,
}

impl<'p> Attributes<'p> {
    pub fn clear(&mut self) {
        self.biz.clear();
        self.others.clear();
        self.count = 0;
    }

    #[inline]
    pub fn push(&mut self, wire: Wire<'p>, limits: &Limits) -> Result<(), Malformed> {
        self.count += 1;
        // Counted, but not gathered: the record will be refused, and its size is the sender's choice.
        if self.count > limits.attributes as usize {
            return Ok(());
        }
        let attribute = key_value(wire)?;
        if attribute.0.starts_with("biz.") {
            self.biz.push(attribute)
        } else {
            self.others.push(attribute)
        }
        Ok(())
    }

    pub fn check(&self, limits: &Limits) -> Result<(), Trouble> {
        let counted = check_count(self.count, limits);
        let named = || self.biz.iter().chain(&self.others).try_for_each(|(key, _)| name(key, limits).map(|_| ()));
        counted.and_then(|()| named()).map_err(|trouble| beneath(trouble, "attributes"))
    }

    pub fn other(&self, name: &str) -> Option<Any<'p>> {
        self.others.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    pub fn biz(&self, name: &str) -> Option<Any<'p>> {
        self.biz.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    pub fn biz_text(&self, name: &str) -> Option<&'p str> {
        match self.biz(name) {
            Some(Any::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// Lower-case hex of an id of the right length that is not all zero; anything else counts as absent, as the
/// specification asks.
pub(super) fn hex_id<const N: usize>(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let Ok(bytes) = <&[u8; N]>::try_from(bytes) else { return String::new() };
    if *bytes == [0; N] {
        return String::new();
    }
    // Written out, since collecting characters costs several times more and every span has three ids.
    let mut text = String::with_capacity(2 * N);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Everything that has no column of its own. Of an event, `biz.*` is not repeated here, only its name and id.
pub(super) fn others(
    attributes: &Attributes<'_>,
    resource: &Resource<'_>,
    is_event: bool,
    limits: &Limits,
) -> Result<Vec<(String, String)>, Trouble> {
    let keep = |key: &str| match key {
        "biz.event.type" | "biz.event.id" => true,
        "biz.object.type" | "biz.object.id" | "biz.source" | "biz.system" => false,
        _ => !is_event,
    };
    let own = attributes.biz.iter().filter(|(key, _)| keep(key)).chain(&attributes.others);
    let mut columns = Vec::with_capacity(attributes.biz.len() + attributes.others.len() + resource.columns.len());
    for (key, value) in own {
        let text = column(key, *value, limits).map_err(|trouble| beneath(trouble, "attributes"))?;
        columns.push(((*key).to_owned(), text));
    }
    columns.extend_from_slice(&resource.columns);
    Ok(columns)
}
