//! What was done (수행업무): the task column of the access log.

use std::fmt;
use std::str::FromStr;

macro_rules! tasks {
    ($($(#[$doc:meta])* $name:ident = $byte:literal, $code:literal;)*) => {
        /// A task as the access log names it. Bytes are never reassigned.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Task { $($(#[$doc])* $name,)* }

        impl Task {
            /// Every task.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// The byte in a log entry.
            pub const fn byte(self) -> u8 { match self { $(Self::$name => $byte,)* } }
            /// The code in the API and in reports.
            pub const fn code(self) -> &'static str { match self { $(Self::$name => $code,)* } }
            /// The task with this byte.
            pub fn from_byte(byte: u8) -> Option<Self> {
                match byte { $($byte => Some(Self::$name),)* _ => None }
            }
        }
    };
}

tasks! {
    /// 접수: a case was registered.
    Register = 1, "register";
    /// 조회: one case was opened.
    Read = 2, "read";
    /// 목록 조회: cases were listed.
    List = 3, "list";
    /// 배정: assignees were changed.
    Assign = 4, "assign";
    /// 분류 변경: a case changed tier.
    Reclassify = 5, "reclassify";
    /// 일괄 등록: an import was started, continued or finished.
    Import = 6, "import";
    /// 보정·종결: a case was amended, closed or reopened.
    Amend = 7, "amend";
    /// 검색: cases were looked for by exact values.
    Search = 8, "search";
    /// 다운로드: an export of cases was asked for, begun or ended.
    Export = 9, "export";
    /// 출력: a print document of cases was made.
    Print = 10, "print";
    /// 비식별 해제: an output was made without masking.
    Unmask = 11, "unmask";
    /// 다운로드: the finished file of an export was fetched.
    Download = 12, "download";
    /// 출력물 조회: exports and prints were looked at.
    ReadOutputs = 13, "read_outputs";
    /// 출력물 파기 확인: a copy that left is destroyed.
    CloseOutput = 14, "close_output";
    /// 출처 추적: the print or export that a mark came from was looked for.
    Trace = 15, "trace";
    /// 로그인.
    Login = 20, "login";
    /// 로그인 실패.
    LoginFailed = 21, "login_failed";
    /// 로그아웃.
    Logout = 22, "logout";
    /// 등록: a person set their own password and got a key pair.
    Enrol = 23, "enrol";
    /// 요청 과다: somebody's requests came too fast and were turned away.
    TurnedAway = 24, "turned_away";
    /// 재인증: a person gave their password again, with a reason.
    StepUp = 25, "step_up";
    /// 열람 한도 상향: a second person was asked for more than the budget.
    RaiseBudget = 26, "raise_budget";
    /// 알림 조회: alerts were looked at.
    ReadAlerts = 27, "read_alerts";
    /// 알림 확인: somebody took note of an alert.
    AcknowledgeAlert = 28, "acknowledge_alert";
    /// 권한 부여·변경·말소 and accounts.
    ManageAccount = 30, "manage_account";
    /// Departments and their sensitive desks.
    ManageDepartment = 31, "manage_department";
    /// A second person decided on a request.
    Approve = 32, "approve";
    /// 승인 요청 조회: requests for a second person were looked at.
    ReadApprovals = 33, "read_approvals";
    /// The access log was queried or exported.
    ReadLog = 40, "read_log";
    /// The ledger or a certificate was read.
    ReadLedger = 41, "read_ledger";
    /// 접속기록 점검: an inspection was made.
    Inspect = 42, "inspect";
    /// 점검 조회: an inspection was looked at.
    ReadInspection = 43, "read_inspection";
    /// 소명: a person explained a finding.
    Explain = 44, "explain";
    /// 점검 서명: an inspection was signed off.
    SignInspection = 45, "sign_inspection";
    /// 열람 내역 제공: a person was told who opened their case.
    GiveEvidence = 46, "give_evidence";
    /// The store was unsealed.
    Unseal = 50, "unseal";
    /// The store was sealed.
    Seal = 51, "seal";
    /// A backup was made.
    Backup = 52, "backup";
    /// A backup was restored.
    Restore = 53, "restore";
    /// A copy of the keyring was made, or its destruction acknowledged.
    Escrow = 54, "escrow";
    /// 삭제 요구 접수: a person's request was taken in.
    RequestDeletion = 60, "request_deletion";
    /// 본인 확인: who asks was checked.
    CheckIdentity = 61, "check_identity";
    /// 법령 검토: each part of the case was judged.
    ReviewDeletion = 62, "review_deletion";
    /// 파기요청서: the destruction request form was filled in.
    FormDestruction = 63, "form_destruction";
    /// 파기 승인 or refusal by the second person.
    ApproveDestruction = 64, "approve_destruction";
    /// A request was cancelled or refused.
    CloseRequest = 65, "close_request";
    /// 파기: units were destroyed.
    Destroy = 66, "destroy";
    /// Requests were looked at.
    ReadRequest = 67, "read_request";
    /// 보존 조치: a hold was set or lifted.
    Hold = 68, "hold";
    /// 보존기간: retention rules were changed or a sweep was run.
    Retention = 69, "retention";
    /// 분리 보관: parts were moved to the separate store.
    Retain = 70, "retain";
    /// 분리 보관 열람: an item kept apart was opened.
    OpenRetained = 71, "open_retained";
    /// 이관: items kept apart were handed to the archive.
    HandOver = 72, "hand_over";
}

/// A task code that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown task code")]
pub struct BadTask;

impl FromStr for Task {
    type Err = BadTask;
    fn from_str(text: &str) -> Result<Self, BadTask> {
        Self::ALL
            .iter()
            .copied()
            .find(|t| t.code() == text)
            .ok_or(BadTask)
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
