use super::*;
use crate::disclosure::template::Masking;
use crate::disclosure::template::tests::case;

fn written(form: Form, template: Template, cases: &[CaseView]) -> Result<Vec<u8>, WriteError> {
    let serial = "7KQ4M-2XA0D".parse().unwrap();
    let mut sheet = Sheet::begin(form, serial, template, Vec::new())?;
    for case in cases {
        sheet.put(case)?;
    }
    sheet.finish()
}

fn titled(title: &str) -> CaseView {
    let mut case = Template::Summary.show(case(), Masking::Masked);
    case.title = Some(title.to_owned());
    case
}

fn records(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut csv = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(bytes);
    let records = csv.records().map(Result::unwrap);
    records
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn csv_has_its_mark_its_head_and_quotes_every_cell() {
    let bytes = written(Form::Csv, Template::Summary, &[titled("a \"b\"\nc")]).unwrap();
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap();
    let rows = records(text);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0][0], "출력번호");
    assert_eq!(rows[1][0], "7KQ4M-2XA0D");
    let at = rows[0].iter().position(|label| label == "제목").unwrap();
    assert_eq!(rows[1][at], "a \"b\"\nc");
    let text = std::str::from_utf8(text).unwrap();
    assert!(text.starts_with("\"출력번호\",\""));
    assert!(text.ends_with("\"\r\n"));
}

#[test]
fn no_cell_of_a_csv_is_a_formula() {
    for begin in ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"] {
        for before in ["", " ", "\u{feff}", "\n", "\u{200b}"] {
            let cell = format!("{before}{begin}cmd|'/c calc'!A1");
            assert_eq!(harmless(&cell), format!("'{cell}"), "{cell:?}");
            let bytes = written(Form::Csv, Template::Summary, &[titled(&cell)]).unwrap();
            let found = records(&bytes[3..]);
            let at = found[0].iter().position(|label| label == "제목").unwrap();
            assert_eq!(found[1][at], format!("'{cell}"));
        }
    }
    for harmless_already in ["", "홍길동", "a=b", "1-2", "'=1"] {
        assert_eq!(harmless(harmless_already), harmless_already);
    }
}

#[test]
fn cp949_writes_what_it_has_and_stops_at_what_it_has_not() {
    let bytes = written(Form::CsvCp949, Template::Summary, &[titled("뷁 똠 洪")]).unwrap();
    let (text, _, lost) = EUC_KR.decode(&bytes);
    assert!(!lost && text.contains("뷁 똠 洪"));
    // Decomposed jamo are the same letters.
    let decomposed: String = "홍길동".nfd().collect();
    let bytes = written(Form::CsvCp949, Template::Summary, &[titled(&decomposed)]).unwrap();
    assert!(EUC_KR.decode(&bytes).0.contains("홍길동"));

    for missing in ["😀", "\u{1112}\u{119e}\u{11ab}", "ñ"] {
        let cases = [titled("fine"), titled(missing)];
        match written(Form::CsvCp949, Template::Summary, &cases) {
            Err(error @ WriteError::Unencodable { case: 2, column }) => {
                assert_eq!(column, "제목");
                assert!(!error.to_string().contains(missing), "no content in it");
            }
            other => panic!("{missing}: {:?}", other.map(|_| ())),
        }
        assert!(written(Form::Csv, Template::Summary, &cases).is_ok());
    }
}

#[test]
fn jsonl_is_one_case_a_line_with_the_serial_number() {
    let shown = || Template::CaseFile.show(case(), Masking::Masked);
    let bytes = written(Form::Jsonl, Template::CaseFile, &[shown(), shown()]).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["output"], "7KQ4M-2XA0D");
    assert_eq!(lines[0]["people"][0]["name"], "홍*동");
}

/// What a spreadsheet of the same template does not hold is in no line of JSON either.
#[test]
fn jsonl_holds_what_the_columns_of_its_template_hold_and_nothing_else() {
    let mut full = case();
    full.id = "id-canary".into();
    full.receipt = "receipt-canary".into();
    full.closed_at = Some("2018-07-19T00:00:00Z".into());
    full.gone = vec![crate::cases::view::GoneView {
        kind: crate::domain::tier::UnitKind::Addition,
        certificate: "gone-canary".into(),
    }];
    for person in full.people.iter_mut().flatten() {
        person.id = "unit-canary".into();
        person.note = Some("note-canary".into());
    }
    for template in [
        Template::CaseFile,
        Template::Summary,
        Template::Contacts,
        Template::Register,
    ] {
        let view = template.show(full.clone(), Masking::Unmasked);
        let bytes = written(Form::Jsonl, template, &[view]).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut keys: Vec<&str> = line
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut codes: Vec<&str> = template.columns().iter().map(|c| c.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        keys.sort_unstable();
        assert_eq!(keys, codes, "{template:?}");
        for never in ["id-canary", "receipt-canary", "gone-canary", "unit-canary"] {
            assert!(!text.contains(never), "{never} in {template:?}");
        }
        let reach = template.fields().has(crate::authz::facts::Field::Contact);
        assert_eq!(text.contains("note-canary"), reach, "{template:?}");
        let head = matches!(template, Template::CaseFile | Template::Register);
        assert_eq!(text.contains("1AA-1"), head, "{template:?}");
    }
    let mut nobody = full;
    nobody.people = Some(Vec::new());
    for (template, lines) in [(Template::Contacts, 0), (Template::Summary, 1)] {
        let view = template.show(nobody.clone(), Masking::Unmasked);
        let bytes = written(Form::Jsonl, template, &[view]).unwrap();
        assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), lines);
    }
}

#[test]
fn a_full_disk_is_an_error_wherever_it_comes() {
    struct Small(usize);
    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(bytes.len())
                .ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let serial = "7KQ4M-2XA0D".parse().unwrap();
    for form in [Form::Csv, Form::CsvCp949, Form::Xlsx, Form::Jsonl] {
        let tried = |room: usize| {
            let mut sheet = Sheet::begin(form, serial, Template::Summary, Small(room))?;
            for at in 0..50 {
                sheet.put(&titled(&format!("{at}").repeat(at)))?;
            }
            sheet.finish().map(|_| ())
        };
        assert!(tried(1 << 20).is_ok());
        for room in [0, 10, 300, 1500] {
            match tried(room) {
                Err(WriteError::Io(error)) => {
                    assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{form:?} {room}");
                }
                other => panic!("{form:?} {room}: {other:?}"),
            }
        }
    }
}

#[test]
fn paper_is_no_file_of_cases() {
    for form in [Form::PrintPdf, Form::PrintHtml] {
        assert!(matches!(
            written(form, Template::Summary, &[]),
            Err(WriteError::Form(_))
        ));
    }
}
