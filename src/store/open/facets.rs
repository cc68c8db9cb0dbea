//! How often each word is there, of each property that a list can be narrowed by.

use super::words::{NONE, Word, Words};
use crate::store::workflows::Facet;

/// Values of a property that are told, the most frequent.
const MOST: usize = 30;

pub struct Tallies<const N: usize>([Vec<u64>; N]);

impl<const N: usize> Tallies<N> {
    pub fn new(words: &Words) -> Self {
        Self(std::array::from_fn(|_| vec![0; words.len()]))
    }

    pub fn add(&mut self, property: usize, word: Word) {
        self.0[property][word as usize] += 1;
    }

    /// By name, the most frequent first; the empty word is no value.
    pub fn facets(&self, words: &Words, names: [&str; N]) -> Vec<Facet> {
        let mut all: Vec<Facet> = Vec::new();
        let mut order: Vec<usize> = (0..N).collect();
        order.sort_by_key(|at| names[*at]);
        for at in order {
            let there = self.0[at].iter().zip(0_u32..).filter(|(count, word)| **count > 0 && *word != NONE);
            let mut values: Vec<(u64, &str)> = there.map(|(count, word)| (*count, words.word(word))).collect();
            let by_count = |a: &(u64, &str), b: &(u64, &str)| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1));
            if values.len() > MOST {
                values.select_nth_unstable_by(MOST, by_count);
                values.truncate(MOST);
            }
            values.sort_by(by_count);
            let facet =
                |(count, value): (u64, &str)| Facet { name: names[at].to_owned(), value: value.to_owned(), count };
            all.extend(values.into_iter().map(facet));
        }
        all
    }
}
