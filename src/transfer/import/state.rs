//! How far a file is imported: `FILE.import.json` beside it, replaced atomically after each batch that was answered.
//! It holds the byte position, a hash of the file up to there, and the counts; records that were not taken stand in
//! `FILE.refused.ndjson`. A second run goes on from there, or shows that all was done.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::record::{Batch, Place, Refused};
use super::send::Answer;

/// Often enough that a killed run repeats little, seldom enough to cost nothing.
const SAVE_EVERY: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records in the file.
    pub read: u64,
    pub accepted: u64,
    /// Taken before, in this file or by the server.
    pub duplicates: u64,
    pub refused: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    /// Server and tenant.
    target: String,
    pub position: u64,
    pub line: u64,
    pub sha256: String,
    pub counts: Counts,
    /// Refused records by their code.
    pub reasons: std::collections::BTreeMap<String, u64>,
    /// Length of the file of refused records that belongs to this position.
    refused_bytes: u64,
    pub done: bool,
    #[serde(skip)]
    pub path: PathBuf,
    /// The first refused records of this run, for the report.
    #[serde(skip)]
    pub examples: Vec<Refused>,
    /// What the state file said, in words; empty for a file that is new.
    #[serde(skip)]
    pub resumed: String,
    /// Why this run could not go on.
    #[serde(skip)]
    pub error: String,
    #[serde(skip)]
    refused: Option<BufWriter<File>>,
    #[serde(skip)]
    saved: Option<Instant>,
}

const EXAMPLES: usize = 10;

impl State {
    /// What an earlier run left, if it was about the same file and the same target; else the beginning.
    pub fn open(path: &Path, target: &str, again: bool) -> anyhow::Result<Self> {
        let length = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
        let begin = |why: &str| Self {
            target: target.to_owned(),
            position: 0,
            line: 1,
            sha256: String::new(),
            counts: Counts::default(),
            reasons: Default::default(),
            refused_bytes: 0,
            done: false,
            path: path.to_owned(),
            examples: Vec::new(),
            resumed: why.to_owned(),
            error: String::new(),
            refused: None,
            saved: None,
        };
        if again {
            return Ok(begin(""));
        }
        let Ok(text) = fs::read(beside(path, "import.json")) else { return Ok(begin("")) };
        let Ok(mut state) = serde_json::from_slice::<Self>(&text) else {
            return Ok(begin("its state file cannot be read, so it begins at the top"));
        };
        if state.target != target {
            return Ok(begin("it was imported elsewhere before, so it begins at the top"));
        }
        if state.position > length || Prefix::open(path)?.up_to(state.position)? != state.sha256 {
            return Ok(begin("the file has changed since, so it begins at the top"));
        }
        state.path = path.to_owned();
        if state.done && state.position == length {
            state.resumed = "it was imported before, to the end, and has not changed".to_owned();
        } else {
            state.done = false;
            state.resumed = format!("going on at line {}", state.line);
        }
        Ok(state)
    }

    pub fn resume(&self) -> Place {
        Place { line: self.line, column: 1, byte: self.position }
    }

    /// Counts a batch that was answered, in the order of the file.
    pub fn settle(&mut self, batch: &Batch, answer: Answer) -> anyhow::Result<()> {
        self.counts.read += batch.read;
        self.counts.accepted += answer.accepted;
        self.counts.duplicates += answer.duplicates + batch.repeats;
        let mut refused: Vec<&Refused> = batch.refused.iter().chain(&answer.refused).collect();
        refused.sort_by_key(|r| (r.line, r.column));
        for refused in refused {
            self.refuse(refused)?;
        }
        if let Some(resume) = batch.resume {
            self.position = resume.byte;
            self.line = resume.line;
            self.sha256.clone_from(&batch.sha256);
        }
        if self.saved.is_none_or(|at| at.elapsed() > SAVE_EVERY) {
            self.save()?;
        }
        Ok(())
    }

    fn refuse(&mut self, refused: &Refused) -> anyhow::Result<()> {
        self.counts.refused += 1;
        *self.reasons.entry(refused.code.clone()).or_default() += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(refused.clone());
        }
        let out = match &mut self.refused {
            Some(out) => out,
            None => {
                let path = beside(&self.path, "refused.ndjson");
                let mut options = OpenOptions::new();
                let mut file = options
                    .create(true)
                    .truncate(false)
                    .write(true)
                    .open(&path)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                // What a killed run wrote beyond its last state comes again.
                file.set_len(self.refused_bytes)?;
                file.seek(SeekFrom::End(0))?;
                self.refused.insert(BufWriter::new(file))
            }
        };
        serde_json::to_writer(&mut *out, refused)?;
        out.write_all(b"\n")?;
        Ok(())
    }

    pub fn refused_file(&self) -> PathBuf {
        beside(&self.path, "refused.ndjson")
    }

    pub fn finish(&mut self) -> anyhow::Result<()> {
        self.position = fs::metadata(&self.path)?.len();
        self.sha256 = Prefix::open(&self.path)?.up_to(self.position)?;
        self.done = true;
        self.save()
    }

    pub fn save(&mut self) -> anyhow::Result<()> {
        if let Some(out) = &mut self.refused {
            out.flush()?;
            self.refused_bytes = out.get_ref().metadata()?.len();
        }
        let (path, next) = (beside(&self.path, "import.json"), beside(&self.path, "import.json.new"));
        fs::write(&next, serde_json::to_vec_pretty(self)?)
            .and_then(|()| fs::rename(&next, &path))
            .with_context(|| format!("cannot write {}", path.display()))?;
        self.saved = Some(Instant::now());
        Ok(())
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// The hash of a file's beginning. Reads the file a second time, which the page cache makes cheap, so that readers may
/// look ahead as they like.
pub struct Prefix {
    file: BufReader<File>,
    hasher: Sha256,
    at: u64,
}

impl Prefix {
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { file: BufReader::with_capacity(1 << 20, file), hasher: Sha256::new(), at: 0 })
    }

    /// Positions must not go back.
    pub fn up_to(&mut self, position: u64) -> std::io::Result<String> {
        let mut buffer = [0; 64 << 10];
        while self.at < position {
            let want = usize::try_from(position - self.at).map_or(buffer.len(), |left| left.min(buffer.len()));
            let read = self.file.read(&mut buffer[..want])?;
            if read == 0 {
                break;
            }
            self.hasher.update(&buffer[..read]);
            self.at += read as u64;
        }
        Ok(hex::encode(self.hasher.clone().finalize()))
    }
}
