//! Approvals: tasks that wait until somebody has filled in their form.
//!
//! Who approves answers the form, and the answer is the instance's value; who rejects has the instance skipped.

use std::sync::Arc;

use jiff::Timestamp;
use model::document::{ParamDocument, TaskKind};
use model::{DagId, Digest, Key, MapIndex, NodeIdx, RunId, SignalId, TaskId, TaskState};
use scheduler::{Act, Instances, Mark};
use serde_json::{Map, Value};
use store::{InstanceFilter, NewWait, Page, PageRequest, StoredValue};

use crate::result::return_value;
use crate::{Code, Control, DagRunView, Error, InstanceName, InstanceView, Session};

/// Why a rejected instance is skipped.
const REJECTED: &str = "rejected";

/// An instance that somebody has to answer, or has answered.
#[derive(Debug, Clone)]
pub struct ApprovalView {
    pub instance: InstanceView,
    /// Where it stands in the version that the instance executes.
    pub node: NodeIdx,
    pub answer: Option<ApprovalAnswer>,
}

/// What somebody answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovalAnswer {
    pub is_approved: bool,
    /// By the names of the form's fields; empty for a rejection.
    pub values: Map<String, Value>,
    pub at: Timestamp,
}

impl ApprovalView {
    /// The fields of its form.
    pub fn form(&self) -> impl Iterator<Item = (&Key, &ParamDocument)> {
        self.instance.version.dag().task(self.node).form.iter()
    }

    /// What it asks for, in a few words.
    pub fn subject(&self) -> &str {
        self.instance.row.task_id.as_str()
    }

    /// What it asks for, as Markdown.
    pub fn body(&self) -> Option<&str> {
        self.instance.version.dag().task(self.node).doc_md.as_deref()
    }
}

impl Control {
    /// One approval.
    pub async fn approval_fetch(&self, session: &Session, name: &InstanceName) -> Result<ApprovalView, Error> {
        let run = self.dag_run_find(session.scope(), &name.dag_id, &name.run_id).await?;
        let instance = self.instance_of(&run, name).await?;
        self.approval_view(instance).await?.ok_or_else(|| no_approval(&name.task_id))
    }

    /// The approvals of a run; without one, those of all runs that wait for an answer.
    pub async fn approval_list(
        &self,
        session: &Session,
        run: Option<(&DagId, &RunId)>,
        dag_id: Option<&DagId>,
        page: PageRequest,
    ) -> Result<Page<ApprovalView>, Error> {
        let scope = session.scope();
        let filter = match run {
            None => InstanceFilter {
                dag_id: dag_id.cloned(),
                states: vec![TaskState::AwaitingInput],
                ..InstanceFilter::default()
            },
            Some((dag_id, run_id)) => {
                let run = self.dag_run_find(scope, dag_id, run_id).await?;
                let task_ids = approvals_of(&run);
                if task_ids.is_empty() {
                    return Ok(Page { rows: Vec::new(), total: 0 });
                }
                InstanceFilter { run: Some(run.row.key), task_ids, ..InstanceFilter::default() }
            }
        };
        let found = self.instance_views(scope, &filter, page).await?;
        let mut views = Vec::with_capacity(found.rows.len());
        for instance in found.rows {
            views.extend(self.approval_view(instance).await?);
        }
        Ok(Page { rows: views, total: found.total })
    }

