//! An office with a service: departments, people, sessions, cases.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bongham::authn::pace::PaceLimit;
use bongham::authn::password::PasswordCost;
use bongham::authn::session::{Origin, Session, SessionLimits, Token};
use bongham::cases::draft::{CaseDraft, Channel, Classification, Part, PersonDraft};
use bongham::destruction::term::Terms;
use bongham::domain::id::CaseId;
use bongham::domain::random::SystemSource;
use bongham::domain::role::{Role, Roles};
use bongham::domain::secret::SecretText;
use bongham::domain::time::Clock;
use bongham::keyring::{UnsealCost, UnsealSecret};
use bongham::service::{Founder, Invitation, Service, Settings, Verdict};

use tokio::runtime::Runtime;

use crate::Failure;

/// A service over a store of its own.
pub(crate) struct Office {
    pub(crate) service: Arc<Service>,
    /// Handles the ordinary cases.
    pub(crate) officer: Token,
    /// Handles the sensitive ones.
    pub(crate) rights: Token,
    intake: Token,
}

pub(crate) const YES: Verdict = Verdict {
    approve: true,
    hash: None,
};

pub(crate) fn origin() -> Origin {
    Origin {
        address: Some(IpAddr::from([192, 0, 2, 7])),
        device: "Mozilla/5.0 (X11; Linux x86_64) bench".to_owned(),
    }
}

/// A draft as offices get them: one page of text, one petitioner.
pub(crate) fn draft(tier: Classification) -> CaseDraft {
    let sensitive = tier == Classification::Sensitive;
    let (department, assignee) = if sensitive {
        ("rights", "rights")
    } else {
        ("civil", "officer")
    };
    CaseDraft {
        tier,
        department: department.to_owned(),
        channel: Channel::Online,
        class: "도로".to_owned(),
        title: "보도블록 파손 신고".to_owned(),
        narrative: "역 앞 보도블록이 깨져 있어 넘어질 뻔했습니다. ".repeat(28),
        people: vec![PersonDraft {
            part: Part::Petitioner,
            name: "홍길동".to_owned(),
            telephone: Some("010-0000-1234".to_owned()),
            email: Some("gildong@example.org".to_owned()),
            address: None,
            note: None,
        }],
        assignees: vec![assignee.to_owned()],
        external_number: None,
        received_at: None,
        attributes: std::collections::BTreeMap::new(),
    }
}

fn settings(dir: &Path) -> Settings {
    Settings {
        data: dir.join("data"),
        keyring: dir.join("keyring"),
        policies: None,
        password_cost: PasswordCost {
            memory_kib: 64,
            passes: 1,
        },
        unseal_cost: UnsealCost::minimal_for_tests(),
        sessions: SessionLimits {
            idle: Duration::from_secs(3600),
            absolute: Duration::from_secs(8 * 3600),
            per_account: 3,
        },
        threads: 2,
        queue: 1024,
        index_cache_bytes: 128 << 20,
        segment_bytes: 64 << 20,
        terms: Terms {
            cancel_window: Duration::ZERO,
            ..Terms::default()
        },
        outputs: bongham::config::outputs::Outputs::default(),
        print: bongham::config::print::Print::default(),
        budgets: bongham::config::budgets::Budgets::unbounded(),
        inspection: Default::default(),
        disk: bongham::config::disk::Disk::UNWATCHED,
        forward: None,
        progress: None,
    }
}

fn password(login: &str) -> SecretText {
    let backwards: String = login.chars().rev().collect();
    SecretText::new(format!("{backwards}-quiet-harbour-71"))
}

pub(crate) async fn enrol(service: &Service, login: &str, code: &str) -> Result<(), Failure> {
    let (name, code) = (login.to_owned(), SecretText::new(code.to_owned()));
    let password = password(login);
    service
        .call_apart(move |store| store.enrol(name, code, password, origin()))
        .await?;
    Ok(())
}

pub(crate) async fn log_in(service: &Service, login: &str) -> Result<Token, Failure> {
    let (name, password) = (login.to_owned(), password(login));
    let logged_in = service
        .call_apart(move |store| store.log_in(name, password, None, origin()))
        .await?;
    Ok(logged_in.token)
}

