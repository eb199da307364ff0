//! Roles, purposes, tasks and judgements as people read them, in Korean and English.

use super::pack::Verdict;
use crate::domain::purpose::Purpose;
use crate::domain::role::Role;
use crate::domain::task::Task;

/// A role in Korean.
pub const fn role(role: Role) -> &'static str {
    match role {
        Role::Admin => "시스템 관리자",
        Role::Intake => "접수담당자",
        Role::Officer => "처리담당자",
        Role::HumanRightsOfficer => "인권업무 담당자",
        Role::Lead => "팀장·과장",
        Role::Coordinator => "민원총괄자",
        Role::PrivacyOfficer => "개인정보 보호책임자",
        Role::Auditor => "개인정보 감사자",
        Role::RetentionCustodian => "분리보관 담당자",
    }
}

/// A purpose in Korean.
pub const fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Handling => "처리",
        Purpose::Supervision => "감독",
        Purpose::Intake => "접수",
        Purpose::SubjectRequest => "정보주체 요구",
        Purpose::Audit => "감사",
        Purpose::Legal => "법적 의무",
        Purpose::Recovery => "복구",
    }
}

/// A task in Korean.
pub const fn task(task: Task) -> &'static str {
    match task {
        Task::Register => "접수",
        Task::Read => "조회",
        Task::List => "목록 조회",
        Task::Assign => "배정",
        Task::Reclassify => "분류 변경",
        Task::Import => "일괄 등록",
        Task::Amend => "보정·종결",
        Task::Search => "검색",
        Task::Export => "다운로드(내보내기)",
        Task::Print => "출력",
        Task::Unmask => "비식별 해제",
        Task::Download => "파일 내려받기",
        Task::ReadOutputs => "출력물 조회",
        Task::CloseOutput => "출력물 파기 확인",
        Task::Trace => "출처 추적",
        Task::Login => "로그인",
        Task::LoginFailed => "로그인 실패",
        Task::Logout => "로그아웃",
        Task::Enrol => "등록",
        Task::TurnedAway => "요청 과다",
        Task::StepUp => "재인증",
        Task::RaiseBudget => "열람 한도 상향",
        Task::ReadAlerts => "알림 조회",
        Task::AcknowledgeAlert => "알림 확인",
        Task::ManageAccount => "권한 관리",
        Task::ManageDepartment => "부서 관리",
        Task::Approve => "승인",
        Task::ReadApprovals => "승인 요청 조회",
        Task::ReadLog => "접속기록 조회",
        Task::ReadLedger => "파기대장 조회",
        Task::Inspect => "접속기록 점검",
        Task::ReadInspection => "점검 조회",
        Task::Explain => "소명",
        Task::SignInspection => "점검 서명",
        Task::GiveEvidence => "열람 내역 제공",
        Task::Unseal => "봉인 해제",
        Task::Seal => "봉인",
        Task::Backup => "백업",
        Task::Restore => "복원",
        Task::Escrow => "열쇠 사본",
        Task::RequestDeletion => "삭제 요구 접수",
        Task::CheckIdentity => "본인 확인",
        Task::ReviewDeletion => "법령 검토",
        Task::FormDestruction => "파기요청서 작성",
        Task::ApproveDestruction => "파기 승인",
        Task::CloseRequest => "삭제 요구 종결",
        Task::Destroy => "파기",
        Task::ReadRequest => "삭제 요구 조회",
        Task::Hold => "보존 조치",
        Task::Retention => "보존기간 관리",
        Task::Retain => "분리 보관",
        Task::OpenRetained => "분리 보관 열람",
        Task::HandOver => "이관",
    }
}

/// What a judgement comes to, in Korean and English.
pub const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted => "인정 / accepted",
        Verdict::Rejected => "불인정 / rejected",
        Verdict::Reopened => "판단을 되돌림 / reopened",
    }
}
