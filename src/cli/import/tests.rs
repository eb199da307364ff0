//! Rows that files of the world hold: each trap with a good row beside it that must come through.

use std::io::{self, Cursor, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::decode;
use super::draft::{Drafted, Drafts, telephone, whole_number};
use super::map::ImportMap;
use super::reject::{Bad, Reject};
use super::rows::{Row, Rows};

const MAP: &str = r#"
[case]
tier = { value = "ordinary" }
department = { value = "civil" }
channel = { value = "online" }
class = { value = "x" }
title = { column = "t" }
narrative = { column = "n" }
"#;

fn rows_of(bytes: &[u8], map: &str) -> Vec<Result<Row, Bad>> {
    let map = ImportMap::parse(map).unwrap();
    let source = decode::source(Box::new(Cursor::new(bytes.to_vec()))).unwrap();
    Rows::new(source, &map.source).unwrap().collect()
}

fn good(rows: &[Result<Row, Bad>]) -> Vec<(u64, Vec<String>)> {
    let good = rows.iter().filter_map(|r| r.as_ref().ok());
    good.map(|row| (row.line, row.values.clone())).collect()
}

fn bad(rows: &[Result<Row, Bad>]) -> Vec<(u64, &str)> {
    rows.iter()
        .filter_map(|r| match r {
            Err(Bad::Row(reject)) => Some((reject.line, reject.code.as_str())),
            Err(Bad::File(error)) => panic!("{error}"),
            Ok(_) => None,
        })
        .collect()
}

fn row(line: u64, values: &[&str]) -> (u64, Vec<String>) {
    (line, values.iter().map(|v| (*v).to_owned()).collect())
}

fn drafts_of(text: &str, map: &str) -> Vec<Result<Drafted, Bad>> {
    let map = ImportMap::parse(map).unwrap();
    let source = decode::source(Box::new(Cursor::new(text.as_bytes().to_vec()))).unwrap();
    let rows = Rows::new(source, &map.source).unwrap();
    Drafts::new(rows, &map).unwrap().collect()
}

fn case_of(text: &str, map: &str) -> Value {
    let drafted = drafts_of(text, map).remove(0).unwrap();
    serde_json::to_value(drafted).unwrap()["case"].take()
}

#[test]
fn byte_order_mark_and_line_ends_do_not_matter() {
    for text in [
        "\u{feff}t,n\r\n가,나\r\n\r\n다,라\r\n",
        "t,n\n가,나\n\n다,라",
    ] {
        let rows = rows_of(text.as_bytes(), MAP);
        assert_eq!(
            good(&rows),
            [row(2, &["가", "나"]), row(4, &["다", "라"])],
            "{text:?}"
        );
    }
}

#[test]
fn cp949_is_found_out_and_decoded() {
    let (bytes, _, _) = encoding_rs::EUC_KR.encode("t,n\n민원,\"똠방\n각하, 뷁\"\n끝,x\n");
    let rows = rows_of(&bytes, MAP);
    assert_eq!(
        good(&rows),
        [row(2, &["민원", "똠방\n각하, 뷁"]), row(4, &["끝", "x"])]
    );
}

#[test]
fn one_damaged_row_does_not_turn_utf8_into_cp949() {
    let mut bytes = "t,n\n".as_bytes().to_vec();
    bytes.extend_from_slice(b"\xff\xfe,bad\n");
    bytes.extend_from_slice("가,나\n다,라\n".as_bytes());
    let rows = rows_of(&bytes, MAP);
    assert_eq!(bad(&rows), [(2, "undecodable")]);
    assert_eq!(good(&rows), [row(3, &["가", "나"]), row(4, &["다", "라"])]);
}

#[test]
fn cells_and_headers_of_several_lines_keep_true_line_numbers() {
    let text = "\"t\",\"a long\r\nheader\"\r\n1,\"one\r\ntwo\r\n\r\nfour\"\r\n2,x\r\n";
    let rows = rows_of(text.as_bytes(), MAP);
    assert_eq!(rows[0].as_ref().unwrap().names[1], "a long header");
    assert_eq!(
        good(&rows),
        [row(3, &["1", "one\ntwo\n\nfour"]), row(7, &["2", "x"])]
    );
}

#[test]
fn quotes_and_delimiters_inside_cells_are_text() {
    let rows = rows_of(b"t,n\n\"a,\"\"b\"\"\",\"\"\nc\"d,e\n", MAP);
    assert_eq!(
        good(&rows),
        [row(2, &["a,\"b\"", ""]), row(3, &["c\"d", "e"])]
    );
    let semicolons = format!("[source]\ndelimiter = ';'\n{MAP}");
    let rows = rows_of(b"t;n\na,b;c\n", &semicolons);
    assert_eq!(good(&rows), [row(2, &["a,b", "c"])]);
}

#[test]
fn ragged_rows_and_nul_bytes_are_rejected_alone() {
    let rows = rows_of(b"t,n\n1\n1,2,3\na,\0\nok,ok\n", MAP);
    assert_eq!(
        bad(&rows),
        [
            (2, "too_few_columns"),
            (3, "too_many_columns"),
            (4, "nul_byte")
        ]
    );
    assert_eq!(good(&rows), [row(5, &["ok", "ok"])]);
}

#[test]
fn a_quote_that_never_ends_swallows_no_good_row() {
    let rows = rows_of(b"t,n\nok,1\n\"open,2\nok,3\nok,4\n", MAP);
    assert_eq!(bad(&rows), [(3, "unterminated_quote")]);
    let expected = [
        row(2, &["ok", "1"]),
        row(4, &["ok", "3"]),
        row(5, &["ok", "4"]),
    ];
    assert_eq!(good(&rows), expected);
    let rows = rows_of(b"t,n\n\"open,2\nok,3\n\"a\",4\nok,5\n", MAP);
    assert_eq!(bad(&rows), [(2, "stray_quote")]);
    assert_eq!(good(&rows).len(), 3, "{rows:?}");
}

#[test]
fn a_row_without_end_uses_bounded_memory_and_is_skipped() {
    let mut bytes = b"t,n\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'x', 5 << 20));
    bytes.extend_from_slice(b"\nok,ok\n");
    let rows = rows_of(&bytes, MAP);
    assert_eq!(bad(&rows), [(2, "row_too_long")]);
    assert_eq!(good(&rows), [row(3, &["ok", "ok"])]);
}

#[test]
fn long_texts_come_through_whole() {
    let long = "가".repeat(55_000 / 3);
    let rows = rows_of(format!("t,n\n1,\"{long}\"\n").as_bytes(), MAP);
    assert!(good(&rows) == [row(2, &["1", &long])], "too long to print");
    let line = json!({"n": long, "t": "1"}).to_string();
    let rows = rows_of(line.as_bytes(), MAP);
    assert!(good(&rows) == [row(1, &[&long, "1"])], "too long to print");
}

#[test]
fn jsonl_takes_scalars_and_rejects_what_is_no_object() {
    let text = "{\"n\":null,\"t\":1}\n\n{oops\n[1]\n{\"n\":{\"a\":[1]},\"t\":\"b\\nc\"}\n";
    let rows = rows_of(text.as_bytes(), MAP);
    assert_eq!(bad(&rows), [(3, "malformed_json"), (4, "malformed_json")]);
    assert_eq!(
        good(&rows),
        [row(1, &["", "1"]), row(5, &["{\"a\":[1]}", "b\nc"])]
    );
    let deep = format!(
        "{{\"t\":{}1{}}}\n{{\"t\":1}}\n",
        "[".repeat(9_000),
        "]".repeat(9_000)
    );
    let rows = rows_of(deep.as_bytes(), MAP);
    assert_eq!(
        (bad(&rows), good(&rows).len()),
        (vec![(1, "malformed_json")], 1)
    );
}

#[test]
fn files_that_are_no_rows_are_told_so() {
    let map = ImportMap::parse(MAP).unwrap();
    let open = |bytes: &[u8]| {
        let source = decode::source(Box::new(Cursor::new(bytes.to_vec()))).unwrap();
        Rows::new(source, &map.source)
            .map(|_| ())
            .map_err(|e| e.to_string())
    };
    assert!(open(b"").unwrap_err().contains("empty"));
    assert!(open(b"\n \n").unwrap_err().contains("empty"));
    assert!(open(b"[{\"t\":1}]").unwrap_err().contains("JSONL"));
    assert!(open(b"a,a\n").unwrap_err().contains("two columns"));
    assert!(open(b"a,b\n").is_ok());
    let utf16 = decode::source(Box::new(Cursor::new(b"\xff\xfet\0".to_vec())));
    assert_eq!(
        utf16.map(|_| ()).unwrap_err().kind(),
        io::ErrorKind::InvalidInput
    );
}

#[test]
fn gzip_is_known_by_its_magic_and_a_cut_one_is_an_error() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut text = b"t,n\n".to_vec();
    for i in 0..40_000u32 {
        text.extend_from_slice(format!("{i},{}\n", i.wrapping_mul(2_654_435_761)).as_bytes());
    }
    gzip.write_all(&text).unwrap();
    let whole = gzip.finish().unwrap();
    let two_members = [whole.clone(), gzip_of(b"last,row\n")].concat();
    let cut = whole[..whole.len() / 2].to_vec();
    let read = |bytes: &[u8]| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("named.csv");
        std::fs::write(&path, bytes).unwrap();
        let map = ImportMap::parse(MAP).unwrap();
        let rows = Rows::new(decode::open(&path).unwrap(), &map.source).unwrap();
        rows.take(50_000)
            .collect::<Result<Vec<_>, _>>()
            .map(|rows| rows.len())
    };
    assert_eq!(read(&whole).unwrap(), 40_000);
    assert_eq!(read(&two_members).unwrap(), 40_001);
    let Err(Bad::File(error)) = read(&cut) else {
        panic!("a cut file was read to its end");
    };
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

