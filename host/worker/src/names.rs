//! Names of the instances of mapped tasks, from their items: known before they run.
//!
//! Whoever shows instances asks for them. They are made of what the instances would be called with, so they need no place of their own.
//! Nothing is known of items that pass through bodies, and of nested mappings.

use std::sync::Arc;

use blobs::BlobStore;
use model::document::Expand;
use model::limits::task::INSTANCE_NAME_MAX_CHARS;
use model::template::Template;
use model::{MapIndex, NodeIdx, Place};
use serde_json::{Value, json};
use store::{ClaimedRun, ValueStore, VariableStore};

use crate::arguments::{ArgumentReader, Arguments, Made, Wanting};
use crate::item_answers::ItemAnswers;
use crate::items::ItemCache;
use crate::secrets::Secrets;

/// Makes names.
pub struct InstanceNames(ArgumentReader);

impl InstanceNames {
    /// Of these values.
    pub fn new(values: Arc<dyn ValueStore>, variables: Arc<dyn VariableStore>, blobs: BlobStore) -> Self {
        Self(ArgumentReader { values, variables, blobs, items: ItemCache::new() })
    }

    /// Names of instances of one task, in the same order; nothing where there is none.
    pub async fn of(&self, run: &ClaimedRun, node: NodeIdx, indexes: &[MapIndex]) -> Vec<Option<String>> {
        let dag = &run.dag;
        let template = dag.task(node).map_index_template.as_deref().and_then(|text| Template::parse(text).ok());
        let Some(template) = template.filter(|_| dag.scope(dag.node(node).scope).depth == 1) else {
            return vec![None; indexes.len()];
        };
        let answers = Arc::new(ItemAnswers::default());
        let wanting = |index: &MapIndex| Wanting { place: Place::of_index(*index), answers: answers.clone() };
        let instances: Vec<_> = indexes.iter().map(wanting).collect();
        // Who cannot be named now is shown without a name.
        let Ok(made) = self.0.resolve(run, node, &instances).await else { return vec![None; indexes.len()] };
        let name = |(made, index): (Made, &MapIndex)| match made {
            Made::Arguments(arguments) => Some(name(&template, run, node, *index, &arguments)),
            Made::Calls(_) | Made::Refused(_) => None,
        };
        made.into_iter().zip(indexes).map(name).collect()
    }
}

fn name(template: &Template, run: &ClaimedRun, node: NodeIdx, index: MapIndex, arguments: &Arguments) -> String {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (args, index) = (parsed(&arguments.text), json!(index.number()));
    let key = arguments.map_key.as_deref().map_or(index.clone(), parsed);
    let value = value_of(run.dag.task(node).expand.as_ref(), &args, key != index);
    let roots = json!({
        "map": {"key": key, "index": index, "value": value},
        "args": args,
        "params": parsed(&run.params),
        "run": {"dag_id": run.dag_id, "run_id": run.run_id, "logical_date": run.logical_date.map(|at| at.to_string())},
    });
    let mut secrets = Secrets::default();
    arguments.secrets.iter().for_each(|secret| secrets.add(secret));
    secrets.masked(template.render(&roots, INSTANCE_NAME_MAX_CHARS))
}

/// The item: of several arguments an object, of an object the value.
fn value_of(expand: Option<&Expand>, args: &Value, is_pair: bool) -> Value {
    let Some(expand) = expand else { return Value::Null };
    let mut names = expand.sources().filter_map(|(name, _)| name);
    match (names.next(), names.next()) {
        (None, _) => args.clone(),
        (Some(only), None) => {
            let item = args.get(only.as_str()).cloned().unwrap_or_default();
            if is_pair { item.get(1).cloned().unwrap_or_default() } else { item }
        }
        (Some(first), Some(second)) => {
            let all = [first, second].into_iter().chain(names);
            Value::Object(all.map(|name| (name.to_string(), args[name.as_str()].clone())).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::doubles::{Values, Variables, run_of};

    async fn check(task: Value, expect: &[Option<&str>]) {
        let document = json!({"schema": model::document::SCHEMA, "dag_id": "fixture", "tasks": [task]});
        let document = serde_json::from_value(document).expect("a document");
        let (dag, _) = model::Dag::check(document).expect("a legal DAG");
        let run = run_of(dag, model::Digest::of(b""));
        let names =
            InstanceNames::new(Arc::new(Values::default()), Arc::new(Variables::default()), BlobStore::in_memory());
        let indexes: Vec<_> = (0..expect.len() as u32).map(MapIndex::at).collect();
        let told = names.of(&run, NodeIdx(0), &indexes).await;
        assert_eq!(told.iter().map(Option::as_deref).collect::<Vec<_>>(), expect);
    }

    fn task(template: &str, expand: Value) -> Value {
        json!({"task_id": "t", "args": {"unit": {"literal": "cm"}}, "map_index_template": template, "expand": expand})
    }

    #[tokio::test]
    async fn instances_are_named_from_their_items() {
        let product = |literal: Value| json!({"product": [{"arg": "x", "source": {"literal": literal}}]});
        let list = product(json!([7, {"name": "b"}]));
        check(
            task("{{ map.index }}: {{ map.value }} {{ args.unit }}", list.clone()),
            &[Some("0: 7 cm"), Some(r#"1: {"name":"b"} cm"#), None],
        )
        .await;
        check(task("{{ map.value.name }}", list), &[Some(""), Some("b")]).await;
        let two = json!({"product": [{"arg": "x", "source": {"literal": [1]}}, {"arg": "y", "source": {"literal": ["a", "b"]}}]});
        check(
            task("{{ map.value.y }}{{ args.x }} of {{ run.run_id }}", two),
            &[Some("a1 of manual__1"), Some("b1 of manual__1")],
        )
        .await;
        let conf = json!({"product": [{"arg": "x", "source": {"object": [["k", {"literal": 5}]]}}]});
        check(task("{{ map.key }}={{ map.value }}", conf), &[Some("k=5")]).await;
    }
}
