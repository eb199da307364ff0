//! Departments and their sensitive desks.

use super::approvals::anybodys;
use super::error::ServiceError;
use super::fault;
use super::store::{Answer, Store};
use crate::audit::note::Note;
use crate::authn::session::Session;
use crate::authz::action::{Approve, ManageDepartments};
use crate::authz::facts::Target;
use crate::cases::draft::Invalid;
use crate::domain::id::DepartmentId;
use crate::domain::limit::LINE_BYTES_MAX;
use crate::engine::{Batch, Pending};
use crate::people::account::Login;
use crate::people::approval::{Asked, Person};
use crate::people::department::{Department, is_code};
use crate::people::view::DepartmentView;

impl Store {
    /// `POST /departments`.
    pub fn add_department(
        &self,
        session: &Session,
        code: String,
        name: String,
    ) -> Answer<DepartmentView> {
        self.office::<ManageDepartments, _>(session, Target::Office, |permit| {
            let _turn = self.people_turn();
            let planned = self.plan_department(code, name);
            self.or_fail(permit, planned, |permit, (department, batch)| {
                self.commit_people(permit, batch, "department", Vec::new())
                    .map_err(super::accounts::taken)?;
                let view = self.department_view(&department);
                self.directory.put_department(department);
                Ok(Pending::ready(Ok(view)))
            })
        })
    }

    fn plan_department(
        &self,
        code: String,
        name: String,
    ) -> Result<(Department, Batch), ServiceError> {
        if !is_code(&code) {
            return Err(Invalid::new("code", "has 1 to 32 of a-z, 0-9 and -").into());
        }
        if name.trim().is_empty() || name.len() > LINE_BYTES_MAX {
            return Err(Invalid::new("name", "must not be empty or too long").into());
        }
        let department = Department {
            id: DepartmentId::random(self.random.as_ref()).map_err(fault::random)?,
            code,
            name,
            desk: Vec::new(),
        };
        let mut batch = Batch::default();
        let place = self.people.code_place(&department.code);
        self.people.claim(&mut batch, place).map_err(fault::table)?;
        self.people
            .put_new(&mut batch, &department)
            .map_err(fault::table)?;
        Ok((department, batch))
    }

    fn department_view(&self, department: &Department) -> DepartmentView {
        DepartmentView {
            code: department.code.clone(),
            name: department.name.clone(),
            desk: department
                .desk
                .iter()
                .map(|id| self.directory.login(*id))
                .collect(),
        }
    }

    /// `GET /departments`: codes and names, for everybody who is logged in. Who sits on a sensitive
    /// desk is a right: shown, and logged as such, to those who propose and approve desks.
    pub fn departments(&self, session: &Session) -> Answer<Vec<DepartmentView>> {
        let views: Vec<_> = self
            .directory
            .departments()
            .iter()
            .map(|department| self.department_view(department))
            .collect();
        // Who may do neither is not refused anything: a shorter answer is no denial to log.
        let proposes = self
            .authority
            .decide::<ManageDepartments>(session, Target::Office, None);
        if let Ok(permit) = proposes {
            return self.record_office(permit, "departments", views);
        }
        if let Ok(permit) = self.authority.decide::<Approve>(session, anybodys(), None) {
            return self.record_office(permit, "departments", views);
        }
        let without_desk = |view| DepartmentView {
            desk: Vec::new(),
            ..view
        };
        Ok(Pending::ready(Ok(views
            .into_iter()
            .map(without_desk)
            .collect())))
    }

    /// `PUT /departments/{code}/desk`: asks for a second person; gives the approval's id.
    pub fn propose_desk(
        &self,
        session: &Session,
        code: String,
        members: Vec<String>,
    ) -> Answer<String> {
        self.office::<ManageDepartments, _>(session, Target::Office, |permit| {
            let _turn = self.people_turn();
            let mut batch = Batch::default();
            let asked = self
                .seats(&code, &members)
                .and_then(|asked| self.ask(&mut batch, asked, session.account()));
            self.or_fail(permit, asked, |permit, requested| {
                let id = requested.approval.to_string();
                self.commit_people(permit, batch, "desk", vec![Note::Asked(requested)])?;
                Ok(Pending::ready(Ok(id)))
            })
        })
    }

    fn seats(&self, code: &str, members: &[String]) -> Result<Asked, ServiceError> {
        let department = self.directory.by_code(code).ok_or(ServiceError::NotFound)?;
        let mut seats: Vec<Person> = Vec::new();
        for member in members {
            let account = Login::parse(member)
                .ok()
                .and_then(|login| self.directory.by_login(&login));
            let account = account
                .ok_or_else(|| Invalid::new("members", "name an account that does not exist"))?;
            let seat = Person::of(&account);
            if !seats.contains(&seat) {
                seats.push(seat);
            }
        }
        Ok(Asked::SeatDesk {
            department: department.id,
            members: seats,
        })
    }
}
