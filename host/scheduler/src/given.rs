//! What a run is given from outside: its conf, its parameters, and the variables that its tasks are mapped over, as they are when it is
//! made.

use std::sync::Arc;

use model::document::{Expand, Source};
use model::{Dag, Key, TenantScope};
use plan::{LengthError, Lengths, lengths_at_start};
use serde_json::{Map, Value};
use store::{StoreError, VariableStore};

/// Texts of JSON objects.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) conf: Arc<str>,
    pub(crate) params: Arc<str>,
    pub(crate) variables: Arc<str>,
}

impl Given {
    /// With the values that the variables of a DAG have now.
    pub(crate) async fn now(
        scope: TenantScope,
        dag: &Dag,
        conf: Arc<str>,
        params: Arc<str>,
        variables: &dyn VariableStore,
    ) -> Result<Self, StoreError> {
        let mut values = Map::new();
        for key in mapped_over(dag) {
            let Some(row) = variables.variable_fetch(scope, &key).await? else { continue };
            let text = row.value.reveal();
            // What is no JSON text is a string, as bodies see it.
            let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
            values.insert(key.to_string(), value);
        }
        Ok(Self { conf, params, variables: Value::Object(values).to_string().into() })
    }

    /// The lengths that follow from it.
    pub(crate) fn lengths(&self, dag: &Dag) -> Result<Lengths, LengthError> {
        let json = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        let (conf, params, variables) = (json(&self.conf), json(&self.params), json(&self.variables));
        lengths_at_start(dag, plan::Given { conf: &conf, params: &params, variables: &variables })
    }
}

/// The variables that something is mapped over.
fn mapped_over(dag: &Dag) -> Vec<Key> {
    let expands = dag.scopes().filter_map(|(scope, _)| dag.expand_of(scope));
    let mut names = Vec::new();
    expands.flat_map(Expand::sources).for_each(|(_, source)| variables_of(source, &mut names));
    let group_args = dag.document().groups.iter().flat_map(|group| group.args.values());
    group_args.for_each(|source| variables_of(source, &mut names));
    names.sort_unstable();
    names.dedup();
    names
}

fn variables_of(source: &Source, names: &mut Vec<Key>) {
    match source {
        Source::Variable(name) => names.push(name.clone()),
        source => source.item_sources().iter().for_each(|source| variables_of(source, names)),
    }
}
