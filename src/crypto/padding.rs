//! How a plaintext's length is hidden: `length u32 BE ‖ plaintext ‖ zeros`, rounded up.

use zeroize::Zeroize;

use super::aead::{OpenError, SealError};

/// Bytes of the true length at the head of a padded plaintext.
const LENGTH: usize = 4;
/// Steps above 4 KiB are a multiple of this.
const GRAIN: usize = 256;

/// The least step that holds `length` bytes: 256, 512, 1K, 2K, 4K, then ×1.25 rounded up to 256
/// bytes. `None` above 4 GiB.
fn step(length: usize) -> Option<usize> {
    let mut step = 256_usize;
    while step < length {
        step = if step < 4096 {
            step * 2
        } else {
            step.checked_add(step / 4)?
                .checked_next_multiple_of(GRAIN)?
        };
    }
    u32::try_from(step).is_ok().then_some(step)
}

/// How many bytes a plaintext of `length` bytes becomes.
pub(super) fn padded_len(length: usize) -> Result<usize, SealError> {
    length
        .checked_add(LENGTH)
        .and_then(step)
        .ok_or(SealError::TooLong)
}

/// Appends the padded plaintext to `out`.
pub(super) fn append(out: &mut Vec<u8>, plaintext: &[u8]) -> Result<(), SealError> {
    let padded = padded_len(plaintext.len())?;
    let length = u32::try_from(plaintext.len()).map_err(|_| SealError::TooLong)?;
    // Room for all of it and the tag at once: a buffer that grows leaves copies of itself behind.
    out.reserve_exact(padded + super::aead::TAG);
    let end = out.len() + padded;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(plaintext);
    out.resize(end, 0);
    Ok(())
}

/// Takes the padding off, in place. Anything but what [`append`] makes is refused.
pub(super) fn remove(padded: &mut Vec<u8>) -> Result<(), OpenError> {
    let plaintext = plaintext_of(padded).map(<[u8]>::len);
    let Some(length) = plaintext else {
        padded.zeroize();
        return Err(OpenError::Refused);
    };
    padded.copy_within(LENGTH..LENGTH + length, 0);
    // The zeroing on drop covers the whole capacity, the bytes behind the new end too.
    padded.truncate(length);
    Ok(())
}

fn plaintext_of(padded: &[u8]) -> Option<&[u8]> {
    let (head, rest) = padded.split_first_chunk::<LENGTH>()?;
    let length = usize::try_from(u32::from_be_bytes(*head)).ok()?;
    let (plaintext, zeros) = rest.split_at_checked(length)?;
    let exact = padded_len(length).ok()? == padded.len();
    (exact && zeros.iter().all(|byte| *byte == 0)).then_some(plaintext)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_the_documented_ones() {
        let mut steps = Vec::new();
        let mut at = 1;
        while steps.len() < 10 {
            let next = step(at).unwrap();
            steps.push(next);
            at = next + 1;
        }
        assert_eq!(
            steps,
            [256, 512, 1024, 2048, 4096, 5120, 6400, 8192, 10240, 12800]
        );
        assert_eq!(step(u32::MAX as usize + 1), None);
    }

    #[test]
    fn what_is_padded_comes_back_and_nothing_else_does() {
        for length in [0, 1, 251, 252, 253, 508, 4092, 4093, 70_000] {
            let plaintext = vec![7; length];
            let mut bytes = Vec::new();
            append(&mut bytes, &plaintext).unwrap();
            assert_eq!(bytes.len(), padded_len(length).unwrap());
            let mut back = bytes.clone();
            remove(&mut back).unwrap();
            assert_eq!(back, plaintext);

            let mut longer = bytes.clone();
            longer.push(0);
            assert_eq!(remove(&mut longer), Err(OpenError::Refused));
            if let Some(last) = bytes.last_mut().filter(|byte| **byte == 0) {
                *last = 1;
                assert_eq!(remove(&mut bytes), Err(OpenError::Refused));
            }
        }
        assert_eq!(remove(&mut vec![0, 0, 0]), Err(OpenError::Refused));
        assert_eq!(remove(&mut vec![255; 256]), Err(OpenError::Refused));
    }
}
