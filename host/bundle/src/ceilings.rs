//! Counts what a component holds and compares it with [`model::limits::component`].

use model::Problems;
use model::limits::component as limit;

/// What a component holds, over all modules and components inside it.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) functions: u64,
    pub(crate) largest_body_bytes: u64,
    pub(crate) types: u64,
    pub(crate) core_imports: u64,
    pub(crate) core_exports: u64,
    pub(crate) imports: u64,
    pub(crate) exports: u64,
    pub(crate) modules: u64,
    pub(crate) components: u64,
    pub(crate) depth: u64,
    pub(crate) data_segments: u64,
}

impl Counts {
    /// Tells each ceiling that is exceeded.
    pub(crate) fn check(&self, problems: &mut Problems) {
        let split = "split the bundle into several components";
        let ceilings = [
            ("too-many-functions", "functions", self.functions, limit::FUNCTIONS_MAX, split),
            (
                "function-too-large",
                "bytes in its largest function body",
                self.largest_body_bytes,
                limit::BODY_MAX_BYTES,
                "split that function, or build with optimisation",
            ),
            ("too-many-types", "types", self.types, limit::TYPES_MAX, split),
            ("too-many-core-imports", "imports of core modules", self.core_imports, limit::CORE_IMPORTS_MAX, split),
            ("too-many-core-exports", "exports of core modules", self.core_exports, limit::CORE_EXPORTS_MAX, split),
            ("too-many-imports", "imports", self.imports, limit::EXTERNS_MAX, split),
            ("too-many-exports", "exports", self.exports, limit::EXTERNS_MAX, split),
            ("too-many-modules", "core modules", self.modules, limit::MODULES_MAX, "link them into fewer"),
            ("too-many-components", "components inside it", self.components, limit::COMPONENTS_MAX, "compose fewer"),
            ("nested-too-deep", "levels of nesting", self.depth, limit::DEPTH_MAX, "compose it flatter"),
            (
                "too-many-data-segments",
                "data segments",
                self.data_segments,
                limit::DATA_SEGMENTS_MAX,
                "put large data into a blob",
            ),
        ];
        for (code, what, count, limit, hint) in ceilings {
            if count > u64::from(limit) {
                problems.error(
                    code,
                    "",
                    format!("the component has {count} {what}; at most {limit} are allowed; {hint}"),
                );
            }
        }
    }

    /// True while reading on is worth it: bodies are not looked at one by one in a component that has too many.
    pub(crate) fn may_have_so_many_functions(&self) -> bool {
        self.functions <= u64::from(limit::FUNCTIONS_MAX)
    }
}
