//! Looks through the bytes of a component before anything compiles them: sections and their counts, names of imports and exports.
//!
//! Nothing here is validated beyond its frame. The walk keeps its own stack, so nesting costs no stack of the process.

use model::limits::component::{BYTES_MAX, DEPTH_MAX};
use model::{Digest, Problem, Problems};
use wasmparser::{BinaryReaderError, Chunk, ComponentExternalKind, Parser, Payload};

use crate::ceilings::Counts;
use crate::{format, world};

/// A component whose frame is sound and whose world is one that Waft offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// Of the bytes as they were sent.
    pub digest: Digest,
    pub size_bytes: u64,
    /// Names of what it imports, as they stand in it: `waft:task/log@0.1.0`.
    pub imports: Vec<String>,
    /// Names of what it exports.
    pub exports: Vec<String>,
}

/// Scans the component of a bundle, or tells all its problems.
pub fn scan(bytes: &[u8]) -> Result<Scanned, Vec<Problem>> {
    let mut problems = Problems::default();
    if bytes.len() > BYTES_MAX {
        let message =
            format!("the component has {} bytes; at most {BYTES_MAX} are allowed; strip debug sections", bytes.len());
        problems.error("component-too-large", "", message);
        return Err(problems.into_list());
    }
    format::check(bytes).map_err(|problem| vec![problem])?;

    let mut walk = Walk::default();
    let walked = walk.component(bytes);
    walk.counts.check(&mut problems);
    if let Err(error) = &walked {
        let (at, what) = (error.offset(), error.message());
        let message = format!("the component is damaged at byte {at}: {what}; build or upload it again");
        problems.error("damaged-component", "", message);
    }
    if !walk.is_complete {
        return Err(problems.into_list());
    }
    world::check_imports(&walk.imports, &mut problems);
    world::check_exports(&walk.exports, &mut problems);
    problems.into_result()?;
    let names = |externs: Vec<Extern>| externs.into_iter().map(|item| item.name).collect();
    Ok(Scanned {
        digest: Digest::of(bytes),
        size_bytes: bytes.len() as u64,
        imports: names(walk.imports),
        exports: names(walk.exports),
    })
}

/// An import or export of the component itself.
#[derive(Debug, Clone)]
pub(crate) struct Extern {
    pub(crate) name: String,
    pub(crate) is_interface: bool,
}

#[derive(Default)]
struct Walk {
    counts: Counts,
    /// False where damage or nesting ended the walk early.
    is_complete: bool,
    imports: Vec<Extern>,
    exports: Vec<Extern>,
}

impl Walk {
    fn component(&mut self, bytes: &[u8]) -> Result<(), BinaryReaderError> {
        let mut rest = bytes;
        let mut parser = Parser::new(0);
        let mut outer = Vec::new();
        loop {
            let Chunk::Parsed { consumed, payload } = parser.parse(rest, true)? else {
                unreachable!("the parser knows that there is no more data");
            };
            rest = &rest[consumed..];
            match payload {
                Payload::ModuleSection { parser: inner, .. } => {
                    self.counts.modules += 1;
                    outer.push(std::mem::replace(&mut parser, inner));
                }
                Payload::ComponentSection { parser: inner, .. } => {
                    self.counts.components += 1;
                    outer.push(std::mem::replace(&mut parser, inner));
                }
                Payload::End(_) => match outer.pop() {
                    Some(parent) => parser = parent,
                    None => {
                        self.is_complete = true;
                        return Ok(());
                    }
                },
                Payload::CodeSectionStart { size, .. } if !self.counts.may_have_so_many_functions() => {
                    parser.skip_section();
                    rest = rest.get(size as usize..).unwrap_or_default();
                }
                payload => self.section(payload, outer.is_empty())?,
            }
            self.counts.depth = self.counts.depth.max(outer.len() as u64);
            if outer.len() > DEPTH_MAX as usize {
                return Ok(());
            }
        }
    }

    fn section(&mut self, payload: Payload<'_>, outermost: bool) -> Result<(), BinaryReaderError> {
        let counts = &mut self.counts;
        match payload {
            Payload::TypeSection(types) => counts.types += u64::from(types.count()),
            Payload::CoreTypeSection(types) => counts.types += u64::from(types.count()),
            Payload::ComponentTypeSection(types) => counts.types += u64::from(types.count()),
            Payload::ImportSection(imports) => counts.core_imports += u64::from(imports.count()),
            Payload::ExportSection(exports) => counts.core_exports += u64::from(exports.count()),
            Payload::FunctionSection(functions) => counts.functions += u64::from(functions.count()),
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                counts.largest_body_bytes = counts.largest_body_bytes.max(range.end - range.start);
            }
            Payload::DataSection(segments) => counts.data_segments += u64::from(segments.count()),
            Payload::ComponentImportSection(imports) if outermost => {
                counts.imports += u64::from(imports.count());
                for import in imports {
                    let import = import?;
                    let is_interface = import.ty.kind() == ComponentExternalKind::Instance;
                    self.imports.push(Extern { name: import.name.full_name().into_owned(), is_interface });
                }
            }
            Payload::ComponentExportSection(exports) if outermost => {
                counts.exports += u64::from(exports.count());
                for export in exports {
                    let export = export?;
                    let is_interface = export.kind == ComponentExternalKind::Instance;
                    self.exports.push(Extern { name: export.name.full_name().into_owned(), is_interface });
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
