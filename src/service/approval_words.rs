//! What a request for a second person says, in words: enough to decide on it without opening a
//! case.

use data_encoding::HEXLOWER;

use super::store::{Store, fingerprint};
use crate::domain::id::AccountId;
use crate::people::approval::{Approval, Asked, KeyState, Lock, Person, Standing, TakeOut};
use crate::people::view::ApprovalView;

/// English and Korean.
type Words = (String, String);

impl Store {
    /// One request as its approver sees it.
    pub(super) fn approval_view(&self, approval: &Approval) -> ApprovalView {
        let name = |id: AccountId| self.directory.login(id);
        let (asked, asked_ko) = match approval.asked() {
            Some(asked) => self.words(asked),
            None => (
                "it is over: what was asked is not kept; the access log says why".to_owned(),
                "종료됨: 요청 내용은 보관하지 않습니다. 사유는 접속기록에 있습니다".to_owned(),
            ),
        };
        ApprovalView {
            id: approval.id.to_string(),
            kind: approval.kind().to_owned(),
            hash: HEXLOWER.encode(&approval.hash),
            requester: name(approval.requester),
            concerned: approval.concerned().into_iter().map(name).collect(),
            asked,
            asked_ko,
            created_at: approval.created.rfc3339(),
            expires_at: approval.expires().rfc3339(),
            state: self.state_of(approval),
            decided_by: approval.decided.map(|decided| name(decided.by)),
            decided_at: approval.decided.map(|decided| decided.at.rfc3339()),
        }
    }

    fn words(&self, asked: &Asked) -> Words {
        match asked {
            Asked::GrantRole { to, role } => {
                let (who, who_ko) = self.person(to);
                // Whose cases the role opens.
                let of = self
                    .directory
                    .account(to.account)
                    .and_then(|a| a.department);
                let (of, of_ko) = match of.map(|id| self.directory.code(id)) {
                    Some(code) => (format!(" in {code}"), format!("{code} ")),
                    None => (String::new(), String::new()),
                };
                (
                    format!("role {role}{of} for {who}"),
                    format!("{of_ko}역할 {role} 부여: {who_ko}"),
                )
            }
            Asked::TakeRole { of, role } => {
                let (who, who_ko) = self.person(of);
                (
                    format!("take the role {role} from {who}"),
                    format!("역할 {role} 회수: {who_ko}"),
                )
            }
            Asked::SeatDesk {
                department,
                members,
            } => {
                let department = self.directory.code(*department);
                let (who, who_ko) = self.persons(members);
                (
                    format!("sensitive desk of {department}: {who}"),
                    format!("{department}의 보안 창구: {who_ko}"),
                )
            }
            Asked::ResetAccount { of } => {
                let (who, who_ko) = self.person(of);
                (
                    format!(
                        "new one-time code for {who}: this key dies, with every case that nobody else holds"
                    ),
                    format!(
                        "일회용 코드 재발급: {who_ko}. 이 열쇠는 없어지고 다른 담당자가 없는 민원은 열 수 없게 됩니다"
                    ),
                )
            }
            Asked::DisableAccount { of } => {
                let (who, who_ko) = self.person(of);
                (
                    format!("shut {who} out for good: this key dies"),
                    format!("계정 사용 중지: {who_ko}. 이 열쇠는 없어집니다"),
                )
            }
            Asked::OpenRetained {
                item,
                purpose,
                reason,
            } => (
                format!(
                    "open item {item}, kept apart, for the purpose {purpose}; reason: {reason}"
                ),
                format!("분리 보관 자료 {item} 열람 (목적 {purpose}). 사유: {reason}"),
            ),
            Asked::HandOver {
                count,
                named,
                archive,
                reason,
                items_hash,
            } => {
                let hash = HEXLOWER.encode(items_hash);
                let named: Vec<String> = named.iter().map(ToString::to_string).collect();
                let named = in_brackets(&named);
                (
                    format!(
                        "hand {count} items kept apart{named} to the archive with the key {archive}; \
                         reason: {reason}; list {hash}"
                    ),
                    format!(
                        "분리 보관 자료 {count}건{named} 이관 (기록관 열쇠 {archive}). 사유: {reason}. \
                         목록 {hash}"
                    ),
                )
            }
            Asked::LiftHold {
                case,
                ground,
                reason,
                standing,
            } => {
                let (set, set_ko) = self.standing(standing);
                (
                    format!("end the hold on case {case}: {ground}{set}; reason: {reason}"),
                    format!("민원 {case}의 보존 조치 해제: {ground}{set_ko}. 사유: {reason}"),
                )
            }
            Asked::LiftItemHold {
                item,
                ground,
                reason,
                standing,
            } => {
                let (set, set_ko) = self.standing(standing);
                (
                    format!(
                        "end the hold on item {item}, kept apart: {ground}{set}; reason: {reason}"
                    ),
                    format!("분리 보관 자료 {item}의 보류 해제: {ground}{set_ko}. 사유: {reason}"),
                )
            }
            Asked::RenewTerm {
                item,
                until,
                decision,
                reason,
            } => {
                let until = until.rfc3339();
                let by = decision.as_deref().unwrap_or("-");
                (
                    format!(
                        "keep item {item} apart until {until}; decision {by}; reason: {reason}"
                    ),
                    format!(
                        "분리 보관 자료 {item}의 보존기한 재책정: {until}까지. 심의 {by}. 사유: {reason}"
                    ),
                )
            }
            Asked::TakeOut(taken) => self.taken_out(taken),
            Asked::RaiseBudget {
                people,
                cases,
                reason,
            } => (
                format!(
                    "open {people} people and {cases} cases more than the budget allows, for 24 \
                     hours and for every purpose; reason: {reason}"
                ),
                format!("열람 한도 상향: 정보주체 {people}명, 민원 {cases}건 추가. 사유: {reason}"),
            ),
            Asked::Destroy {
                item,
                units,
                basis: (law, article),
                decision,
                reason,
                order_hash,
            } => {
                let hash = HEXLOWER.encode(order_hash);
                let by = decision.as_deref().unwrap_or("-");
                (
                    format!(
                        "destroy item {item}, kept apart, of {units} units: {law} {article} keeps it no \
                         longer; decision {by}; reason: {reason}; order {hash}"
                    ),
                    format!(
                        "분리 보관 자료 {item} 파기 ({units}개 단위, {law} {article} 보존기한 만료, 심의 \
                         {by}). 사유: {reason}. 파기 지시 {hash}"
                    ),
                )
            }
        }
    }

