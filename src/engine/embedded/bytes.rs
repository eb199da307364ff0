//! Reading and writing fixed fields, big endian, and the twelve bytes every file begins with.

use crate::engine::EngineError;

/// The format of this release. A file of a higher number is refused.
pub(super) const VERSION: u16 = 1;
/// AES-256-GCM, HKDF-, HMAC- and SHA-256.
pub(super) const SUITE: u8 = 1;
/// Length of [`preamble`].
pub(super) const PREAMBLE: usize = 12;

/// `magic ‖ version u16 ‖ suite u8 ‖ 0`.
pub(super) fn preamble(magic: &[u8; 8]) -> [u8; PREAMBLE] {
    let mut bytes = [0; PREAMBLE];
    let (head, tail) = bytes.split_at_mut(8);
    head.copy_from_slice(magic);
    let [high, low] = VERSION.to_be_bytes();
    tail.copy_from_slice(&[high, low, SUITE, 0]);
    bytes
}

/// Reads past the preamble of a file that this release must understand.
pub(super) fn check_preamble(
    reader: &mut Reader<'_>,
    magic: &[u8; 8],
    what: &str,
) -> Result<(), EngineError> {
    let damaged = || EngineError::Damaged(format!("{what} does not begin as it should"));
    if reader.array::<8>().ok_or_else(damaged)? != *magic {
        return Err(damaged());
    }
    let version = reader.u16().ok_or_else(damaged)?;
    let [suite, zero] = reader.array::<2>().ok_or_else(damaged)?;
    if version > VERSION {
        return Err(EngineError::Unusable(format!(
            "{what} has format version {version}; this release knows {VERSION}: \
             open it with the release that wrote it"
        )));
    }
    if suite > SUITE {
        return Err(EngineError::Unusable(format!(
            "{what} uses cipher suite {suite}; this release knows {SUITE}"
        )));
    }
    if version == 0 || suite == 0 || zero != 0 {
        return Err(damaged());
    }
    Ok(())
}

/// A cursor that never reads past the end.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }
    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
    pub(super) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }
    pub(super) const fn rest(self) -> &'a [u8] {
        self.0
    }
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Writes `value` over the bytes at `at`; the place exists by construction.
pub(super) fn patch(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at.saturating_add(value.len())) {
        place.copy_from_slice(value);
    }
}

/// An input/output error, told with what was being done.
pub(super) fn io(what: &str) -> impl Fn(std::io::Error) -> EngineError + '_ {
    move |error| match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            EngineError::DiskFull
        }
        std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => {
            EngineError::ReadOnly(what.to_owned())
        }
        _ => EngineError::Io(format!("{what}: {error}")),
    }
}
