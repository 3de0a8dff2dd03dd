//! The DAG documents that a component told → checked DAGs with their versions.

use std::collections::HashMap;

use model::json::parse_document;
use model::limits::dag::{DAGS_PER_BUNDLE_MAX, DOCUMENT_MAX_BYTES};
use model::{Dag, Digest, Problem, Problems, canonical, version_digest};

/// A legal DAG and what names its version.
#[derive(Debug, Clone)]
pub struct CheckedDag {
    pub dag: Dag,
    /// The document in canonical form, which is how it is stored. Reading it again gives the same DAG.
    pub canonical: String,
    /// Digest of the version: of the component, the document and the label.
    pub digest: Digest,
    /// What the author should look at; paths point into the document.
    pub warnings: Vec<Problem>,
}

/// Checks all DAGs of a bundle. They are taken together or not at all: the problems are those of all documents, and their paths begin
/// with `/dags/N`.
pub fn dags(component: Digest, documents: Vec<String>) -> Result<Vec<CheckedDag>, Vec<Problem>> {
    let mut problems = Problems::default();
    let bytes: usize = documents.iter().map(String::len).sum();
    if documents.is_empty() {
        problems.error("no-dags", "/dags", "the component tells no DAGs; list at least one");
    }
    if documents.len() > DAGS_PER_BUNDLE_MAX {
        let message = format!(
            "the component tells {} DAGs; at most {DAGS_PER_BUNDLE_MAX} are allowed; split it",
            documents.len()
        );
        problems.error("too-many-dags", "/dags", message);
    }
    if bytes > DOCUMENT_MAX_BYTES {
        let message = format!(
            "the DAGs have {bytes} bytes together; at most {DOCUMENT_MAX_BYTES} are allowed; split the component"
        );
        problems.error("dags-too-large", "/dags", message);
    }
    if !problems.is_empty() {
        return Err(problems.into_list());
    }

    let mut checked = Vec::with_capacity(documents.len());
    let mut first_of = HashMap::new();
    for (i, document) in documents.iter().enumerate() {
        match check(component, document) {
            Ok(dag) => {
                let dag_id = dag.dag.document().dag_id.clone();
                if let Some(first) = first_of.insert(dag_id.clone(), i) {
                    let message = format!("DAG `{dag_id}` is already at /dags/{first}; give one of them another id");
                    problems.error("duplicate-dag", format!("/dags/{i}/dag_id"), message);
                }
                checked.push(dag);
            }
            Err(found) => {
                for problem in found {
                    problems.push(Problem { path: format!("/dags/{i}{}", problem.path), ..problem });
                }
            }
        }
    }
    if problems.is_empty() { Ok(checked) } else { Err(problems.into_list()) }
}

fn check(component: Digest, document: &str) -> Result<CheckedDag, Vec<Problem>> {
    let (dag, warnings) = Dag::check(parse_document(document)?)?;
    let refuse = |code, path: &str, message: String| vec![Problem::error(code, path, message)];
    let canonical =
        canonical(dag.document()).map_err(|error| refuse("no-canonical-form", &error.pointer, error.to_string()))?;
    if canonical.len() > DOCUMENT_MAX_BYTES {
        let message = format!(
            "the DAG has {} bytes in canonical form; at most {DOCUMENT_MAX_BYTES} are allowed",
            canonical.len()
        );
        return Err(refuse("dags-too-large", "", message));
    }
    let digest = version_digest(&[component], &canonical, dag.document().label.as_deref());
    let canonical = String::from_utf8(canonical).map_err(|error| refuse("no-canonical-form", "", error.to_string()))?;
    Ok(CheckedDag { dag, canonical, digest, warnings })
}

#[cfg(test)]
mod tests;
