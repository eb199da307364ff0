//! The machine, in the line that every bench prints first.

use std::fs::read_to_string;
use std::io;

/// CPU model, cores, kernel and how busy the machine is with others, in one line.
pub(crate) fn machine() -> io::Result<String> {
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
pub(crate) fn load() -> io::Result<String> {
    let load = read_to_string("/proc/loadavg")?;
    let parts: Vec<&str> = load.split_whitespace().take(3).collect();
    Ok(parts.join(" "))
}
