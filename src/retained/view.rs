//! What a custodian sees of items without opening them.

/// One item as a row of the custodians' list: law and dates, no content.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ItemRow {
    /// Id.
    pub id: String,
    /// The law that keeps it.
    pub law: String,
    /// Its article.
    pub article: String,
    /// What is kept, by kind.
    pub items: String,
    /// Until when.
    pub until: String,
    /// What its parts are: `narrative`, `person`.
    pub kinds: Vec<String>,
    /// When it was drawn.
    pub made_at: String,
    /// Login name of who drew it.
    pub requester: String,
    /// Whether its end has come: its destruction is proposed.
    pub due: bool,
    /// Grounds of the holds that stand on it: it is not destroyed meanwhile.
    pub holds: Vec<String>,
    /// Whether its end needs a decision of the records appraisal.
    pub appraisal: bool,
    /// Until when its ordered destruction can be called off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<String>,
    /// Whether the key of the asker opens it.
    pub opens: bool,
    /// Whether the ledger tells of it. An item without that was cut short by a crash; its original
    /// stands, and drawing it again replaces it.
    pub entered: bool,
}
