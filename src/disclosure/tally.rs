//! What left: its length and SHA-256, counted as it is written.

use std::io::{self, Write};

use ring::digest::{Context, SHA256};

/// A writer that counts what goes through it.
pub struct Tally<W> {
    to: W,
    bytes: u64,
    context: Context,
}

impl<W: Write> Tally<W> {
    /// Nothing yet.
    pub fn new(to: W) -> Self {
        Self {
            to,
            bytes: 0,
            context: Context::new(&SHA256),
        }
    }
    /// Bytes, SHA-256 of them, and what they were written to.
    pub fn finish(self) -> (u64, [u8; 32], W) {
        let mut sha256 = [0; 32];
        for (to, from) in sha256.iter_mut().zip(self.context.finish().as_ref()) {
            *to = *from;
        }
        (self.bytes, sha256, self.to)
    }
}

impl<W: Write> Write for Tally<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.to.write(bytes)?;
        self.context.update(bytes.get(..taken).unwrap_or_default());
        self.bytes += taken as u64;
        Ok(taken)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_what_was_taken_and_nothing_else() {
        let mut room = [0; 5];
        let mut tally = Tally::new(&mut room[..]);
        assert_eq!(tally.write(b"abc").unwrap(), 3);
        assert_eq!(tally.write(b"defg").unwrap(), 2);
        let (bytes, sha256, _) = tally.finish();
        assert_eq!(bytes, 5);
        let wanted = ring::digest::digest(&SHA256, b"abcde");
        assert_eq!(sha256.as_slice(), wanted.as_ref());
    }
}
