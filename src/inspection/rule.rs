//! What an inspection looks for, and how a finding is said in words.

use super::evidence::Words;

/// Why something is a finding.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Exports and prints whose reason the auditor is to confirm (안전성 확보조치 기준 제8조제2항:
    /// 다운로드 사유 확인).
    UnexplainedOutput,
    /// Use at night, and administration.
    NightUse,
    /// The same on days when nobody works.
    HolidayUse,
    /// More people, cases or outputs than a day needs.
    MassRead,
    /// Cases opened by people who neither handle them nor follow their department.
    NeighbourRead,
    /// Attempts on sensitive cases that were refused.
    DeniedSensitive,
    /// Refused attempts in number.
    DeniedMany,
    /// Tries to log in with an account that is shut.
    AfterRevoke,
    /// Failed log-ins in number.
    FailedLogins,
    /// What no ordinary day has: what another law keeps was opened, the store was unsealed, backed
    /// up or restored, its keyring copied, an account reset.
    BreakGlass,
    /// A copy that is out past its date of destruction: about who answers for it, and who took it out.
    CopyOut,
    /// An alert to the privacy officer that nobody took note of.
    OpenAlert,
    /// Cases of their department opened by people who follow it: supervision, in number.
    SupervisionRead,
    /// Refused attempts on cases, no sensitive ones, from which the person had been taken off.
    TakenOff,
    /// Cases of others that somebody assigned to themselves: what they open then counts as their own.
    SelfAssigned,
}

/// How much of it there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Entries; cases, outputs or copies where the rule counts those.
    pub count: u32,
    /// The most on one day, days past the date, doubtful reasons, or cases that were opened, where the
    /// rule counts those.
    pub most: u32,
}

