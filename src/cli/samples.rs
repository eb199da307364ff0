//! Synthetic cases for the demo: invented people, numbers that are given to nobody.

use serde_json::{Value, json};

/// Departments of the demo: code and name.
pub const DEPARTMENTS: [(&str, &str); 4] = [
    ("civil", "민원봉사과"),
    ("welfare", "복지과"),
    ("rights", "인권담당관"),
    ("inspection", "감사과"),
];

struct Sample {
    tier: &'static str,
    department: &'static str,
    channel: &'static str,
    class: &'static str,
    title: &'static str,
    narrative: &'static str,
    name: &'static str,
    telephone: &'static str,
    /// Somebody else in the case: part and name.
    other: Option<(&'static str, &'static str)>,
    assignee: Option<&'static str>,
}

const SAMPLES: [Sample; 12] = [
    Sample {
        tier: "ordinary",
        department: "civil",
        channel: "visit",
        class: "road",
        title: "골목 보안등 고장",
        narrative: "한빛동 12번지 앞 보안등이 두 주째 꺼져 있어 밤길이 위험합니다. 수리를 부탁드립니다.",
        name: "홍가람",
        telephone: "010-0000-0101",
        other: None,
        assignee: Some("officer"),
    },
    Sample {
        tier: "ordinary",
        department: "civil",
        channel: "telephone",
        class: "noise",
        title: "야간 공사 소음",
        narrative: "밤 11시가 넘어서도 공사장 소음이 계속됩니다.\n단속과 시간 제한을 요청합니다.",
        name: "나다온",
        telephone: "010-0000-0102",
        other: None,
        assignee: Some("officer"),
    },
    Sample {
        tier: "ordinary",
        department: "civil",
        channel: "letter",
        class: "parking",
        title: "전용주차구역 불법주차 신고",
        narrative: "편지로 접수: 장애인 전용주차구역에 같은 차가 매일 서 있습니다.",
        name: "도라온",
        telephone: "010-0000-0103",
        other: Some(("witness", "모아라")),
        assignee: None,
    },
    Sample {
        tier: "ordinary",
        department: "civil",
        channel: "online",
        class: "road",
        title: "Pothole at the school crossing",
        narrative: "The crossing in front of the school has a hole as wide as a bicycle wheel. \
                    A child fell there on Monday.",
        name: "Robin Sample",
        telephone: "010-0000-0104",
        other: None,
        assignee: Some("officer"),
    },
    Sample {
        tier: "ordinary",
        department: "civil",
        channel: "email",
        class: "waste",
        title: "음식물 쓰레기 수거 누락",
        narrative: "이번 주 수요일 수거가 되지 않았습니다. 같은 골목 세 집이 모두 그렇습니다.",
        name: "보나래",
        telephone: "010-0000-0105",
        other: None,
        assignee: None,
    },
    Sample {
        tier: "ordinary",
        department: "welfare",
        channel: "oral",
        class: "benefit",
        title: "돌봄 서비스 대기 기간 문의 (구술)",
        narrative: "구술 민원: 어머니의 돌봄 서비스가 석 달째 대기 중입니다. 순번을 알고 싶습니다.",
        name: "소미르",
        telephone: "010-0000-0106",
        other: Some(("agent", "소미르의 딸")),
        assignee: None,
    },
    Sample {
        tier: "ordinary",
        department: "welfare",
        channel: "fax",
        class: "facility",
        title: "Ramp missing at the day centre",
        narrative: "Wheelchair users cannot enter the day centre since the works began.",
        name: "Kim Sample",
        telephone: "010-0000-0107",
        other: None,
        assignee: None,
    },
    Sample {
        tier: "ordinary",
        department: "inspection",
        channel: "transfer",
        class: "conduct",
        title: "창구 직원의 불친절",
        narrative: "다른 기관에서 이송: 창구에서 설명 없이 서류를 돌려받았습니다.",
        name: "안누리",
        telephone: "010-0000-0108",
        other: None,
        assignee: None,
    },
    Sample {
        tier: "sensitive",
        department: "rights",
        channel: "visit",
        class: "human_rights",
        title: "시설 내 인권침해 신고",
        narrative: "시설에서 종사자가 입소자에게 반복하여 폭언을 하였습니다. 신고자 보호를 요청합니다.",
        name: "자온유",
        telephone: "010-0000-0109",
        other: Some(("subject", "차시설장")),
        assignee: Some("rights"),
    },
    Sample {
        tier: "sensitive",
        department: "rights",
        channel: "letter",
        class: "human_rights",
        title: "직장 내 괴롭힘 신고",
        narrative: "상급자가 여러 차례 사적인 심부름을 시키고, 거부하자 업무에서 배제하였습니다.",
        name: "카리나래",
        telephone: "010-0000-0110",
        other: Some(("subject", "타부장")),
        assignee: Some("rights"),
    },
    Sample {
        tier: "sensitive",
        department: "rights",
        channel: "email",
        class: "human_rights",
        title: "Harassment reported by a trainee",
        narrative: "A trainee reports unwanted messages from a supervisor, with dates. \
                    She asks that her team does not learn of this report.",
        name: "Alex Sample",
        telephone: "010-0000-0111",
        other: Some(("subject", "Pat Sample")),
        assignee: Some("rights2"),
    },
    Sample {
        tier: "sensitive",
        department: "rights",
        channel: "mail",
        class: "human_rights",
        title: "익명 제보: 개인정보 무단 열람",
        narrative: "동료가 업무와 관계없이 민원인의 주소를 찾아본다는 제보입니다.",
        name: "익명",
        telephone: "",
        other: None,
        assignee: None,
    },
];

/// The drafts of all sample cases, ready for `POST /cases`.
pub fn drafts() -> impl Iterator<Item = Value> {
    SAMPLES.iter().map(|sample| {
        let telephone = (!sample.telephone.is_empty()).then_some(sample.telephone);
        let petitioner = json!({"part": "petitioner", "name": sample.name, "telephone": telephone});
        let other = sample
            .other
            .map(|(part, name)| json!({"part": part, "name": name}));
        let people: Vec<Value> = std::iter::once(petitioner).chain(other).collect();
        let assignees: Vec<&str> = sample.assignee.into_iter().collect();
        json!({
            "tier": sample.tier,
            "department": sample.department,
            "channel": sample.channel,
            "class": sample.class,
            "title": sample.title,
            "narrative": sample.narrative,
            "people": people,
            "assignees": assignees,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_of_both_kinds_and_both_languages_and_of_nobody() {
        let drafts: Vec<Value> = drafts().collect();
        for tier in ["ordinary", "sensitive"] {
            let of_tier = drafts.iter().filter(|d| d["tier"] == tier);
            assert!(of_tier.count() >= 4, "{tier}");
        }
        let english = drafts
            .iter()
            .filter(|d| d["title"].as_str().unwrap().is_ascii());
        assert!((3..=6).contains(&english.count()));
        for person in drafts.iter().flat_map(|d| d["people"].as_array().unwrap()) {
            if let Some(number) = person["telephone"].as_str() {
                assert!(number.starts_with("010-0000-"), "{number}");
            }
        }
    }
}