    /// Answers an approval. Fields of the form that are left out have their defaults.
    pub async fn approval_answer(
        &self,
        session: &Session,
        name: &InstanceName,
        is_approved: bool,
        values: &Map<String, Value>,
    ) -> Result<ApprovalAnswer, Error> {
        let run = self.dag_run_find(session.scope(), &name.dag_id, &name.run_id).await?;
        let instance = self.instance_of(&run, name).await?;
        let approval = self.approval_view(instance).await?.ok_or_else(|| no_approval(&name.task_id))?;
        let row = &approval.instance.row;
        let not_awaited = || {
            let message = format!("task {:?} waits for no answer; it is {}", name.task_id.as_str(), row.state);
            Error::new(Code::NotAwaited, message)
        };
        if row.state != TaskState::AwaitingInput {
            return Err(not_awaited());
        }
        let at = self.clock.now();
        if !is_approved {
            let index = Some(row.key.map_index).filter(|index| *index != MapIndex::NONE);
            let tasks = vec![name.task_id.clone()];
            let instances = Instances { tasks, map_indexes: index.into_iter().collect(), ..Instances::default() };
            let mark = Act::Mark(Mark { instances, to: TaskState::Skipped });
            self.act_on(session, &run, mark, Some(REJECTED), false).await?;
            return Ok(ApprovalAnswer { is_approved, values: Map::new(), at });
        }
        let form = approval.instance.version.forms.get(&approval.node).ok_or_else(|| no_approval(&name.task_id))?;
        let answered = form.resolve_all(values, "params_input").map_err(|problems| {
            let message = format!("the answer does not fit the form of {:?}", name.task_id.as_str());
            Error::new(Code::InvalidParams, message).problems(problems)
        })?;
        let waits = self.waits.waits_of_run(session.scope(), run.row.key).await?;
        let wait = waits.into_iter().find(|it| it.wait.instance == row.key).ok_or_else(not_awaited)?;
        let payload: Arc<str> = Value::Object(answered.clone()).to_string().into();
        let id = answer_id(&wait.wait);
        if !self.send(session, &run, id, &wait.wait.key, payload, Some(&name.task_id)).await? {
            return Err(not_awaited());
        }
        Ok(ApprovalAnswer { is_approved, values: answered, at })
    }

    /// None for an instance of another kind of task.
    async fn approval_view(&self, instance: InstanceView) -> Result<Option<ApprovalView>, Error> {
        let (row, dag) = (&instance.row, instance.version.dag());
        let Some(node) = dag.find(row.task_id.as_str()) else { return Ok(None) };
        if dag.task(node).kind != TaskKind::Approval {
            return Ok(None);
        }
        let answer = match (row.state, row.ended_at) {
            (TaskState::Success, Some(at)) => {
                let (key, name) = (row.key, return_value());
                let stored =
                    self.values.xcom_fetch(instance.version.version.scope, key.run, key.node, key.map_index, &name);
                let text = match stored.await?.map(|row| row.value) {
                    Some(StoredValue::Inline(text)) => text,
                    _ => "{}".into(),
                };
                let values = serde_json::from_str(&text).unwrap_or_default();
                Some(ApprovalAnswer { is_approved: true, values, at })
            }
            (TaskState::Skipped, Some(at)) if row.reason.as_deref().is_some_and(|why| why.contains(REJECTED)) => {
                Some(ApprovalAnswer { is_approved: false, values: Map::new(), at })
            }
            _ => None,
        };
        Ok(Some(ApprovalView { instance, node, answer }))
    }
}

/// One for each time that an instance asks, so that of several answers at the same time the first alone is taken.
fn answer_id(wait: &NewWait) -> SignalId {
    let NewWait { instance, since, key, .. } = wait;
    let asked = format!("{}/{}/{}/{since}/{key}", instance.run, instance.node.0, instance.map_index);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Digest::of(asked.as_bytes()).bytes()[..16]);
    SignalId::from_uuid(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

fn approvals_of(run: &DagRunView) -> Vec<TaskId> {
    let dag = run.version.dag();
    let is_approval = |node: &NodeIdx| dag.task(*node).kind == TaskKind::Approval;
    dag.indices().filter(is_approval).map(|node| dag.task(node).task_id.clone()).collect()
}

fn no_approval(task_id: &TaskId) -> Error {
    Error::new(Code::ApprovalNotFound, format!("task {:?} is no approval", task_id.as_str()))
}