impl Rule {
    /// The code in the API and in reports.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnexplainedOutput => "unexplained_output",
            Self::NightUse => "night_use",
            Self::HolidayUse => "holiday_use",
            Self::MassRead => "mass_read",
            Self::NeighbourRead => "neighbour_read",
            Self::DeniedSensitive => "denied_sensitive",
            Self::DeniedMany => "denied_many",
            Self::AfterRevoke => "after_revoke",
            Self::FailedLogins => "failed_logins",
            Self::BreakGlass => "break_glass",
            Self::CopyOut => "copy_out",
            Self::OpenAlert => "open_alert",
            Self::SupervisionRead => "supervision_read",
            Self::TakenOff => "taken_off",
            Self::SelfAssigned => "self_assigned",
        }
    }

    /// Whether the person concerned is told of it. That a refused attempt was on a sensitive case
    /// would tell that there is one, where the refusal itself told nothing; it counts among the
    /// refused attempts ([`Rule::DeniedMany`]), which do not tell cases that are forbidden from
    /// those that are absent.
    pub const fn is_told(self) -> bool {
        !matches!(self, Self::DeniedSensitive)
    }

    /// Whether it is a deed of the person it is about. What others do to an account, as a stranger
    /// who types wrong passwords, makes nobody a person concerned.
    pub const fn is_deed(self) -> bool {
        !matches!(self, Self::FailedLogins | Self::AfterRevoke)
    }

    /// What was found, in words. They hold numbers alone.
    pub fn says(self, Extent { count, most }: Extent) -> Words {
        let (ko, en) = match self {
            Self::UnexplainedOutput => (
                format!(
                    "사유를 확인할 다운로드·출력이 {count}건 있습니다. 그중 {most}건은 사유가 없거나 너무 짧습니다."
                ),
                format!(
                    "The reasons of {count} exports or prints are to be confirmed; {most} say hardly anything."
                ),
            ),
            Self::NightUse => (
                format!("야간에 민원 열람·반출 또는 관리 작업을 {count}회 하였습니다."),
                format!(
                    "Cases were opened or taken out, or the store administered, {count} times at night."
                ),
            ),
            Self::HolidayUse => (
                format!("휴일에 민원 열람·반출 또는 관리 작업을 {count}회 하였습니다."),
                format!(
                    "Cases were opened or taken out, or the store administered, {count} times on days off."
                ),
            ),
            Self::MassRead => (
                format!(
                    "하루에 많은 정보주체, 민원 또는 출력물을 처리하였습니다: 가장 많은 날 {most}, 기록 {count}건."
                ),
                format!(
                    "Many people, cases or outputs in one day: {most} on the heaviest, in {count} entries."
                ),
            ),
            Self::NeighbourRead => (
                format!("담당이 아닌 민원 {count}건을 열람하거나 내보냈습니다."),
                format!("{count} cases of others were opened or taken out."),
            ),
            Self::DeniedSensitive => (
                format!("보안 민원에 대한 거부된 접근 시도가 {count}건 있습니다."),
                format!("{count} attempts on sensitive cases were refused."),
            ),
            Self::DeniedMany => (
                format!("거부된 접근 시도가 {count}건 있습니다."),
                format!("{count} attempts were refused."),
            ),
            Self::AfterRevoke => (
                format!("점검 시점에 말소된 계정으로 로그인하려는 시도가 {count}건 있습니다."),
                format!(
                    "{count} tries to log in with an account that is shut at the time of inspection."
                ),
            ),
            Self::FailedLogins => (
                format!("로그인 실패가 {count}건 있습니다."),
                format!("{count} log-ins failed."),
            ),
            Self::BreakGlass => (
                format!(
                    "분리 보관 항목의 열람·이관, 봉인 해제, 백업·복원, 열쇠 사본, 계정 초기화가 {count}건 있습니다."
                ),
                format!(
                    "What another law keeps was opened or handed over, the store unsealed, backed up or \
                     restored, its keyring copied or an account reset, {count} times."
                ),
            ),
            Self::CopyOut => (
                format!(
                    "만들었거나 책임지는 출력물 중 파기 예정일이 지난 {count}건의 파기가 확인되지 않았습니다: 가장 오래된 것은 {most}일 경과."
                ),
                format!(
                    "{count} copies that they took out or answer for are out past their date of \
                     destruction, the oldest by {most} days."
                ),
            ),
            Self::OpenAlert => (
                format!("확인되지 않은 알림이 {count}건 있습니다."),
                format!("{count} alerts were taken note of by nobody."),
            ),
            Self::SupervisionRead => (
                format!("감독 권한으로 부서의 민원 {count}건을 열람하거나 내보냈습니다."),
                format!(
                    "{count} cases of their department were opened or taken out in supervision."
                ),
            ),
            Self::TakenOff => (
                format!("담당에서 해제된 민원에 대한 거부된 접근 시도가 {count}건 있습니다."),
                format!(
                    "{count} attempts on cases from which they had been taken off were refused."
                ),
            ),
            Self::SelfAssigned => (
                format!(
                    "다른 담당자의 민원 {count}건을 본인에게 배정하였고, 그중 {most}건을 열람하거나 내보냈습니다."
                ),
                format!(
                    "{count} cases of others were assigned to oneself, {most} of them opened or taken out."
                ),
            ),
        };
        Words { ko, en }
    }

    /// Its name on a report.
    pub const fn title(self) -> (&'static str, &'static str) {
        match self {
            Self::UnexplainedOutput => ("다운로드·출력 사유 확인", "Reasons of outputs"),
            Self::NightUse => ("야간 이용", "Use at night"),
            Self::HolidayUse => ("휴일 이용", "Use on days off"),
            Self::MassRead => ("대량 조회", "Mass read"),
            Self::NeighbourRead => ("담당 외 조회", "Cases of others"),
            Self::DeniedSensitive => ("보안 민원 접근 거부", "Refused on sensitive"),
            Self::DeniedMany => ("다수의 접근 거부", "Many refused"),
            Self::AfterRevoke => ("말소 후 접속 시도", "After revocation"),
            Self::FailedLogins => ("로그인 실패", "Failed log-ins"),
            Self::BreakGlass => ("비상·특별 작업", "Special steps"),
            Self::CopyOut => ("미파기 출력물", "Copies still out"),
            Self::OpenAlert => ("미확인 알림", "Alerts not noted"),
            Self::SupervisionRead => ("감독 열람", "Supervision"),
            Self::TakenOff => ("담당 해제 후 접근 시도", "After being taken off"),
            Self::SelfAssigned => ("본인 배정", "Assigned to oneself"),
        }
    }
}
