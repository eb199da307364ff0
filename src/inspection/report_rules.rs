//! What a report says besides findings, on a page and on paper alike: the head and the rules in force,
//! so that a rule that was silenced shows.

use serde_json::Value;

use super::hits::ENTRIES_MAX;
use super::pack::FindingState;
use super::report::{name, remark};
use super::sheet::{CopiesOut, SheetFinding, SheetOutput};
use super::view::{InspectionView, Witness};
use super::words;

/// Keys of the configuration as people read them.
const KEYS: [(&str, &str); 14] = [
    ("night_from", "야간 시작 시각 / Night from"),
    ("night_to", "야간 종료 시각 / Night to"),
    ("holidays", "기관이 정한 휴일 / Days off of the office"),
    ("people_a_day", "하루 정보주체 수 / People a day"),
    ("cases_a_day", "하루 민원 수 / Cases a day"),
    ("outputs_a_day", "하루 출력물 수 / Outputs a day"),
    (
        "neighbour_reads",
        "월 담당 외 민원 수 / Cases of others a month",
    ),
    (
        "supervision_reads",
        "월 감독 열람 민원 수 / Cases in supervision a month",
    ),
    ("denied", "월 접근 거부 횟수 / Refusals a month"),
    (
        "failed_logins",
        "월 로그인 실패 횟수 / Failed log-ins a month",
    ),
    (
        "taken_off",
        "월 담당 해제 후 접근 시도 횟수 / Attempts after being taken off a month",
    ),
    (
        "self_assigned",
        "월 본인 배정 민원 수 / Cases of others assigned to oneself a month",
    ),
    ("reason_letters", "사유 최소 글자 수 / Letters of a reason"),
    (
        "due_day",
        "점검 기한(다음 달 며칠) / Due day of the next month",
    ),
];

/// The rules in force, name and value; a rule of which nothing is known here stands under its key.
pub(super) fn rules(view: &InspectionView) -> Vec<(String, String)> {
    let sheet = &view.sheet;
    let rules = sheet.rules.as_object();
    let word = |key: &str| {
        let known = KEYS.iter().find(|(known, _)| *known == key);
        known.map_or_else(|| key.to_owned(), |(_, word)| (*word).to_owned())
    };
    let mut keys: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
    let others = rules.into_iter().flat_map(|rules| rules.keys());
    let others: Vec<&str> = others
        .map(String::as_str)
        .filter(|key| !keys.contains(key))
        .collect();
    keys.extend(others);
    let mut pairs: Vec<(String, String)> = keys
        .into_iter()
        .filter_map(|key| Some((word(key), value(rules?.get(key)?))))
        .collect();
    if let Some(days) = &sheet.days_off {
        pairs.push((
            "이 달의 평일 휴일 / Days off of the month, no weekends".to_owned(),
            or_dash(days.join(", ")),
        ));
    }
    pairs
}

fn value(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items = items.iter().map(self::value);
            or_dash(items.collect::<Vec<_>>().join(", "))
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn or_dash(text: String) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}

