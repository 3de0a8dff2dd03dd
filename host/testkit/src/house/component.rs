//! Components that pass the scan of a bundle and hold nothing to run.

use bytes::Bytes;
use wasm_encoder::{Component, ComponentExportKind, ComponentExportSection, CustomSection};

const EXPORTS: [&str; 2] = ["waft:task/definition@0.1.0", "waft:task/task-bodies@0.1.0"];

/// Other documents are other bytes.
pub(super) fn of_documents(documents: &[String]) -> Bytes {
    let mut component = Component::new();
    component.section(&CustomSection { name: "documents".into(), data: documents.concat().into_bytes().into() });
    let mut exports = ComponentExportSection::new();
    for name in EXPORTS {
        exports.export(name, ComponentExportKind::Instance, 0, None);
    }
    component.section(&exports);
    component.finish().into()
}
