//! Progress on a terminal: which step runs, and how far it is.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use spikegate_contract::text::printable;
use std::time::Duration;

use crate::ui::Ui;

/// The steps of a verb, as `[2/5] calibrate`.
pub struct Steps {
    ui: Ui,
    bar: ProgressBar,
    at: usize,
    total: usize,
}

impl Steps {
    /// `total` steps; shows nothing before the first.
    pub fn new(ui: &Ui, total: usize) -> Self {
        let target =
            if ui.shows_progress() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { ui: *ui, bar: ProgressBar::with_draw_target(None, target), at: 0, total }
    }

    /// The next step begins.
    pub fn next(&mut self, name: &str) {
        self.at += 1;
        tracing::info!("[{}/{}] {name}", self.at, self.total);
        self.bar.reset();
        self.bar.set_style(style("{spinner} {prefix} {msg} {elapsed}"));
        self.bar.set_prefix(format!("[{}/{}]", self.at, self.total));
        self.bar.set_message(name.to_owned());
        self.bar.enable_steady_tick(Duration::from_millis(120));
    }

    /// The step has done `done` of `total` parts.
    pub fn count(&self, done: u64, total: u64) {
        if self.bar.length() != Some(total) {
            self.bar.set_length(total);
            self.bar.set_style(style("{spinner} {prefix} {msg} {bar:30} {pos}/{len} {elapsed} (left {eta})"));
        }
        self.bar.set_position(done);
    }

    /// A line for people that stays.
    pub fn note(&self, text: &str) {
        self.bar.suspend(|| self.ui.note(text));
    }

    /// What the step is doing.
    pub fn say(&self, what: &str) {
        tracing::debug!("{what}");
        self.bar.set_message(printable(what));
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
