//! JSON for the questions that the pages answer.
