//! Progress of long work, on standard error, when somebody looks at it.

use indicatif::{ProgressBar, ProgressStyle};

use crate::simulate::Progress;

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
