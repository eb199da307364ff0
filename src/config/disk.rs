//! Room on the disk of the data directory: what stops first when it runs out.

use super::ConfigError;

/// The `[disk]` table: percent of the disk, or of 100 GiB where it is larger, that must be free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Disk {
    /// Below this the operator is warned.
    pub warn_percent: u8,
    /// Below this no export is begun or goes on, and no import.
    pub outputs_percent: u8,
    /// Below this no case is shown in any way: the rest belongs to the log, to destruction and to
    /// auditors.
    pub disclosure_percent: u8,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            warn_percent: 10,
            outputs_percent: 5,
            disclosure_percent: 2,
        }
    }
}

impl Disk {
    /// Nothing stops before the disk is full, which the journal's reserve then answers for.
    pub const UNWATCHED: Self = Self {
        warn_percent: 0,
        outputs_percent: 0,
        disclosure_percent: 0,
    };

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let in_order = self.disclosure_percent <= self.outputs_percent
            && self.outputs_percent <= self.warn_percent;
        if in_order && self.warn_percent <= 50 {
            return Ok(());
        }
        Err(ConfigError::Value {
            key: "disk",
            reason: "must have disclosure_percent <= outputs_percent <= warn_percent <= 50",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stops_first_stops_first() {
        let disk = |warn_percent, outputs_percent, disclosure_percent| Disk {
            warn_percent,
            outputs_percent,
            disclosure_percent,
        };
        for good in [Disk::default(), Disk::UNWATCHED, disk(50, 50, 50)] {
            assert!(good.check().is_ok());
        }
        for bad in [disk(5, 10, 2), disk(10, 2, 5), disk(51, 5, 2)] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