fn gzip_of(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_map_turns_columns_into_a_case() {
    let map = r#"
[source]
zone = "Asia/Seoul"
whole_numbers = ["house"]
[case]
tier = { column = "kind", values = { "secret" = "sensitive" }, default = "ordinary" }
department = { column = "dept", values = { "Road" = "civil" } }
channel = { value = "letter" }
class = { column = "class", default = "other" }
title = { template = "{class} at {house}", default = "?", nfc = true }
narrative = { lines = ["what", "where"] }
external_number = { column = "id" }
received_at = { column = "date", formats = ["%d.%m.%Y", "%Y-%m-%d %H:%M"] }
assignees = ["choi"]
[[people]]
part = "petitioner"
name = { column = "who", default = "(not recorded)" }
telephone = { column = "addr", find = "telephone" }
address = { column = "addr" }
[attributes]
others = true
"#;
    let header = "id,kind,dept,class,house,what,where,date,who,addr,extra,empty\n";
    let row = "7,secret,Road,보안,244.0,\"a\nb\",,01.02.2020,,VIA 773 989 3450,e,\n";
    assert_eq!(
        case_of(&format!("{header}{row}"), map),
        json!({
            "tier": "sensitive", "department": "civil", "channel": "letter", "class": "보안",
            "title": "보안 at 244", "narrative": "what: a\nb", "external_number": "7",
            "received_at": "2020-02-01T00:00:00.000+09:00", "assignees": ["choi"],
            "people": [{"part": "petitioner", "name": "(not recorded)",
                        "telephone": "773-989-3450", "address": "VIA 773 989 3450"}],
            "attributes": {"extra": "e"},
        })
    );
    let bare = format!("{header},x,Road,,,w,,2020-02-01 13:05,,,,\n");
    let case = case_of(&bare, map);
    assert_eq!(case["people"], json!([]), "nothing is known of the person");
    assert_eq!(
        (&case["tier"], &case["class"]),
        (&json!("ordinary"), &json!("other"))
    );
    assert_eq!(case["received_at"], "2020-02-01T13:05:00.000+09:00");
    assert!(case.get("external_number").is_none());
    let rejected = |row: &str| match drafts_of(&format!("{header}{row}"), map).remove(0) {
        Err(Bad::Row(reject)) => reject,
        other => panic!("{other:?}"),
    };
    let unmapped = Reject::new(2, "value_not_in_map").at("department");
    assert_eq!(rejected(",x,Nowhere,,,w,,,,,,\n"), unmapped);
    assert_eq!(rejected(",x,Road,,,w,,31.02.2020,,,,\n").code, "bad_date");
    let missing = Reject::new(2, "missing").at("narrative");
    assert_eq!(rejected(",x,Road,,,,,,,,,\n"), missing);
}

#[test]
fn composing_letters_keeps_what_was_written() {
    let map = MAP.replace("{ column = \"n\" }", "{ column = \"n\", nfc = true }");
    assert_ne!(map, MAP);
    let decomposed = "t,n\nx,\u{1112}\u{1161}\u{11ab}\n";
    let case = case_of(decomposed, &map);
    assert_eq!(case["narrative"], "한");
    let kept = json!({"narrative_as_written": "\u{1112}\u{1161}\u{11ab}"});
    assert_eq!(case["attributes"], kept);
    assert!(
        case_of("t,n\nx,한\n", &map).get("attributes").is_none(),
        "nothing was changed"
    );
    assert_eq!(
        case_of(decomposed, MAP)["narrative"],
        "\u{1112}\u{1161}\u{11ab}"
    );
}

#[test]
fn errors_of_a_map_name_the_key() {
    let wrong = |from: &str, to: &str| {
        assert!(MAP.contains(from), "the test changes nothing");
        ImportMap::parse(&MAP.replace(from, to))
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    assert!(wrong("class = ", "klass = ").contains("klass"));
    assert!(wrong("value = \"x\"", "vlue = \"x\"").contains("vlue"));
    assert!(wrong("{ value = \"x\" }", "{ }").contains("case.class"));
    let both = wrong("{ value = \"x\" }", "{ value = \"x\", column = \"y\" }");
    assert!(both.contains("case.class"), "{both}");
    let dated = format!("{MAP}received_at = {{ column = \"d\" }}\n");
    assert!(
        ImportMap::parse(&dated)
            .unwrap_err()
            .to_string()
            .contains("case.received_at")
    );
    let zone = format!("[source]\nzone = \"Asia/Soul\"\n{MAP}");
    assert!(
        ImportMap::parse(&zone)
            .unwrap_err()
            .to_string()
            .contains("source.zone")
    );
    let map = ImportMap::parse(MAP).unwrap();
    let lacking = map.check_header(&["t".to_owned()]).unwrap_err().to_string();
    assert!(
        lacking.contains("case.narrative") && lacking.contains("\"n\""),
        "{lacking}"
    );
    assert!(ImportMap::text("builtin:nowhere").is_err());
    for name in ["chicago", "bluehouse", "keyword"] {
        let text = ImportMap::text(&format!("builtin:{name}")).unwrap();
        ImportMap::parse(&text).unwrap();
    }
}

#[test]
fn house_numbers_and_telephones_are_told_apart() {
    assert_eq!(whole_number("244.0"), "244");
    for other in ["244", "24.50", ".0", "1e3.0", "A.0"] {
        assert_eq!(whole_number(other), other);
    }
    for (text, number) in [
        ("VIA 773 989 3450 CHICAGO IL", Some("773-989-3450")),
        ("CALL (773)989-3450", Some("773-989-3450")),
        ("연락처 010-0000-1234 입니다", Some("010-0000-1234")),
        ("01000001234", Some("01000001234")),
        ("244 E PERSHING RD CHICAGO IL 60653", None),
        ("11220 60628", None),
        ("", None),
    ] {
        assert_eq!(telephone(text).as_deref(), number, "{text}");
    }
}

/// The real files: every row becomes a draft.
#[test]
#[ignore = "needs the real data that BONGHAM_SHARED names; .ci/run runs it"]
fn real_files_lose_no_row() {
    let shared = std::env::var("BONGHAM_SHARED").unwrap();
    for (file, map, rows) in [
        ("chicago_complaints_2000-2020.csv.gz", "chicago", 215_781),
        ("bluehouse_petitions.jsonl.gz", "bluehouse", 3_691),
        ("minwon_keyword_2019.cp949.csv", "keyword", 480),
    ] {
        let path = std::path::Path::new(&shared).join("data").join(file);
        let map = ImportMap::parse(&ImportMap::text(&format!("builtin:{map}")).unwrap()).unwrap();
        let source = decode::open(&path).unwrap();
        let drafts = Drafts::new(Rows::new(source, &map.source).unwrap(), &map).unwrap();
        let (mut good, mut rejects) = (0, Vec::new());
        for drafted in drafts {
            match drafted {
                Ok(_) => good += 1,
                Err(bad) => rejects.push(bad),
            }
        }
        assert_eq!(
            (good, rejects.len()),
            (rows, 0),
            "{file}: {:?}",
            rejects.first()
        );
    }
}

#[test]
fn reading_stops_where_the_disk_does() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
    let start = Cursor::new([b"t,n\n1,2\n".to_vec(), vec![b' '; 70_000]].concat());
    let map = ImportMap::parse(MAP).unwrap();
    let source = decode::source(Box::new(start.chain(Broken))).unwrap();
    let mut rows = Rows::new(source, &map.source).unwrap();
    assert!(matches!(rows.next(), Some(Ok(_))));
    assert!(matches!(rows.next(), Some(Err(Bad::File(_)))));
}
