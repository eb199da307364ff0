//! Clients, and what they measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::Failure;

/// What one measurement gave.
pub(crate) struct Outcome {
    pub(crate) rate: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) cpu_us: f64,
}

/// Runs `clients` tasks for `length`, each doing one `operation` after the other; the operation
/// is told a number that no other operation is told.
pub(crate) async fn run_clients<F, Done>(
    clients: u64,
    length: Duration,
    operation: F,
) -> Result<Outcome, Failure>
where
    F: Fn(u64) -> Done + Send + Sync + 'static,
    Done: Future<Output = Result<(), Failure>> + Send,
{
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed) << 40;
    let operation = Arc::new(operation);
    let (started, cpu) = (Instant::now(), cpu_seconds()?);
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let operation = Arc::clone(&operation);
            tokio::spawn(async move {
                let mut times = Vec::with_capacity(1 << 16);
                let mut round = 0;
                while started.elapsed() < length {
                    let begun = Instant::now();
                    operation(run + round * clients + client).await?;
                    times.push(begun.elapsed());
                    round += 1;
                }
                Ok::<_, Failure>(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    let count = times.len() as f64;
    times.sort_unstable();
    let at = |part: f64| {
        let nth = times
            .get((count * part) as usize)
            .copied()
            .unwrap_or_default();
        nth.as_secs_f64() * 1e3
    };
    Ok(Outcome {
        rate: count / started.elapsed().as_secs_f64(),
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        cpu_us: (cpu_seconds()? - cpu) * 1e6 / count,
    })
}

/// CPU seconds of this process so far, in hundredths (proc(5), utime and stime).
fn cpu_seconds() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').ok_or("an odd /proc/self/stat")?.1;
    let ticks: Vec<f64> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|t| t.parse().ok())
        .collect();
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

/// The middle value.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A number from the environment.
pub(crate) fn number_from_env(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}
