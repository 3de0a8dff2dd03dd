//! Approvals.

use control::{ApprovalAnswer, ApprovalView};

use super::{dag_param, task_instance};
use crate::wire::approval::{HitlAnswerResponse, HitlDetailResponse, HitlUser};

/// What an answer may be.
pub(crate) const APPROVE: &str = "Approve";
pub(crate) const REJECT: &str = "Reject";

pub(crate) fn approval(view: &ApprovalView) -> HitlDetailResponse {
    let ApprovalView { instance, answer, .. } = view;
    HitlDetailResponse {
        task_instance: task_instance(instance),
        options: vec![APPROVE, REJECT],
        subject: view.subject().to_owned(),
        body: view.body().map(str::to_owned),
        defaults: None,
        multiple: false,
        params: view.form().map(|(name, param)| (name.to_string(), dag_param(param))).collect(),
        assigned_users: Vec::new(),
        created_at: instance.row.scheduled_at.unwrap_or(instance.row.run_after),
        responded_by_user: None,
        responded_at: answer.as_ref().map(|answer| answer.at),
        chosen_options: answer.as_ref().map(|answer| vec![chosen(answer)]),
        params_input: answer.as_ref().map(|answer| answer.values.clone()).unwrap_or_default(),
        response_received: answer.is_some(),
    }
}

pub(crate) fn approval_answer(answer: ApprovalAnswer, by: &str) -> HitlAnswerResponse {
    HitlAnswerResponse {
        responded_by: HitlUser { id: by.to_owned(), name: by.to_owned() },
        responded_at: answer.at,
        chosen_options: vec![chosen(&answer)],
        params_input: answer.values,
    }
}

fn chosen(answer: &ApprovalAnswer) -> &'static str {
    if answer.is_approved { APPROVE } else { REJECT }
}
