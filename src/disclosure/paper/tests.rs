//! Paper as it comes out.

use super::*;

fn marks() -> Marks {
    Marks {
        serial: Some("7KQ4M-2XA0D".parse().unwrap()),
        by: "kim".into(),
        department: Some("인권보호과".into()),
        at: Timestamp::from_millis(1_790_000_000_000),
        copies: 2,
    }
}

fn document() -> Document {
    Document {
        title: "민원 기록 출력물".into(),
        blocks: vec![
            Block::Heading("접수 <1>".into()),
            Block::Pairs(vec![("성명".into(), "<b>洪吉童</b> & 𪛖".into())]),
            Block::Paragraph("첫 줄\n둘째 줄\u{202e}\u{7}".into()),
            Block::Table(Table {
                columns: vec![Column::new("번호", 1), Column::new("제목", 4)],
                rows: (0..90)
                    .map(|row| vec![row.to_string(), "소음".into(), "너무 많다".into()])
                    .collect(),
            }),
            Block::Chart(Chart {
                title: "시간대".into(),
                bars: Bars::Standing,
                values: (0..24).map(|hour| (hour.to_string(), hour)).collect(),
            }),
            Block::NewPage,
            Block::Paragraph("끝".into()),
        ],
    }
}

#[test]
fn the_page_for_browsers_holds_text_and_no_markup_of_others() {
    let page = html(&document(), &marks()).unwrap();
    assert!(page.contains("&lt;b&gt;洪吉童&lt;/b&gt; &amp; 𪛖"));
    assert!(!page.contains("<b>") && !page.contains("<script"));
    assert!(!page.contains('\u{202e}') && !page.contains('\u{7}'));
    assert!(!page.contains("너무 많다"), "a cell too many");
    assert!(page.contains("사본 1/2") && page.contains("사본 2/2"));
    assert_eq!(page.matches("일련번호 7KQ4M-2XA0D").count(), 4);
    assert!(page.contains("url(#m)"));
    let (_, head) = page.split_once("<meta name=\"date\" content=\"").unwrap();
    let (at, rest) = head.split_once('"').unwrap();
    assert_eq!(Timestamp::parse_rfc3339(at), Some(marks().at));
    assert!(!rest.contains(at), "for machines alone");
    let plain = html(
        &document(),
        &Marks {
            serial: None,
            ..marks()
        },
    )
    .unwrap();
    assert!(!plain.contains("url(#m)") && !plain.contains("사본"));
}

#[test]
fn a_page_is_no_larger_than_it_may_be_with_all_its_copies() {
    let text = |letters: usize| Document {
        title: "민원".into(),
        blocks: vec![Block::Paragraph("<".repeat(letters))],
    };
    let copies = |copies: u16| Marks { copies, ..marks() };
    let within = |letters, of| html::within(&text(letters), &copies(of), 256 << 10);
    let page = within(20_000, 2).unwrap();
    assert_eq!(page.matches("&lt;").count(), 40_000, "the control");
    assert!(page.len() <= 256 << 10);
    // Escaped, and copied, it is larger than what was to be written.
    assert_eq!(within(20_000, 3), Err(PaperError::TooLarge));
    assert_eq!(within(70_000, 1), Err(PaperError::TooLarge));
    assert!(within(40_000, 1).is_ok(), "the control");
    let most = within(1, COPIES_MAX).unwrap();
    assert!(most.len() < 64 << 10, "the frame of {COPIES_MAX} copies");
}

#[test]
fn the_visible_mark_says_who_when_and_which_copy() {
    let line = marks().line(2);
    for part in ["7KQ4M-2XA0D", "kim (인권보호과)", "2026. 9. 2", "사본 2/2"] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

/// Runs where the font is.
#[test]
#[ignore = "needs fonts-nanum and poppler-utils"]
fn a_pdf_has_no_more_pages_than_it_may_have_with_all_its_copies() {
    let font = Font::find(None).unwrap();
    let page = |_| [Block::Paragraph("끝".into()), Block::NewPage];
    let document = Document {
        title: "민원".into(),
        blocks: (0..PAGES_MAX / usize::from(COPIES_MAX) + 1)
            .flat_map(page)
            .collect(),
    };
    let of = |copies| pdf(&document, &Marks { copies, ..marks() }, &font).map(drop);
    assert_eq!(of(COPIES_MAX), Err(PaperError::TooLong));
    assert_eq!(of(1), Ok(()), "the control");
}

/// Runs where the font and poppler are.
#[test]
#[ignore = "needs fonts-nanum and poppler-utils"]
fn a_pdf_has_its_pages_marks_and_text() {
    let font = Font::find(None).unwrap();
    let bytes = pdf(&document(), &marks(), &font).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("p.pdf");
    std::fs::write(&file, &bytes).unwrap();
    let out = std::process::Command::new("pdftotext")
        .args(["-layout", file.to_str().unwrap(), "-"])
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let pages: Vec<&str> = text.split('\u{c}').filter(|p| !p.is_empty()).collect();
    let each = pages.len() / 2;
    assert_eq!((pages.len() % 2, each), (0, 4), "{text}");
    for (at, page) in pages.iter().enumerate() {
        assert_eq!(page.matches("7KQ4M-2XA0D").count(), 2, "{page}");
        assert!(page.contains(&format!("사본 {}/2", at / each + 1)));
        let bare: String = page.chars().filter(|c| !c.is_whitespace()).collect();
        let number = format!("{}/{each}", at % each + 1);
        assert!(bare.ends_with(&number), "{number}: {page}");
    }
    assert!(text.contains("<b>洪吉童</b> & [U+2A6D6]"), "{text}");
    assert!(
        pages[0].contains("번호") && pages[1].contains("번호"),
        "head"
    );
    assert_eq!(
        super::super::mark::in_file(&bytes),
        vec![marks().serial.unwrap()]
    );
    let none = Marks {
        serial: None,
        ..marks()
    };
    let plain = pdf(&document(), &none, &font).unwrap();
    assert!(super::super::mark::in_file(&plain).is_empty());
}
