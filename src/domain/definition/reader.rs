//! Gathers what is wrong with a file, each fault with its line and column.

use super::DefinitionError;

/// A file that is being read.
pub struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    pub faults: Vec<DefinitionError>,
}

impl<'a> Reader<'a> {
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, faults: Vec::new() }
    }

    /// Something is wrong at a byte of the text.
    pub fn fault(&mut self, offset: usize, what: impl Into<String>) {
        let before = &self.text[..offset.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        self.faults.push(DefinitionError { file: self.file.to_owned(), line, column, what: what.into() });
    }
}
