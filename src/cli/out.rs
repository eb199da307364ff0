//! What a command writes: results on standard output, everything else on standard error.

use std::io::{self, Write};

use serde_json::Value;

use super::failure::Failure;

/// The two streams of a command, and whether results are JSON.
pub struct Out {
    json: bool,
    result: Box<dyn Write>,
    notes: Box<dyn Write>,
}

impl Out {
    /// The process's own streams.
    pub fn process(json: bool) -> Self {
        Self::new(json, Box::new(io::stdout()), Box::new(io::stderr()))
    }
    /// Any streams.
    pub fn new(json: bool, result: Box<dyn Write>, notes: Box<dyn Write>) -> Self {
        Self {
            json,
            result,
            notes,
        }
    }
    /// Whether results are JSON.
    pub const fn is_json(&self) -> bool {
        self.json
    }
    /// One line of result.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.result, "{text}")
            .and_then(|()| self.result.flush())
            .map_err(unwritten)
    }
    /// Bytes of result, as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.result
            .write_all(bytes)
            .and_then(|()| self.result.flush())
            .map_err(unwritten)
    }
    /// One line beside the result. A terminal that is gone must not change the exit code.
    pub fn note(&mut self, text: &str) {
        let _unheard = writeln!(self.notes, "{text}");
    }
    /// `value` as one line of JSON, or else what `pretty` makes of it; then its warnings in words.
    pub fn answer(
        &mut self,
        value: &Value,
        pretty: impl FnOnce(&Value) -> Vec<String>,
    ) -> Result<(), Failure> {
        let warnings = value.get("warnings").and_then(Value::as_array);
        let warnings = warnings.into_iter().flatten().filter_map(Value::as_str);
        let warnings: Vec<_> = warnings.filter_map(warning).collect();
        self.result(value, pretty)?;
        for (english, korean) in warnings {
            self.note(&format!("Warning: {english}\n주의: {korean}"));
        }
        Ok(())
    }
    fn result(
        &mut self,
        value: &Value,
        pretty: impl FnOnce(&Value) -> Vec<String>,
    ) -> Result<(), Failure> {
        if self.json {
            return self.line(&value.to_string());
        }
        for line in pretty(value) {
            self.line(&line)?;
        }
        Ok(())
    }
    /// Rows as JSON lines, or as a table of these columns.
    pub fn rows(&mut self, columns: &[&str], rows: &[Value]) -> Result<(), Failure> {
        if self.json {
            return rows.iter().try_for_each(|row| self.line(&row.to_string()));
        }
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| columns.iter().map(|c| cell(row.get(*c))).collect())
            .collect();
        table(columns, &cells)
            .iter()
            .try_for_each(|line| self.line(line))
    }
}

/// What the code of a warning says, in English and Korean.
fn warning(code: &str) -> Option<(&'static str, &'static str)> {
    match code {
        "single_recipient" => Some((
            "one person alone can open this case, and it is lost with their password; name a second one.",
            "이 민원은 한 사람만 열 수 있으며, 그 사람이 비밀번호를 잃으면 다시 열 수 없습니다. 담당자를 한 명 더 지정하십시오.",
        )),
        "cases_may_be_lost" => Some((
            "this key ends; sensitive cases that nobody else holds can never be opened again. Have them handed over first.",
            "이 열쇠는 없어집니다. 다른 담당자가 없는 보안 민원은 다시 열 수 없습니다. 먼저 인계하게 하십시오.",
        )),
        _ => None,
    }
}

fn unwritten(error: io::Error) -> Failure {
    Failure::failed(format!("cannot write the result: {error}"))
}

/// A value as it stands in a table.
pub fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::from("-"),
        Some(Value::String(text)) => safe_line(text),
        Some(Value::Array(items)) if items.is_empty() => String::from("-"),
        Some(Value::Array(items)) => {
            let parts: Vec<String> = items.iter().map(|i| cell(Some(i))).collect();
            parts.join(", ")
        }
        Some(other) => safe_line(&other.to_string()),
    }
}

/// `key: value` lines of an object, nested ones indented.
pub fn fields(value: &Value) -> Vec<String> {
    fn walk(value: &Value, indent: usize, lines: &mut Vec<String>) {
        let Value::Object(map) = value else {
            lines.push(format!("{:indent$}{}", "", cell(Some(value))));
            return;
        };
        for (key, value) in map {
            match value {
                Value::Object(inner) if !inner.is_empty() => {
                    lines.push(format!("{:indent$}{}:", "", safe_line(key)));
                    walk(value, indent + 2, lines);
                }
                Value::Array(items) if items.iter().any(Value::is_object) => {
                    for item in items {
                        lines.push(format!("{:indent$}{}:", "", safe_line(key)));
                        walk(item, indent + 2, lines);
                    }
                }
                Value::String(text) if text.contains('\n') => {
                    lines.push(format!("{:indent$}{}:", "", safe_line(key)));
                    let inner = indent + 2;
                    lines.extend(
                        text.lines()
                            .map(|l| format!("{:inner$}{}", "", safe_line(l))),
                    );
                }
                _ => lines.push(format!(
                    "{:indent$}{}: {}",
                    "",
                    safe_line(key),
                    cell(Some(value))
                )),
            }
        }
    }
    let mut lines = Vec::new();
    walk(value, 0, &mut lines);
    lines
}

/// The text without anything that could move a terminal's cursor, recolour it or turn its
/// reading direction: what a petitioner wrote must not act on the reader's screen.
pub fn safe_line(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' => ' ',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Columns that a text takes up: Hangul, Han and kana take two.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| match u32::from(c) {
            0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
            0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff => 2,
            _ => 1,
        })
        .sum()
}

/// The lines of a table with a header and columns as wide as they need to be.
pub fn table(columns: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let header: Vec<String> = columns
        .iter()
        .map(|c| c.replace('_', " ").to_uppercase())
        .collect();
    let mut widths: Vec<usize> = header.iter().map(|c| width(c)).collect();
    for row in rows {
        for (held, text) in widths.iter_mut().zip(row) {
            *held = (*held).max(width(text));
        }
    }
    let line = |cells: &[String]| {
        let mut line = String::new();
        for (text, wanted) in cells.iter().zip(&widths) {
            line.push_str(text);
            line.push_str(&" ".repeat(wanted.saturating_sub(width(text)) + 2));
        }
        line.trim_end().to_owned()
    };
    std::iter::once(&header)
        .chain(rows)
        .map(|r| line(r))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_of_a_case_cannot_drive_the_terminal() {
        let hostile = "ok\u{1b}[2J\u{9b}31m\r\u{202e}";
        let shown = safe_line(hostile);
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
        assert!(!shown.contains('\u{202e}'));
        assert!(shown.starts_with("ok"), "plain text stays");
        let lines = fields(&json!({"narrative": "가\n\u{1b}]0;x\u{7}나"}));
        assert!(
            lines.iter().all(|l| !l.chars().any(char::is_control)),
            "{lines:?}"
        );
    }

    #[test]
    fn wide_letters_keep_columns_straight() {
        let rows = [
            vec!["감사과".to_owned(), "x".to_owned()],
            vec!["a".to_owned(), "x".to_owned()],
        ];
        let lines = table(&["name", "y"], &rows);
        assert_eq!(lines, ["NAME    Y", "감사과  x", "a       x"]);
    }
}
