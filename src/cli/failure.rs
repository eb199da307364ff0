//! What went wrong, in one or two lines for a person and one number for a script.

use std::fmt;

/// Exit codes; their meaning never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Failed, or a violation was found.
    Failed = 1,
    /// The command was not written as it must be.
    Usage = 2,
    /// Policy said no: not logged in, not allowed, or as good as absent.
    Refused = 3,
    /// The store is sealed, or the passphrase is wrong.
    Sealed = 4,
    /// The store is damaged.
    Damaged = 5,
}

/// An RFC 9457 problem as the API answers it.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(default)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Stable code.
    pub code: String,
    /// Short title.
    pub title: String,
    /// English sentence.
    pub detail: String,
    /// Korean sentence.
    pub detail_ko: Option<String>,
    /// The field that is wrong.
    pub field: Option<String>,
    /// For an import's conflict: the row the server wants next.
    pub next_row: Option<u64>,
    /// Seconds to wait, from `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

/// The end of a command that did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    english: String,
    korean: Option<String>,
    problem: Option<Box<Problem>>,
}

impl Failure {
    /// A failure with this exit code and English text.
    pub fn new(exit: Exit, english: impl Into<String>) -> Self {
        Self {
            exit,
            english: english.into(),
            korean: None,
            problem: None,
        }
    }
    /// Exit code 1.
    pub fn failed(english: impl Into<String>) -> Self {
        Self::new(Exit::Failed, english)
    }
    /// Exit code 2.
    pub fn usage(english: impl Into<String>) -> Self {
        Self::new(Exit::Usage, english)
    }
    /// Exit code 4.
    pub fn sealed(english: impl Into<String>) -> Self {
        Self::new(Exit::Sealed, english)
    }
    /// A file that could not be read or written, named with what was wanted of it.
    pub fn file(what: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::failed(format!("cannot {what} {}: {error}", path.display()))
    }
    /// The same with a Korean sentence beside the English one.
    #[must_use]
    pub fn korean(mut self, korean: impl Into<String>) -> Self {
        self.korean = Some(korean.into());
        self
    }
    /// The same with another exit code.
    #[must_use]
    pub fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
    /// The exit code.
    pub const fn exit(&self) -> Exit {
        self.exit
    }
    /// The API's problem, where the API answered one.
    pub const fn problem(&self) -> Option<&Problem> {
        match &self.problem {
            Some(problem) => Some(problem),
            None => None,
        }
    }
    /// Whether the API answered this code.
    pub fn is(&self, code: &str) -> bool {
        self.problem.as_ref().is_some_and(|p| p.code == code)
    }
    /// The lines for standard error: English, and Korean where the reader's language is Korean.
    pub fn lines(&self, korean: bool) -> Vec<String> {
        let mut lines = vec![format!("bongham: {}", self.english)];
        if let Some(text) = self.korean.as_ref().filter(|_| korean) {
            lines.push(format!("봉함: {text}"));
        }
        lines
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.english)
    }
}

impl std::error::Error for Failure {}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let exit = match problem.code.as_str() {
            "sealed" => Exit::Sealed,
            "damaged" => Exit::Damaged,
            "purpose_unknown" => Exit::Usage,
            _ if matches!(problem.status, 401 | 403 | 404) => Exit::Refused,
            _ => Exit::Failed,
        };
        let mut english = match (problem.detail.as_str(), problem.title.as_str()) {
            ("", "") => format!("the server answered {}", problem.status),
            ("", title) => title.to_owned(),
            (detail, _) => detail.to_owned(),
        };
        for (name, value) in [
            ("field", problem.field.as_ref()),
            ("code", Some(&problem.code)),
        ] {
            if let Some(value) = value.filter(|v| !v.is_empty()) {
                english.push_str(&format!(" [{name}: {value}]"));
            }
        }
        if let Some(seconds) = problem.retry_after {
            english.push_str(&format!("; try again in {seconds} s"));
        }
        Self {
            exit,
            english,
            korean: problem.detail_ko.clone(),
            problem: Some(Box::new(problem)),
        }
    }
}

/// Whether the reader's language is Korean, by `LC_ALL`, else `LANG`.
pub fn reads_korean() -> bool {
    ["LC_ALL", "LANG"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .is_some_and(|value| value.starts_with("ko"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(status: u16, code: &str) -> Exit {
        Failure::from(Problem {
            status,
            code: code.to_owned(),
            ..Problem::default()
        })
        .exit()
    }

    #[test]
    fn codes_become_exit_codes() {
        for (status, code, expected) in [
            (503, "sealed", Exit::Sealed),
            (500, "damaged", Exit::Damaged),
            (401, "credentials_refused", Exit::Refused),
            (401, "session_ended", Exit::Refused),
            (403, "purpose_refused", Exit::Refused),
            (404, "not_found", Exit::Refused),
            (409, "no_recipient", Exit::Failed),
            (503, "busy", Exit::Failed),
            (500, "internal", Exit::Failed),
            (400, "purpose_unknown", Exit::Usage),
        ] {
            assert_eq!(exit(status, code), expected, "{code}");
        }
    }

    #[test]
    fn korean_is_a_second_line_for_its_readers() {
        let failure = Failure::failed("no").korean("아니오");
        assert_eq!(failure.lines(false), ["bongham: no"]);
        assert_eq!(failure.lines(true), ["bongham: no", "봉함: 아니오"]);
    }
}