/// The head of a report: what was inspected, by whom, and how it was signed.
pub(super) fn head(view: &InspectionView) -> Vec<(String, String)> {
    let sheet = &view.sheet;
    let signed = view.signed.as_ref();
    let statement = signed.and_then(|signed| signed.statement.clone());
    let settled = sheet.findings.iter().filter(|f| f.state.is_settled());
    let mut pairs = vec![
        (
            "점검 월 / Month",
            format!("{} ({})", sheet.month, whole(sheet.whole)),
        ),
        (
            "작성 / Made",
            format!("{} {}", sheet.made_at, name(view, Some(&sheet.made_by))),
        ),
        (
            "접속기록 / Entries",
            format!("{} ({} ~ {})", sheet.to - sheet.from, sheet.from, sheet.to),
        ),
        ("기록의 뿌리 / Root of the log", sheet.root.clone()),
        (
            "파기되어 읽지 못한 본문 / Bodies gone",
            sheet.unread.to_string(),
        ),
        (
            "회수되지 않은 출력물 (기한 경과) / Copies out (overdue)",
            copies(sheet.copies),
        ),
        (
            "지적 사항 (판단 완료/전체) / Findings (judged/all)",
            format!("{} / {}", settled.count(), sheet.findings.len()),
        ),
        ("점검표 해시 / Hash of the sheet", view.hash.clone()),
        ("서명 / Signed", signed_by(view)),
        (
            "미해결 서명 사유 / Statement",
            statement.unwrap_or_else(|| "-".to_owned()),
        ),
    ];
    if let Some(before) = &sheet.supersedes {
        pairs.push(("대체된 점검 / Instead of", before.clone()));
    }
    if let Some(after) = &view.superseded_by {
        pairs.push(("이 점검을 대체한 점검 / Superseded by", after.clone()));
    }
    let pairs = pairs.into_iter();
    pairs
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What has to be seen before anything else: a changed sheet, and notes of the inspection.
pub(super) fn alarms(view: &InspectionView) -> Vec<String> {
    let changed = view.signed.as_ref().filter(|signed| !signed.intact);
    let changed = changed.map(|signed| {
        format!(
            "서명된 뒤에 내용이 바뀌었거나 접속기록에 그 서명이 없습니다. / This was changed after it was \
             signed, or the access log knows no such signature. Signed hash: {}",
            signed.hash
        )
    });
    changed.into_iter().collect()
}

/// How many copies are out, and how many of them are past their date.
fn copies(copies: Option<CopiesOut>) -> String {
    copies.map_or_else(
        || "-".to_owned(),
        |copies| format!("{} ({})", copies.total, copies.overdue),
    )
}

/// Who signed and when, and what the log says of it.
fn signed_by(view: &InspectionView) -> String {
    let Some(signed) = &view.signed else {
        return "서명 전 / not signed yet".to_owned();
    };
    let witness = match (signed.witness, signed.entry) {
        (Witness::Entry, Some(entry)) => format!("접속기록 {entry}과 일치 / as entry {entry} says"),
        (Witness::Gone, Some(entry)) => {
            format!("접속기록 {entry}의 본문은 파기됨 / body of entry {entry} destroyed")
        }
        _ => "접속기록에 없음 / not in the access log".to_owned(),
    };
    format!("{} {} ({witness})", signed.by, signed.at)
}

/// Whether the month was over.
const fn whole(whole: bool) -> &'static str {
    if whole {
        "월 전체 / whole month"
    } else {
        "월중 점검 / the month was not over"
    }
}

/// Indexes of the entries behind a finding, as many as `most`, and how many there are besides.
pub(super) fn entries(finding: &SheetFinding, most: usize) -> String {
    let named = finding.entries.iter().take(most.min(ENTRIES_MAX));
    let named: Vec<String> = named.map(ToString::to_string).collect();
    let rest = finding.entries.len().saturating_sub(named.len());
    let rest = u64::try_from(rest).unwrap_or(u64::MAX);
    let rest = rest.saturating_add(finding.more_entries.unwrap_or(0).into());
    if rest == 0 {
        return named.join(", ");
    }
    format!("{} … +{rest}", named.join(", "))
}

/// One output whose reason is to be confirmed.
pub(super) fn output(output: &SheetOutput) -> String {
    let purpose = output.purpose.map_or("-", words::purpose);
    let doubt = if output.doubtful {
        " ⚠ 사유 부실 / hardly a reason"
    } else {
        ""
    };
    format!(
        "{} {} · 기록 {} · {} · {purpose}{doubt}",
        words::task(output.task),
        output.serial.as_deref().unwrap_or("-"),
        output.entry,
        output.at,
    )
}

/// How far a finding has come, what was judged and why.
pub(super) fn judged(finding: &SheetFinding) -> String {
    let said = finding.verdict.as_ref();
    let (state, outcome) = (state(finding.state), said.and_then(|said| said.outcome));
    let remark = remark(said);
    match outcome.map(words::verdict) {
        Some(outcome) if outcome != state => format!("{state} · {outcome}: {remark}"),
        _ => format!("{state} {remark}"),
    }
}

/// How far a finding has come.
const fn state(state: FindingState) -> &'static str {
    match state {
        FindingState::Open => "미해결 / open",
        FindingState::Explained => "소명됨 / explained",
        FindingState::Accepted => "인정 / accepted",
        FindingState::Rejected => "불인정 / rejected",
    }
}
