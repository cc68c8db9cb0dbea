//! How far the journal is in the store. A small file, replaced atomically: `next` is the first record that is not
//! surely stored; `planned` is the batch that may be half-way in, to be repeated with exactly these boundaries.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub next: u64,
    /// End (exclusive) of the batch that starts at `next`.
    pub planned: Option<u64>,
}

pub struct Checkpoint {
    path: PathBuf,
    position: Position,
}

impl Checkpoint {
    pub fn open(dir: &Path) -> io::Result<Self> {
        let path = dir.join("checkpoint.json");
        let position = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Position::default(),
            Err(e) => return Err(e),
        };
        Ok(Self { path, position })
    }

    pub fn position(&self) -> Position {
        self.position
    }

    /// Fixes the boundaries of the next batch before its first insert.
    pub fn plan(&mut self, end: u64) -> io::Result<()> {
        self.save(Position { next: self.position.next, planned: Some(end) })
    }

    /// Everything below `next` is stored.
    pub fn advance(&mut self, next: u64) -> io::Result<()> {
        self.save(Position { next, planned: None })
    }

    fn save(&mut self, position: Position) -> io::Result<()> {
        let young = self.path.with_extension("new");
        let mut file = File::create(&young)?;
        file.write_all(&serde_json::to_vec(&position)?)?;
        file.sync_data()?;
        fs::rename(&young, &self.path)?;
        if let Some(dir) = self.path.parent() {
            File::open(dir)?.sync_all()?;
        }
        self.position = position;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, Position};

    #[test]
    fn a_planned_batch_is_found_again_after_a_crash() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let mut checkpoint = Checkpoint::open(dir.path())?;
        checkpoint.advance(4)?;
        checkpoint.plan(9)?;
        assert_eq!(Checkpoint::open(dir.path())?.position(), Position { next: 4, planned: Some(9) });
        checkpoint.advance(9)?;
        assert_eq!(Checkpoint::open(dir.path())?.position(), Position { next: 9, planned: None });
        Ok(())
    }
}
