//! Variables.

use control::VariableView;

use crate::wire::variable::VariableResponse;

pub(crate) fn variable(view: VariableView) -> VariableResponse {
    let VariableView { key, value, description } = view;
    VariableResponse { key: key.into(), value, description, is_encrypted: false, team_name: None }
}