    /// Who set the holds that end, and when.
    fn standing(&self, holds: &[Standing]) -> Words {
        let one = |hold: &Standing| {
            let (by, at) = (self.directory.login(hold.by), hold.at.rfc3339());
            (format!("{by} at {at}"), format!("{by}, {at}"))
        };
        let (all, all_ko): (Vec<_>, Vec<_>) = holds.iter().map(one).unzip();
        (
            format!(" (set by {})", all.join(", ")),
            format!(" (설정 {})", all_ko.join("; ")),
        )
    }

    fn taken_out(&self, taken: &TakeOut) -> Words {
        let TakeOut {
            form,
            purpose,
            reason,
            template,
            copies,
            cases,
            sensitive,
            people,
            receiver,
            ..
        } = taken;
        let hash = HEXLOWER.encode(&taken.manifest_hash);
        let (masked, masked_ko) = if taken.unmasked {
            ("unmasked", "비식별 해제")
        } else {
            ("masked", "비식별")
        };
        let named = in_brackets(&taken.named);
        let until = taken.destroy_by.map(|at| at.rfc3339());
        let (until, until_ko) = match until {
            Some(until) => (format!("by {until}"), until),
            None => (
                "30 days after it is made".to_owned(),
                "출력 후 30일".to_owned(),
            ),
        };
        let by = self.directory.login(taken.responsible);
        let (lock, lock_ko) = lock(taken);
        (
            format!(
                "take out {cases} cases{named}, {sensitive} of them sensitive, with {people} people \
                 as {form} ({template}, {copies} times), {masked}, {lock}, for the purpose {purpose}, \
                 to {receiver}; {by} has it destroyed {until}; reason: {reason}; list {hash}"
            ),
            format!(
                "민원 {cases}건{named} (보안 민원 {sensitive}건), 정보주체 {people}명 반출 ({form}, \
                 {template}, {copies}부, {masked_ko}, {lock_ko}, 목적 {purpose}, 전달받을 자 {receiver}, \
                 파기책임자 {by}, 파기 예정일 {until_ko}). 사유: {reason}. 목록 {hash}"
            ),
        )
    }

    fn persons(&self, people: &[Person]) -> Words {
        let (english, korean): (Vec<_>, Vec<_>) =
            people.iter().map(|person| self.person(person)).unzip();
        (english.join(", "), korean.join(", "))
    }

    /// A name and the key that the approver compares with what the person reads out.
    fn person(&self, person: &Person) -> Words {
        let name = self.directory.login(person.account);
        let account = self.directory.account(person.account);
        let key = account
            .as_ref()
            .filter(|account| person.key.against(account) == KeyState::Same)
            .and_then(|account| account.receives());
        match (key, account) {
            (Some(key), _) => {
                let key = fingerprint(&key);
                (
                    format!("{name} (key {key})"),
                    format!("{name} (열쇠 {key})"),
                )
            }
            (None, Some(account)) if person.key.against(&account) == KeyState::Awaited => (
                format!("{name} (no key yet)"),
                format!("{name} (열쇠 없음)"),
            ),
            _ => (
                format!("{name} (the key has changed)"),
                format!("{name} (열쇠가 바뀜)"),
            ),
        }
    }
}

/// What is few enough to be told by name; nothing otherwise.
fn in_brackets(named: &[String]) -> String {
    match named {
        [] => String::new(),
        named => format!(" ({})", named.join(", ")),
    }
}

/// Who can open it once it is out.
fn lock(taken: &TakeOut) -> Words {
    match &taken.lock {
        Lock::Paper => ("on paper".to_owned(), "종이".to_owned()),
        Lock::Passphrase => (
            "under a passphrase that the requester gets".to_owned(),
            "요청자가 받는 암호로 잠금".to_owned(),
        ),
        Lock::Key(key) => (format!("for the key {key}"), format!("{key} 열쇠로 잠금")),
    }
}
