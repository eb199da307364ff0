//! The judgement of each part of what somebody asks to be destroyed.

use super::{Lacking, TEXT_BYTES_MAX, line, text};
use crate::domain::time::Timestamp;

/// What shall become of a part.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// 파기.
    Destroy,
    /// 분리 보관: another law keeps it, until its end date.
    KeepApart,
    /// 보류: it stays as it is; another matter needs it.
    Hold,
}

/// The judgement of one part, or of all that are not named.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgementDraft {
    /// What shall become of it.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Name of the law that keeps it.
    #[serde(default)]
    pub law: Option<String>,
    /// Its article.
    #[serde(default)]
    pub article: Option<String>,
    /// Items of personal data that it keeps.
    #[serde(default)]
    pub items: Option<String>,
    /// Until when, RFC 3339.
    #[serde(default)]
    pub until: Option<String>,
    /// The matter that a hold rests on.
    #[serde(default)]
    pub ground: Option<String>,
    /// With `destroy`: the part is no part of the record (a person or paper that came into it by
    /// mistake, a contact given twice), so that no retention period keeps it; the reason says why.
    #[serde(default)]
    pub not_record: bool,
}

/// One part and its judgement.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartDraft {
    /// Id of the part.
    pub part: String,
    /// Its judgement.
    pub judgement: JudgementDraft,
}

/// A judgement, parsed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Judgement {
    /// 파기.
    Destroy,
    /// 분리 보관.
    KeepApart {
        /// Name of the law.
        law: String,
        /// Its article.
        article: String,
        /// Items of personal data that it keeps.
        items: String,
        /// Until when.
        until: Timestamp,
    },
    /// 보류.
    Hold {
        /// The matter it rests on.
        ground: String,
    },
    /// 파기: it is no part of the record, and so no retention period keeps it.
    DestroyStray,
}

impl Judgement {
    /// Whether it is destroyed without being kept elsewhere.
    pub const fn destroys(&self) -> bool {
        matches!(self, Self::Destroy | Self::DestroyStray)
    }
}

impl JudgementDraft {
    /// Parses it; `path` names it in complaints.
    pub fn parse(&self, path: &str, now: Timestamp) -> Result<Judgement, Lacking> {
        let field = |name: &str| format!("{path}.{name}");
        text(&field("reason"), &self.reason, TEXT_BYTES_MAX, true)?;
        let need = |name: &str, value: &Option<String>| {
            let value = value.as_deref().unwrap_or_default();
            line(&field(name), value, true)?;
            Ok::<_, Lacking>(value.to_owned())
        };
        let none = |name: &str, value: &Option<String>| match value {
            None => Ok(()),
            Some(_) => Err(Lacking::new(field(name), "does not belong to this verdict")),
        };
        if self.verdict != Verdict::KeepApart {
            none("law", &self.law)?;
            none("article", &self.article)?;
            none("items", &self.items)?;
            none("until", &self.until)?;
        }
        if self.verdict != Verdict::Hold {
            none("ground", &self.ground)?;
        }
        if self.verdict != Verdict::Destroy && self.not_record {
            let why = "does not belong to this verdict";
            return Err(Lacking::new(field("not_record"), why));
        }
        match self.verdict {
            Verdict::Destroy if self.not_record => Ok(Judgement::DestroyStray),
            Verdict::Destroy => Ok(Judgement::Destroy),
            Verdict::KeepApart => {
                let until = need("until", &self.until)?;
                let until = Timestamp::parse_rfc3339(&until)
                    .ok_or_else(|| Lacking::new(field("until"), "is not an RFC 3339 time"))?;
                if until <= now {
                    return Err(Lacking::new(field("until"), "must lie in the future"));
                }
                Ok(Judgement::KeepApart {
                    law: need("law", &self.law)?,
                    article: need("article", &self.article)?,
                    items: need("items", &self.items)?,
                    until,
                })
            }
            Verdict::Hold => Ok(Judgement::Hold {
                ground: need("ground", &self.ground)?,
            }),
        }
    }
}
