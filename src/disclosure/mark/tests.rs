//! The second mark read back: from pictures drawn here, and from real pages as a scanner, a
//! photocopier and JPEG leave them.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, GrayImage, ImageEncoder, Luma};

use super::*;
use crate::disclosure::paper::{self, Block, Document, Font, Marks};
use crate::domain::time::Timestamp;

const TEXT: &str = "민원인은 지난 3월 12일 아파트 단지 안 공사장에서 이른 새벽부터 큰 소음이 나서 가족 \
    모두가 잠을 이루지 못하였다고 진술하였으며, 관할 구청에 여러 차례 전화하였으나 담당자가 바뀌었다는 \
    말만 되풀이하여 들었다고 한다. 洪吉童 씨는 이에 대하여 서면 답변을 요구하였고, 접수 번호 \
    2026-000123으로 등록되었다. ";

/// Line pitch and first line of running text on the first page, in points.
const LINE: f64 = 16.0;
const FIRST: f64 = 86.0;
const LINES: u64 = 38;
const DPI: f64 = 200.0;

fn serial(text: &str) -> Serial {
    text.parse().unwrap()
}

pub(crate) fn png(picture: &GrayImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height) = picture.dimensions();
    PngEncoder::new(&mut bytes)
        .write_image(picture, width, height, ExtendedColorType::L8)
        .unwrap();
    bytes
}

/// Marks alone, at so many dots an inch.
pub(crate) fn drawn(serial: Serial, dpi: f32, side: u32) -> GrayImage {
    let mut picture = GrayImage::from_pixel(side, side, Luma([255]));
    let scale = dpi / 72.0;
    let tiles = (side as f32 / (PERIOD * scale)).ceil() as usize;
    let dots: Vec<(f32, f32)> = dots(serial).collect();
    for tile in 0..tiles * tiles {
        let (left, top) = ((tile % tiles) as f32, (tile / tiles) as f32);
        for (x, y) in &dots {
            let at = |p: f32, tile: f32| ((tile * PERIOD + p) * scale).round() as u32;
            let (x, y) = (at(*x, left), at(*y, top));
            let side = (DOT * scale).round() as u32;
            for (dx, dy) in (0..side * side).map(|n| (n % side, n / side)) {
                if x + dx < picture.width() && y + dy < picture.height() {
                    picture.put_pixel(x + dx, y + dy, Luma([0]));
                }
            }
        }
    }
    picture
}

#[test]
fn a_mark_is_read_at_any_resolution_and_however_the_page_lies() {
    let wanted = serial("7KQ4M-2XA0D");
    for (dpi, side) in [(150.0, 500), (200.0, 500), (300.0, 700), (600.0, 1200)] {
        let picture = drawn(wanted, dpi, side);
        assert_eq!(read(&png(&picture)), Ok(vec![wanted]), "{dpi}");
    }
    let picture = drawn(wanted, 200.0, 500);
    for turned in [
        image::imageops::rotate90(&picture),
        image::imageops::rotate180(&picture),
        image::imageops::rotate270(&picture),
    ] {
        assert_eq!(read(&png(&turned)), Ok(vec![wanted]));
    }
    let other = serial("00000-00000");
    assert_eq!(read(&png(&drawn(other, 200.0, 500))), Ok(vec![other]));
}

#[test]
fn what_is_no_picture_or_too_large_a_one_is_refused_before_it_is_unpacked() {
    assert_eq!(read(b"nothing"), Err(Unreadable::Format));
    assert_eq!(read(b"GIF89a....."), Err(Unreadable::Format));
    let whole = png(&GrayImage::from_pixel(64, 64, Luma([255])));
    assert_eq!(read(&whole), Ok(vec![]));
    assert_eq!(read(&whole[..whole.len() / 2]), Err(Unreadable::Damaged));
    // Width and height of the header, with its checksum, say a gigapixel.
    let mut bomb = whole.clone();
    bomb[16..24].copy_from_slice(&[0, 0, 0x80, 0, 0, 0, 0x80, 0]);
    let sum = crc(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(read(&bomb), Err(Unreadable::TooLarge));
}

/// CRC-32 as PNG has it (ISO 3309).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    })
}

/// Chance that a run can repeat (xorshift64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn within(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The first page of dense text, as `pdftoppm` paints it.
fn page(dir: &Path, serial: Option<Serial>) -> GrayImage {
    let document = Document {
        title: "민원 기록 출력물".into(),
        blocks: vec![Block::Paragraph(TEXT.repeat(20))],
    };
    let marks = Marks {
        serial,
        by: "kim".into(),
        department: Some("인권보호과".into()),
        at: Timestamp::from_millis(1_790_000_000_000),
        copies: 1,
    };
    let bytes = paper::pdf(&document, &marks, &Font::find(None).unwrap()).unwrap();
    let file = dir.join("page.pdf");
    std::fs::write(&file, bytes).unwrap();
    let painted = Command::new("pdftoppm")
        .args([
            "-r",
            "200",
            "-gray",
            "-png",
            "-f",
            "1",
            "-l",
            "1",
            "-singlefile",
        ])
        .args([&file, &dir.join("page")])
        .status()
        .unwrap();
    assert!(painted.success());
    let painted = std::fs::read(dir.join("page.png")).unwrap();
    image::load_from_memory(&painted).unwrap().into_luma8()
}

