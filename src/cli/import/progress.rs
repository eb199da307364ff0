//! How far an import is: a bar at a terminal, a line every few seconds elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Time between two lines where there is no terminal.
const QUIET: Duration = Duration::from_secs(5);

/// The rows of one run.
pub struct Progress {
    from: u64,
    now: u64,
    total: u64,
    started: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A run that starts at row `from` of `total`.
    pub fn new(from: u64, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = "{bar:30} {pos}/{len} rows {msg} ETA {eta}";
            let bar = ProgressBar::new(total).with_position(from);
            match ProgressStyle::with_template(template) {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Self {
            from,
            now: from,
            total,
            started: Instant::now(),
            told: Instant::now(),
            bar,
        }
    }

    /// The run has come to row `row`.
    pub fn at(&mut self, row: u64, rejected: u64) {
        self.now = row;
        let rate = self.rate();
        if let Some(bar) = &self.bar {
            bar.set_position(row);
            bar.set_message(format!("{rate:.0}/s, {rejected} rejected,"));
        } else if self.told.elapsed() >= QUIET {
            self.told = Instant::now();
            let left = (self.total.saturating_sub(row)) as f64 / rate.max(0.1);
            let total = self.total;
            tell(&format!(
                "{row}/{total} rows, {rate:.0}/s, {rejected} rejected, {left:.0} s left"
            ));
        }
    }

    /// Seconds and rows a second of this run.
    pub fn finish(self) -> (f64, f64) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let round = |x: f64| (x * 10.0).round() / 10.0;
        (
            round(self.started.elapsed().as_secs_f64()),
            round(self.rate()),
        )
    }

    fn rate(&self) -> f64 {
        let rows = self.now.saturating_sub(self.from) as f64;
        rows / self.started.elapsed().as_secs_f64().max(0.001)
    }
}

fn tell(line: &str) {
    use std::io::Write;
    let _unheard = writeln!(std::io::stderr(), "{line}");
}
