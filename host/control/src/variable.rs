//! Variables. Values whose names say that they are secrets are written and never shown.

use model::limits::setting::{TEXT_MAX_BYTES, VALUE_MAX_BYTES};
use model::{Key, Problems};
use serde_json::json;
use store::{Hidden, Page, PageRequest, VariableRow};

use crate::event_log::About;
use crate::masked::{shown, unmasked};
use crate::{Code, Control, Error, Session};

/// A variable as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableView {
    pub key: Key,
    pub value: String,
    pub description: Option<String>,
}

/// A variable to make.
#[derive(Debug, Clone)]
pub struct NewVariable {
    pub key: Key,
    pub value: Hidden,
    pub description: Option<String>,
}

/// What of a variable is to be other; what is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct VariableChange {
    pub value: Option<Hidden>,
    pub description: Option<Option<String>>,
}

impl Control {
    /// Variables by key.
    pub async fn variable_list(
        &self,
        session: &Session,
        pattern: Option<&str>,
        page: PageRequest,
    ) -> Result<Page<VariableView>, Error> {
        let Page { rows, total } = self.variables.variable_list(session.scope(), pattern, page).await?;
        Ok(Page { rows: rows.iter().map(view).collect(), total })
    }

    /// One variable.
    pub async fn variable_fetch(&self, session: &Session, key: &Key) -> Result<VariableView, Error> {
        Ok(view(&self.variable_row(session, key).await?))
    }

    /// Makes a variable.
    pub async fn variable_create(&self, session: &Session, new: NewVariable) -> Result<VariableView, Error> {
        let NewVariable { key, value, description } = new;
        self.variable_write(session, VariableRow { key, value, description, updated_at: self.clock.now() }, true).await
    }

    /// Changes a variable.
    pub async fn variable_change(
        &self,
        session: &Session,
        key: &Key,
        change: VariableChange,
    ) -> Result<VariableView, Error> {
        let mut row = self.variable_row(session, key).await?;
        if let Some(value) = change.value {
            row.value = Hidden::new(unmasked(value.reveal(), row.value.reveal()));
        }
        if let Some(description) = change.description {
            row.description = description;
        }
        row.updated_at = self.clock.now();
        self.variable_write(session, row, false).await
    }

    /// Deletes a variable.
    pub async fn variable_delete(&self, session: &Session, key: &Key) -> Result<(), Error> {
        if !self.variables.variable_delete(session.scope(), key).await? {
            return Err(not_found(key));
        }
        tracing::info!(tenant = %session.scope().tenant(), %key, by = session.name(), "variable deleted");
        self.record(session, "variable_delete", About::default(), json!({"variable": key.as_str()})).await;
        Ok(())
    }

    async fn variable_row(&self, session: &Session, key: &Key) -> Result<VariableRow, Error> {
        self.variables.variable_fetch(session.scope(), key).await?.ok_or_else(|| not_found(key))
    }

    async fn variable_write(&self, session: &Session, row: VariableRow, only_new: bool) -> Result<VariableView, Error> {
        let mut problems = Problems::default();
        check_length("/value", row.value.reveal(), VALUE_MAX_BYTES, &mut problems);
        check_length("/description", row.description.as_deref().unwrap_or_default(), TEXT_MAX_BYTES, &mut problems);
        refuse(problems, "the variable cannot be like this")?;
        let scope = session.scope();
        if !self.variables.variable_put(scope, &row, only_new).await? {
            let message = format!("there is a variable {:?} already", row.key.as_str());
            return Err(Error::new(Code::AlreadyExists, message).hint("change it with PATCH"));
        }
        tracing::info!(tenant = %scope.tenant(), key = %row.key, by = session.name(), "variable written");
        self.record(session, "variable_set", About::default(), json!({"variable": row.key.as_str()})).await;
        Ok(view(&row))
    }
}

fn view(row: &VariableRow) -> VariableView {
    VariableView {
        key: row.key.clone(),
        value: shown(row.key.as_str(), row.value.reveal()),
        description: row.description.clone(),
    }
}

fn not_found(key: &Key) -> Error {
    Error::new(Code::VariableNotFound, format!("there is no variable {:?}", key.as_str()))
        .hint("list them with GET /api/v2/variables")
}

/// A text that is too long is a problem.
pub(crate) fn check_length(path: &str, text: &str, max_bytes: usize, problems: &mut Problems) {
    if text.len() > max_bytes {
        problems.error("too-long", path, format!("it has {} bytes, and {max_bytes} are the most", text.len()));
    }
}

/// An error of the problems, if there are any.
pub(crate) fn refuse(problems: Problems, message: &str) -> Result<(), Error> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::new(Code::InvalidSetting, message).problems(problems.into_list()))
}
