//! The machine, and where its CPU goes.

use std::collections::BTreeMap;
use std::fs::read_to_string;

use crate::Failure;

/// CPU model, cores, kernel and how busy the machine is with others, in one line.
pub(crate) fn machine() -> Result<String, Failure> {
    let model = read_to_string("/proc/cpuinfo")?
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(':').nth(1))
        .unwrap_or("unknown CPU")
        .trim()
        .to_owned();
    let cores = std::thread::available_parallelism()?;
    let kernel = read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!(
        "{model}, {cores} cores, Linux {}, load {}",
        kernel.trim(),
        load()?
    ))
}

/// Load averages of 1, 5 and 15 minutes.
pub(crate) fn load() -> Result<String, Failure> {
    let load = read_to_string("/proc/loadavg")?;
    let parts: Vec<&str> = load.split_whitespace().take(3).collect();
    Ok(parts.join(" "))
}

/// CPU nanoseconds of the threads there are, summed by name (digits at the end left out).
pub(crate) fn cpu_by_thread() -> Result<BTreeMap<String, u64>, Failure> {
    let mut sums = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        // A thread may end while it is being asked.
        let (Ok(name), Ok(stat)) = (
            read_to_string(task.join("comm")),
            read_to_string(task.join("schedstat")),
        ) else {
            continue;
        };
        let name = name
            .trim()
            .trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
        let nanos: u64 = stat
            .split_whitespace()
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        *sums.entry(name.to_owned()).or_default() += nanos;
    }
    Ok(sums)
}

/// Microseconds per operation of each thread's name since `before`, dearest first.
pub(crate) fn cpu_per_operation(
    before: &BTreeMap<String, u64>,
    operations: f64,
) -> Result<Vec<(String, f64)>, Failure> {
    let mut list: Vec<(String, f64)> = cpu_by_thread()?
        .into_iter()
        .map(|(name, nanos)| {
            let spent = nanos.saturating_sub(before.get(&name).copied().unwrap_or(0));
            (name, spent as f64 / 1e3 / operations)
        })
        .filter(|(_, micros)| *micros >= 0.05)
        .collect();
    list.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(list)
}

/// `name 1.2, other 0.3`.
pub(crate) fn listed(parts: &[(String, f64)]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|(name, micros)| format!("{name} {micros:.1}"))
        .collect();
    parts.join(", ")
}