/// How a strip of a page is spoilt.
#[derive(Clone, Copy)]
struct Spoilt {
    line: f64,
    /// Left out on both sides, in points.
    margin: f64,
    /// Degrees.
    skew: f64,
    /// Standard deviation, in pixels.
    blur: f64,
    /// A photocopy: black below, white above.
    threshold: Option<u8>,
}

impl Spoilt {
    fn by(chance: &mut Chance, margin: f64, copied: bool) -> Self {
        Self {
            line: (chance.next() % LINES) as f64,
            margin,
            skew: chance.within(-2.0, 2.0),
            blur: chance.within(0.4, 0.8),
            threshold: copied.then(|| chance.within(128.0, 192.0) as u8),
        }
    }

    /// Six lines, turned, blurred, JPEG of quality 50.
    fn strip(self, page: &GrayImage) -> Vec<u8> {
        let scale = DPI / 72.0;
        let (left, top) = (self.margin * scale, (FIRST + LINE * self.line) * scale);
        let (width, height) = (f64::from(page.width()) - 2.0 * left, 6.0 * LINE * scale);
        let (sin, cos) = self.skew.to_radians().sin_cos();
        let across = (width * cos + height * sin.abs()).ceil();
        let down = (height * cos + width * sin.abs()).ceil();
        let shade = |x: f64, y: f64| {
            let inside = x >= 0.0 && y >= 0.0;
            let at = (x as u32, y as u32);
            let pixel = page.get_pixel_checked(at.0, at.1).filter(|_| inside);
            pixel.map_or(255.0, |pixel| f32::from(pixel.0[0]))
        };
        let turned = GrayImage::from_fn(across as u32, down as u32, |x, y| {
            let (dx, dy) = (
                f64::from(x) + 0.5 - across / 2.0,
                f64::from(y) + 0.5 - down / 2.0,
            );
            let (u, v) = (
                dx * cos + dy * sin + width / 2.0,
                dy * cos - dx * sin + height / 2.0,
            );
            if u < 0.0 || v < 0.0 || u >= width || v >= height {
                return Luma([255]);
            }
            let (u, v) = (left + u - 0.5, top + v - 0.5);
            let (tx, ty) = (u.fract() as f32, v.fract() as f32);
            let above = shade(u, v) * (1.0 - tx) + shade(u + 1.0, v) * tx;
            let below = shade(u, v + 1.0) * (1.0 - tx) + shade(u + 1.0, v + 1.0) * tx;
            Luma([(above * (1.0 - ty) + below * ty).round() as u8])
        });
        let blurred = image::imageops::blur(&turned, self.blur as f32);
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 50)
            .encode_image(&blurred)
            .unwrap();
        let Some(threshold) = self.threshold else {
            return jpeg;
        };
        let mut copy = image::load_from_memory(&jpeg).unwrap().into_luma8();
        for pixel in copy.pixels_mut() {
            pixel.0[0] = if pixel.0[0] < threshold { 0 } else { 255 };
        }
        png(&copy)
    }
}

/// How many strips gave the right number, and how many another.
fn tried(page: &GrayImage, wanted: Option<Serial>, strips: &[Spoilt]) -> (usize, usize) {
    let (next, right, wrong) = <(AtomicUsize, AtomicUsize, AtomicUsize)>::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(strip) = strips.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = read(&strip.strip(page)).unwrap();
                    match found.as_slice() {
                        [one] if Some(*one) == wanted => right.fetch_add(1, Ordering::Relaxed),
                        [] => 0,
                        _ => wrong.fetch_add(1, Ordering::Relaxed),
                    };
                }
            });
        }
    });
    (right.into_inner(), wrong.into_inner())
}

fn strips(seed: u64, count: usize, margin: f64, copied: bool) -> Vec<Spoilt> {
    let mut chance = Chance(seed);
    (0..count)
        .map(|_| Spoilt::by(&mut chance, margin, copied))
        .collect()
}

/// The requirement: 95 of 100 scanned strips of six lines, 80 of 100 photocopied ones, none wrong.
#[test]
#[ignore = "needs fonts-nanum and poppler-utils"]
fn six_lines_of_a_real_page_are_enough() {
    let dir = tempfile::tempdir().unwrap();
    let wanted = serial("7KQ4M-2XA0D");
    let marked = page(dir.path(), Some(wanted));
    for (what, margin, copied, count, least) in [
        ("scanned", 0.0, false, 100, 95),
        ("photocopied", 0.0, true, 100, 80),
        ("scanned, without the margins", 56.0, false, 40, 36),
        ("photocopied, without the margins", 56.0, true, 40, 28),
    ] {
        let (right, wrong) = tried(&marked, Some(wanted), &strips(1, count, margin, copied));
        println!("{what}: {right} of {count}, {wrong} wrong");
        assert!(right >= least, "{what}: {right} of {count}");
        assert_eq!(wrong, 0, "{what}");
    }
}

#[test]
#[ignore = "needs fonts-nanum and poppler-utils"]
fn another_mark_is_told_apart_and_none_is_not_imagined() {
    let dir = tempfile::tempdir().unwrap();
    let other = serial("ZZZZZ-ZZZZ0");
    let marked = page(dir.path(), Some(other));
    assert_eq!(
        tried(&marked, Some(other), &strips(2, 10, 0.0, false)),
        (10, 0)
    );
    assert_eq!(read(&png(&marked)), Ok(vec![other]));
    let bare = page(dir.path(), None);
    for copied in [false, true] {
        assert_eq!(tried(&bare, None, &strips(3, 10, 0.0, copied)), (0, 0));
    }
    assert_eq!(read(&png(&bare)), Ok(vec![]));
}
