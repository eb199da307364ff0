//! `forensic-scan`: what stands on a disk of what was destroyed.

use std::io::Read;
use std::path::Path;

use encoding_rs::EUC_KR;
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, Zeroizing};

use super::args::ScanArgs;
use super::failure::Failure;
use super::host::{Host, ScanRequest};
use super::out::Out;
use super::store::report;
use super::verify::progress;
use crate::domain::secret::SecretBytes;

/// Longest list of texts, in bytes.
const NEEDLES_BYTES_MAX: u64 = 1 << 20;
/// Shortest form of a text, in bytes: fewer stand in any disk by chance.
const NEEDLE_BYTES_MIN: usize = 6;

type Needles = Vec<(usize, &'static str, SecretBytes)>;

/// `forensic-scan`
pub async fn scan(host: &Host, args: &ScanArgs, out: &mut Out) -> Result<(), Failure> {
    for place in &args.places {
        std::fs::metadata(place).map_err(|error| {
            Failure::usage(format!("cannot look at {}: {error}", place.display()))
        })?;
    }
    let needles = match &args.needles {
        Some(file) => needles(&listed(file)?)?,
        None => Needles::new(),
    };
    let bar = progress(0);
    let shown = bar.clone();
    let request = ScanRequest {
        places: args.places.clone(),
        needles,
        progress: Box::new(move |done, all| {
            shown.set_length(all);
            shown.set_position(done);
        }),
    };
    let found = (host.forensic_scan)(args.store.place(), args.unlock.read()?, request).await;
    bar.finish_and_clear();
    report(&found?, out)
}

fn listed(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let unread =
        |error: std::io::Error| Failure::usage(format!("cannot read {}: {error}", path.display()));
    // One buffer of the full size: growing would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(NEEDLES_BYTES_MAX as usize + 1));
    let file = std::fs::File::open(path).map_err(unread)?;
    file.take(NEEDLES_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(unread)?;
    if text.len() as u64 > NEEDLES_BYTES_MAX {
        return Err(Failure::usage(format!(
            "{} is longer than {NEEDLES_BYTES_MAX} bytes",
            path.display()
        )));
    }
    Ok(text)
}

/// Every line in every form. A line that is too short to tell anything is refused, not passed over.
fn needles(text: &str) -> Result<Needles, Failure> {
    let mut needles = Needles::new();
    let lines = text.lines().map(|line| line.trim_start_matches('\u{feff}'));
    for (line, text) in (1..).zip(lines).filter(|(_, text)| !text.trim().is_empty()) {
        let forms = forms(text.trim());
        if forms
            .iter()
            .any(|(_, bytes)| bytes.expose().len() < NEEDLE_BYTES_MIN)
        {
            return Err(Failure::usage(format!(
                "text {line} is too short to tell anything: every form needs {NEEDLE_BYTES_MIN} bytes"
            ))
            .korean(format!("{line}번째 줄이 너무 짧아 찾을 수 없습니다.")));
        }
        needles.extend(forms.into_iter().map(|(form, bytes)| (line, form, bytes)));
    }
    if needles.is_empty() {
        return Err(Failure::usage("the list of texts is empty"));
    }
    Ok(needles)
}

/// A text as programs write it; forms with the same bytes once.
fn forms(text: &str) -> Vec<(&'static str, SecretBytes)> {
    let composed = Zeroizing::new(text.nfc().collect::<String>());
    let apart = Zeroizing::new(text.nfd().collect::<String>());
    let mut forms: Vec<(&'static str, SecretBytes)> = Vec::new();
    let mut add = |form, bytes: Vec<u8>| {
        let bytes = SecretBytes::new(bytes);
        if forms
            .iter()
            .all(|(_, known)| known.expose() != bytes.expose())
        {
            forms.push((form, bytes));
        }
    };
    add("UTF-8", text.as_bytes().to_vec());
    add("UTF-8 (NFC)", composed.as_bytes().to_vec());
    add("UTF-8 (NFD)", apart.as_bytes().to_vec());
    add(
        "UTF-16LE",
        composed.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    );
    add(
        "UTF-16BE",
        composed.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    );
    add(
        "UTF-16LE (NFD)",
        apart.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    );
    let (cp949, _, lossy) = EUC_KR.encode(&composed);
    let mut cp949 = cp949.into_owned();
    if lossy {
        cp949.zeroize();
    } else {
        add("CP949", cp949);
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_searched_in_every_form_and_a_short_one_refused() {
        let found = needles("\u{feff}카나리아\r\n\nplain text\n").unwrap();
        let forms: Vec<_> = found.iter().map(|(line, form, _)| (*line, *form)).collect();
        let korean = [
            "UTF-8",
            "UTF-8 (NFD)",
            "UTF-16LE",
            "UTF-16BE",
            "UTF-16LE (NFD)",
            "CP949",
        ];
        let latin = ["UTF-8", "UTF-16LE", "UTF-16BE"];
        let all = korean
            .map(|f| (1, f))
            .into_iter()
            .chain(latin.map(|f| (3, f)));
        assert_eq!(forms, all.collect::<Vec<_>>());
        assert_eq!(found[0].2.expose(), "카나리아".as_bytes());
        assert_eq!(found[2].2.expose()[..2], [0x74, 0xce]);
        assert_eq!(found[5].2.expose()[..2], [0xc4, 0xab]);
        for bad in ["", "  \n", "kim", "긴 문장입니다\n김"] {
            assert!(needles(bad).is_err(), "{bad}");
        }
    }
}
