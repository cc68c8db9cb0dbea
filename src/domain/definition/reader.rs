//! Gathers what is wrong with a file, each fault with its line and column, and what is only odd.

use milepost_ingest::{EVENT_TYPES, vocabulary::nearest};

use super::DefinitionError;

/// A file that is being read.
pub struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    pub faults: Vec<DefinitionError>,
    /// What can be used, and is probably not meant.
    pub warnings: Vec<DefinitionError>,
}

impl<'a> Reader<'a> {
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, faults: Vec::new(), warnings: Vec::new() }
    }

    /// Something is wrong at a byte of the text.
    pub fn fault(&mut self, offset: usize, what: impl Into<String>) {
        let fault = self.place(offset, what.into());
        self.faults.push(fault);
    }

    /// Something is odd there.
    pub fn warn(&mut self, offset: usize, what: impl Into<String>) {
        let warning = self.place(offset, what.into());
        self.warnings.push(warning);
    }

    /// An event type that no shipped contract describes may be one's own; one that is nearly a known one is a slip.
    pub fn know(&mut self, offset: usize, kind: &str) {
        if EVENT_TYPES.iter().any(|known| known.name == kind) {
            return;
        }
        match nearest(kind, EVENT_TYPES.iter().map(|known| known.name)) {
            Some(near) => self.warn(offset, format!("no shipped contract knows `{kind}`; did you mean `{near}`?")),
            None => self.warn(offset, format!("no shipped contract knows `{kind}`; give it one with --contracts")),
        }
    }

    /// A text that is no TOML, or no file of this kind. Says the nearest known word where one was meant.
    pub fn toml(&mut self, error: &toml::de::Error) {
        let message = error.message().trim();
        let mut what = message.to_owned();
        if let Some((unknown, rest)) = message.strip_prefix("unknown field `").and_then(|m| m.split_once('`')) {
            let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
            if let Some(near) = nearest(unknown, known.iter().copied()) {
                what = format!("unknown field `{unknown}`; did you mean `{near}`? There are {}", known.join(", "));
            }
        }
        self.fault(error.span().map_or(0, |s| s.start), what);
    }

    fn place(&self, offset: usize, what: String) -> DefinitionError {
        DefinitionError::at(self.file, self.text, offset, what)
    }
}

impl DefinitionError {
    /// At a byte of the text.
    pub fn at(file: &str, text: &str, offset: usize, what: String) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        Self { file: file.to_owned(), line, column, what }
    }
}
