//! Progress of long work, on standard error, when somebody looks at it.

use indicatif::{ProgressBar, ProgressStyle};

use crate::simulate::Progress;
use crate::transfer::import;

/// A bar for the past that is told first; the live part shows on the pages.
pub fn bar() -> impl Fn(Progress) + Send + Sync {
    let style = ProgressStyle::with_template("  {msg} {wide_bar} {pos}/{len} events");
    let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message("loading the past");
    move |progress| {
        let (told, all) = progress.past;
        if all == 0 || bar.is_finished() {
            return;
        }
        bar.set_length(all);
        bar.set_position(told);
        if told >= all {
            bar.finish_and_clear();
        }
    }
}

/// A bar over the bytes of the file at hand, with the events read so far.
pub fn import_bar() -> impl Fn(import::Progress) {
    let style = ProgressStyle::with_template("  {wide_bar} {bytes}/{total_bytes}  {msg}  {eta} left");
    let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let file = parking_lot::Mutex::new(String::new());
    move |progress| {
        let mut file = file.lock();
        if *file != progress.file {
            file.clone_from(&progress.file);
            bar.reset();
        }
        bar.set_length(progress.bytes_all);
        bar.set_position(progress.bytes);
        let seconds = bar.elapsed().as_secs().max(1);
        bar.set_message(format!("{} events, {}/s", progress.read, progress.read / seconds));
        if progress.bytes >= progress.bytes_all {
            bar.finish_and_clear();
        }
    }
}

/// How much of an export has come; its length is not known before.
pub fn export_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("  {spinner} {bytes} ({bytes_per_sec})");
    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}
