//! The pictures in a PDF that a scanner made: each page is one, mostly a JPEG as it is (DCTDecode).
//!
//! A PDF is not taken apart for it: a picture is a stream of its own that begins like a JPEG. Those
//! packed in another way are counted, so that nobody takes them for pages without a mark.

use std::collections::BTreeMap;

use super::read;
use crate::domain::serial::Serial;

/// Most pictures of one file that are looked at.
const PICTURES_MAX: usize = 8;
const STREAM: &[u8] = b"stream";
const END: &[u8] = b"endstream";
const JPEG: &[u8] = &[0xff, 0xd8, 0xff];

/// What the pictures of a PDF show.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The serial numbers in their marks; the one on most of them first.
    pub found: Vec<Serial>,
    /// Pictures that were not looked at: packed in another way, damaged, too large, or too many.
    pub unread: usize,
}

/// Looks at the pictures of a PDF.
pub fn scan(pdf: &[u8]) -> Scan {
    let (jpegs, others) = pictures(pdf);
    let mut unread = others + jpegs.len().saturating_sub(PICTURES_MAX);
    let mut votes = BTreeMap::<Serial, usize>::new();
    for jpeg in jpegs.into_iter().take(PICTURES_MAX) {
        match read(jpeg) {
            Ok(found) => found
                .into_iter()
                .for_each(|serial| *votes.entry(serial).or_default() += 1),
            Err(_) => unread += 1,
        }
    }
    let mut found: Vec<(Serial, usize)> = votes.into_iter().collect();
    found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Scan {
        found: found.into_iter().map(|(serial, _)| serial).collect(),
        unread,
    }
}

/// The JPEGs, and how many pictures there are besides.
fn pictures(pdf: &[u8]) -> (Vec<&[u8]>, usize) {
    let mut jpegs = Vec::new();
    let mut others = 0;
    let mut rest = pdf;
    while let Some((dictionary, body)) = split(rest, STREAM) {
        let ends = split(body, END);
        let (content, behind) = ends.unwrap_or((body, &[]));
        let line_end = content
            .iter()
            .take_while(|b| matches!(b, b'\r' | b'\n'))
            .count();
        let content = content.get(line_end..).unwrap_or_default();
        if content.starts_with(JPEG) {
            jpegs.push(content);
        } else if is_picture(dictionary) {
            others += 1;
        }
        rest = behind;
    }
    (jpegs, others)
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let found = bytes.windows(at.len()).position(|window| window == at)?;
    Some((bytes.get(..found)?, bytes.get(found + at.len()..)?))
}

/// Whether what stands before a stream says that it is a picture.
fn is_picture(before: &[u8]) -> bool {
    let object = before.windows(3).rposition(|window| window == b"obj");
    let own = before.get(object.unwrap_or(0)..).unwrap_or_default();
    let solid: Vec<u8> = own
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace())
        .collect();
    split(&solid, b"/Subtype/Image").is_some()
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;

    use super::*;
    use crate::disclosure::mark::tests::drawn;

    fn stream(dictionary: &str, content: &[u8]) -> Vec<u8> {
        let head = format!(
            "7 0 obj\n<< {dictionary} /Length {} >>\nstream\r\n",
            content.len()
        );
        [head.as_bytes(), content, b"\nendstream\nendobj\n"].concat()
    }

    #[test]
    fn the_pages_of_a_scanner_are_looked_at_and_what_is_not_is_counted() {
        let serial = |text: &str| text.parse::<Serial>().unwrap();
        let (one, other) = (serial("7KQ4M-2XA0D"), serial("00000-00000"));
        let jpeg = |serial| {
            let mut jpeg = Vec::new();
            let encoder = JpegEncoder::new_with_quality(&mut jpeg, 90);
            drawn(serial, 200.0, 500)
                .write_with_encoder(encoder)
                .unwrap();
            jpeg
        };
        let page = |content: &[u8]| stream("/Subtype /Image /Filter /DCTDecode", content);
        let text = stream("/Filter /FlateDecode", b"x");
        let packed = stream(
            "/Type /XObject\n/Subtype\n/Image /Filter /CCITTFaxDecode",
            b"x",
        );
        let pdf = |parts: &[&[u8]]| [b"%PDF-1.4\n", parts.concat().as_slice()].concat();
        let found = |found: &[Serial], unread| Scan {
            found: found.to_vec(),
            unread,
        };

        let scanned = pdf(&[
            &page(&jpeg(other)),
            &text,
            &page(&jpeg(one)),
            &page(&jpeg(one)),
        ]);
        assert_eq!(scan(&scanned), found(&[one, other], 0));
        assert_eq!(scan(&pdf(&[&text, &packed])), found(&[], 1));
        let torn = &jpeg(one)[..200];
        assert_eq!(
            scan(&pdf(&[&page(torn), &page(&jpeg(one))])),
            found(&[one], 1)
        );
        let blank = stream("/Subtype /Image", &JPEG.repeat(2));
        let many = pdf(&[&blank.repeat(PICTURES_MAX + 2)]);
        assert_eq!(scan(&many), found(&[], PICTURES_MAX + 2));
        assert_eq!(scan(b"%PDF-1.4 stream"), found(&[], 0));
    }
}
