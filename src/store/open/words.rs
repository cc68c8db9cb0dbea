//! Every word once: rows hold numbers in the place of names that many of them share.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap};

/// A number in the place of a word.
pub type Word = u32;
/// A number in the place of a list of words.
pub type List = u32;

/// Of no word that is known: nothing matches it.
pub const UNKNOWN: Word = u32::MAX;
/// The empty word, and the empty list.
pub const NONE: Word = 0;
/// In the place of an owner.
pub const NOBODY: Word = 1;

pub struct Words {
    words: Vec<Box<str>>,
    by_word: HashTable<Word>,
    lists: Vec<Box<[Word]>>,
    by_list: FxHashMap<Box<[Word]>, List>,
}

impl Default for Words {
    fn default() -> Self {
        let mut words = Self {
            words: Vec::new(),
            by_word: HashTable::new(),
            lists: vec![Box::default()],
            by_list: FxHashMap::default(),
        };
        words.learn("");
        words.learn("nobody");
        words
    }
}

impl Words {
    pub fn learn(&mut self, word: &str) -> Word {
        if let Some(known) = self.find(word) {
            return known;
        }
        let number = u32::try_from(self.words.len()).unwrap_or(UNKNOWN);
        self.words.push(word.into());
        let words = &self.words;
        self.by_word.insert_unique(hash(word), number, |other| hash(&words[*other as usize]));
        number
    }

    pub fn learn_list(&mut self, list: &[&str]) -> List {
        if list.is_empty() {
            return NONE;
        }
        let words: Box<[Word]> = list.iter().map(|word| self.learn(word)).collect();
        if let Some(known) = self.by_list.get(&words) {
            return *known;
        }
        let number = u32::try_from(self.lists.len()).unwrap_or(UNKNOWN);
        self.lists.push(words.clone());
        self.by_list.insert(words, number);
        number
    }

    /// `UNKNOWN` for a word that no row has.
    pub fn number(&self, word: &str) -> Word {
        self.find(word).unwrap_or(UNKNOWN)
    }

    pub fn word(&self, number: Word) -> &str {
        &self.words[number as usize]
    }

    pub fn list(&self, number: List) -> &[Word] {
        &self.lists[number as usize]
    }

    pub fn len(&self) -> usize {
        self.words.len()
    }

    fn find(&self, word: &str) -> Option<Word> {
        self.by_word.find(hash(word), |other| *self.words[*other as usize] == *word).copied()
    }
}

fn hash(word: &str) -> u64 {
    FxBuildHasher.hash_one(word)
}

/// From a moment until before another; 0 leaves an end open.
pub struct Period {
    from_ms: i64,
    to_ms: i64,
}

impl Period {
    pub fn new(from_ms: i64, to_ms: i64) -> Self {
        let ends = |ms: i64, open: i64| if ms == 0 { open } else { ms };
        Self { from_ms: ends(from_ms, i64::MIN), to_ms: ends(to_ms, i64::MAX) }
    }

    pub fn holds(&self, ms: i64) -> bool {
        self.from_ms <= ms && ms < self.to_ms
    }
}

/// What a property is narrowed to.
pub enum Choice {
    Any,
    One(Word),
    OneOf(Vec<Word>),
}

impl Choice {
    /// An empty word does not narrow.
    pub fn one(words: &Words, word: &str) -> Self {
        if word.is_empty() { Self::Any } else { Self::One(words.number(word)) }
    }

    pub fn one_of(words: &Words, any: &[String]) -> Self {
        if any.is_empty() { Self::Any } else { Self::OneOf(any.iter().map(|word| words.number(word)).collect()) }
    }

    pub fn misses(&self, word: Word) -> bool {
        match self {
            Self::Any => false,
            Self::One(wanted) => *wanted != word,
            Self::OneOf(wanted) => !wanted.contains(&word),
        }
    }

    /// Of a list, whether none of it is wanted.
    pub fn misses_list(&self, list: &[Word]) -> bool {
        !matches!(self, Self::Any) && list.iter().all(|word| self.misses(*word))
    }
}
