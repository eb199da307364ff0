//! Where the CPU of this process goes.

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::io;

/// CPU nanoseconds of the threads there are, summed by name (digits at the end left out).
pub(crate) fn cpu_by_thread() -> io::Result<BTreeMap<String, u64>> {
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
) -> io::Result<Vec<(String, f64)>> {
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
