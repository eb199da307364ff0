//! What the API answers.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde_json::Value;

/// An answer of the API.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
    /// The page in it, of which a browser that obeys the policy of the answer keeps all: its one
    /// style sheet, and nothing that the policy would hold back.
    #[track_caller]
    pub fn page_as_shown(self) -> String {
        let page = String::from_utf8(self.bytes).unwrap();
        let (_, rest) = page.split_once("<style>").unwrap();
        let (style, rest) = rest.split_once("</style>").unwrap();
        let digest = ring::digest::digest(&ring::digest::SHA256, style.as_bytes());
        let hash = BASE64.encode(digest.as_ref());
        assert_eq!(
            self.headers["content-security-policy"],
            format!("default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'")
        );
        assert_eq!(self.headers["content-type"], "text/html; charset=utf-8");
        for blocked in [
            "<style", " style=", "<script", "<link", "<img", " src=", "@import",
        ] {
            assert!(!rest.contains(blocked), "{blocked}");
        }
        page
    }
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        assert_eq!(self.status, status, "{text}");
        self.json()
    }
}
