//! From a file to bytes, from bytes to letters: gzip, byte order marks, UTF-8 and CP949.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use encoding_rs::EUC_KR;
use flate2::read::MultiGzDecoder;

use crate::cli::failure::Failure;

/// How much of the file's beginning decides what it is, in bytes.
const SAMPLE_BYTES: u64 = 64 << 10;
const BUFFER_BYTES: usize = 64 << 10;

/// A letter encoding, as a map may name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Found out from the file.
    #[default]
    Auto,
    /// UTF-8, strictly.
    #[serde(rename = "utf-8")]
    Utf8,
    /// CP949 (Windows-949, the superset of EUC-KR).
    Cp949,
}

/// An opened file: its bytes without gzip and byte order mark, and a look at its beginning.
pub struct Source {
    /// All bytes, from the beginning.
    pub reader: Box<dyn BufRead + Send>,
    /// The first bytes.
    pub sample: Vec<u8>,
}

/// Opens `path`; gzip is known by its magic, not by the name.
pub fn open(path: &Path) -> Result<Source, Failure> {
    let unread = |error: io::Error| Failure::file("read", path, &error);
    let mut file = BufReader::with_capacity(BUFFER_BYTES, File::open(path).map_err(unread)?);
    let gzipped = file.fill_buf().map_err(unread)?.starts_with(&[0x1f, 0x8b]);
    let plain: Box<dyn Read + Send> = match gzipped {
        true => Box::new(MultiGzDecoder::new(file)),
        false => Box::new(file),
    };
    source(plain).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => Failure::usage(format!("{}: {error}", path.display())),
        _ => unread(error),
    })
}

/// The same for bytes from anywhere.
pub fn source(mut plain: Box<dyn Read + Send>) -> io::Result<Source> {
    let mut sample = Vec::new();
    plain.by_ref().take(SAMPLE_BYTES).read_to_end(&mut sample)?;
    if sample.starts_with(&[0xff, 0xfe]) || sample.starts_with(&[0xfe, 0xff]) {
        let text = "this is UTF-16; save it as UTF-8 (in a spreadsheet: CSV UTF-8)";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    if sample.starts_with(&[0xef, 0xbb, 0xbf]) {
        sample.drain(..3);
    }
    let reader = Cursor::new(sample.clone()).chain(plain);
    Ok(Source {
        reader: Box::new(BufReader::with_capacity(BUFFER_BYTES, reader)),
        sample,
    })
}

/// Bytes that are no text in the file's encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undecodable;

/// Turns bytes into letters, always in one encoding for one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoder(Encoding);

impl Decoder {
    /// The decoder for a file with this beginning. What is undecided (nothing but ASCII so far)
    /// is decided by the first row that is not.
    pub fn new(wanted: Encoding, sample: &[u8]) -> Self {
        if wanted != Encoding::Auto || sample.is_ascii() {
            return Self(wanted);
        }
        // A damaged row or a letter cut off at the sample's end must not decide for all the rest.
        let (mut utf8, mut other) = (0u32, 0u32);
        for line in sample.split(|b| *b == b'\n').filter(|l| !l.is_ascii()) {
            match std::str::from_utf8(line) {
                Ok(_) => utf8 += 1,
                Err(error) if error.error_len().is_none() => utf8 += 1,
                Err(_) => other += 1,
            }
        }
        Self(if utf8 >= other {
            Encoding::Utf8
        } else {
            Encoding::Cp949
        })
    }

    /// The letters of `bytes`.
    pub fn text(&mut self, bytes: &[u8]) -> Result<String, Undecodable> {
        if bytes.is_ascii() {
            return String::from_utf8(bytes.to_vec()).map_err(|_| Undecodable);
        }
        if self.0 == Encoding::Auto {
            let utf8 = std::str::from_utf8(bytes).is_ok();
            self.0 = if utf8 {
                Encoding::Utf8
            } else {
                Encoding::Cp949
            };
        }
        if self.0 == Encoding::Cp949 {
            return EUC_KR
                .decode_without_bom_handling_and_without_replacement(bytes)
                .map(std::borrow::Cow::into_owned)
                .ok_or(Undecodable);
        }
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| Undecodable)
    }
}

/// Physical lines of a file, counted; longer ones than `max` are cut, and said to be.
pub struct Lines {
    reader: Box<dyn BufRead + Send>,
    back: Vec<Vec<u8>>,
    count: u64,
    max: usize,
}

impl Lines {
    /// The lines of `reader`.
    pub fn new(reader: Box<dyn BufRead + Send>, max: usize) -> Self {
        Self {
            reader,
            back: Vec::new(),
            count: 0,
            max,
        }
    }
    /// Number of the line that was given last, from 1.
    pub const fn number(&self) -> u64 {
        self.count
    }
    /// The longest line given whole, in bytes.
    pub const fn max(&self) -> usize {
        self.max
    }
    /// The next line with its line end; `None` at the end of the file.
    pub fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = match self.back.pop() {
            Some(line) => line,
            None => self.fresh()?,
        };
        if line.is_empty() {
            return Ok(None);
        }
        self.count += 1;
        Ok(Some(line))
    }
    /// Gives lines back, to be read again; the last given comes last.
    pub fn give_back(&mut self, lines: Vec<Vec<u8>>) {
        self.count -= lines.len() as u64;
        self.back.extend(lines.into_iter().rev());
    }
    fn fresh(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let most = self.max as u64 + 1;
        self.reader
            .by_ref()
            .take(most)
            .read_until(b'\n', &mut line)?;
        if line.len() as u64 == most && line.last() != Some(&b'\n') {
            self.skip_rest()?;
        }
        Ok(line)
    }
    fn skip_rest(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            let (used, ended) = match buffer.iter().position(|b| *b == b'\n') {
                Some(at) => (at + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            self.reader.consume(used);
            if ended {
                return Ok(());
            }
        }
    }
}

/// The line without its line end.
pub fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