impl Office {
    /// Makes the store in `dir` and staffs it over the verbs that the doors use. Opening a store
    /// blocks, so this is not called from within the runtime.
    pub(crate) fn open(
        dir: &Path,
        runtime: &Runtime,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let settings = settings(dir);
        let secret = || UnsealSecret {
            passphrase: SecretText::new("correct horse battery staple".to_owned()),
            key_file: None,
        };
        let random = Arc::new(SystemSource::default());
        let founder = |account: &str, role| {
            Ok::<_, Failure>(Founder {
                account: account.to_owned(),
                roles: Roles::new([role])?,
            })
        };
        let founders = [
            founder("admin", Role::Admin)?,
            founder("privacy", Role::PrivacyOfficer)?,
        ];
        let (invited, _) = Service::init(
            &settings,
            &secret(),
            &founders,
            random.clone(),
            clock.clone(),
        )?;
        let service = Arc::new(Service::new(settings, random, clock)?);
        service.limit_pace(PaceLimit {
            per_second: 1_000_000_000,
            burst: 1_000_000_000,
        });
        service.unseal_now(&secret(), origin())?;
        runtime.block_on(Self::staff(service, invited))
    }

    async fn staff(service: Arc<Service>, invited: Vec<Invitation>) -> Result<Self, Failure> {
        for invitation in invited {
            enrol(&service, &invitation.account, &invitation.enrolment_code).await?;
        }
        let admin = log_in(&service, "admin").await?;
        let privacy = log_in(&service, "privacy").await?;
        for (code, name) in [("civil", "민원봉사과"), ("rights", "인권담당관")] {
            let session = service.session(&admin, origin())?;
            service
                .call(move |store| store.add_department(&session, code.into(), name.into()))
                .await?;
        }
        let mut tokens = Vec::new();
        for (login, role, department) in [
            ("intake", Role::Intake, "civil"),
            ("officer", Role::Officer, "civil"),
            ("rights", Role::HumanRightsOfficer, "rights"),
        ] {
            let session = service.session(&admin, origin())?;
            let roles = vec![role];
            let invitation: Invitation = service
                .call(move |store| {
                    store.add_account(&session, login.into(), roles, Some(department.into()))
                })
                .await?;
            enrol(&service, login, &invitation.enrolment_code).await?;
            for approval in invitation.approvals {
                let session = service.session(&privacy, origin())?;
                let approval = approval.parse().map_err(|_| "not an approval's id")?;
                service
                    .call(move |store| store.decide_approval(&session, approval, YES))
                    .await?;
            }
            tokens.push(log_in(&service, login).await?);
        }
        let mut tokens = tokens.into_iter();
        let mut next = || tokens.next().ok_or("a token is missing");
        Ok(Self {
            intake: next()?,
            officer: next()?,
            rights: next()?,
            service,
        })
    }

    /// Whose cases are of this tier.
    pub(crate) fn holder(&self, tier: Classification) -> &Token {
        match tier {
            Classification::Sensitive => &self.rights,
            Classification::Ordinary => &self.officer,
        }
    }

    fn at_intake(&self) -> Result<Session, Failure> {
        Ok(self.service.session(&self.intake, origin())?)
    }

    /// Registers one case.
    pub(crate) async fn register(&self, tier: Classification) -> Result<CaseId, Failure> {
        let session = self.at_intake()?;
        let registered = self
            .service
            .call(move |store| store.register(&session, draft(tier)))
            .await?;
        Ok(registered.id.parse().map_err(|_| "not a case's id")?)
    }

    /// Registers `count` cases, some at a time.
    pub(crate) async fn fill(
        self: &Arc<Self>,
        tier: Classification,
        count: usize,
    ) -> Result<Vec<CaseId>, Failure> {
        let tasks: Vec<_> = (0..64)
            .map(|part| {
                let office = Arc::clone(self);
                tokio::spawn(async move {
                    let mut cases = Vec::new();
                    for _ in (part..count).step_by(64) {
                        cases.push(office.register(tier).await?);
                    }
                    Ok::<_, Failure>(cases)
                })
            })
            .collect();
        let mut cases = Vec::with_capacity(count);
        for task in tasks {
            cases.extend(task.await??);
        }
        Ok(cases)
    }
}
