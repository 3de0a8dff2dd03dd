use model::limits::component as limit;
use proptest::prelude::*;
use wasm_encoder as wasm;
use wasm_encoder::Component;

use super::*;

const EXPORTS: [&str; 2] = ["waft:task/definition@0.1.0", "waft:task/task-bodies@0.1.0"];

/// A component with these sections and the exports of a bundle. Its frame is sound, its insides need not be.
fn bundle(sections: impl FnOnce(&mut Component)) -> Vec<u8> {
    let mut component = Component::new();
    sections(&mut component);
    let mut exports = wasm::ComponentExportSection::new();
    for name in EXPORTS {
        exports.export(name, wasm::ComponentExportKind::Instance, 0, None);
    }
    component.section(&exports);
    component.finish()
}

fn with_module(sections: impl FnOnce(&mut wasm::Module)) -> Vec<u8> {
    let mut module = wasm::Module::new();
    sections(&mut module);
    bundle(|component| {
        component.section(&wasm::ModuleSection(&module));
    })
}

fn importing<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut imports = wasm::ComponentImportSection::new();
    for name in names {
        imports.import(name, wasm::ComponentTypeRef::Instance(0));
    }
    bundle(|component| {
        component.section(&imports);
    })
}

#[track_caller]
fn check_codes(bytes: &[u8], expect: &[&str]) {
    let problems = scan(bytes).err().unwrap_or_default();
    let codes: Vec<_> = problems.iter().map(|problem| problem.code.as_str()).collect();
    assert_eq!(codes, expect, "{problems:#?}");
}

#[test]
fn what_is_scanned() {
    let bytes = importing(["waft:task/log@0.1.0", "wasi:io/poll@0.2.6"]);
    let expected = Scanned {
        digest: Digest::of(&bytes),
        size_bytes: bytes.len() as u64,
        imports: vec!["waft:task/log@0.1.0".to_owned(), "wasi:io/poll@0.2.6".to_owned()],
        exports: EXPORTS.map(str::to_owned).to_vec(),
    };
    assert_eq!(scan(&bytes), Ok(expected));
}

#[test]
fn the_world_of_a_component() {
    check_codes(&importing(["waft:task/log@0.1.0", "evil:a/b", "wasi:nn/x@0.2.0"]), &["import-not-granted"; 2]);
    check_codes(&Component::new().finish(), &["missing-export"; 2]);

    let mut exports = wasm::ComponentExportSection::new();
    exports.export("waft:task/definition@9.0.0", wasm::ComponentExportKind::Instance, 0, None);
    exports.export("waft:task/task-bodies@0.1.0", wasm::ComponentExportKind::Func, 0, None);
    let mut component = Component::new();
    component.section(&exports);
    check_codes(&component.finish(), &["missing-export", "wrong-version"]);
}

/// The component that `of` makes for a ceiling is taken up to it and refused from there on.
#[track_caller]
fn check_ceiling(code: &str, ceiling: u32, of: impl Fn(u32) -> Vec<u8>) {
    check_codes(&of(ceiling - 1), &[]);
    check_codes(&of(ceiling), &[]);
    check_codes(&of(ceiling + 1), &[code]);
}

fn functions(n: u32, body: &wasm::Function) -> Vec<u8> {
    let mut types = wasm::TypeSection::new();
    types.ty().function([], []);
    let mut functions = wasm::FunctionSection::new();
    let mut code = wasm::CodeSection::new();
    for _ in 0..n {
        functions.function(0);
        code.function(body);
    }
    with_module(|module| {
        module.section(&types).section(&functions).section(&code);
    })
}

#[test]
fn comp_ceilings() {
    let end = |instructions: usize| {
        let mut body = wasm::Function::new([]);
        body.raw(std::iter::repeat_n(0x01, instructions)).instructions().end();
        body
    };
    check_ceiling("too-many-functions", limit::FUNCTIONS_MAX, |n| functions(n, &end(0)));
    // The count of its locals and its end are two of the bytes.
    check_ceiling("function-too-large", limit::BODY_MAX_BYTES, |n| functions(1, &end(n as usize - 2)));
    check_ceiling("too-many-types", limit::TYPES_MAX, |n| {
        let mut of_component = wasm::ComponentTypeSection::new();
        for _ in 0..n / 2 {
            of_component.defined_type().list(wasm::PrimitiveValType::U8);
        }
        let mut of_module = wasm::TypeSection::new();
        for _ in 0..n - n / 2 {
            of_module.ty().function([], []);
        }
        let mut module = wasm::Module::new();
        module.section(&of_module);
        bundle(|component| {
            component.section(&of_component).section(&wasm::ModuleSection(&module));
        })
    });
    check_ceiling("too-many-core-imports", limit::CORE_IMPORTS_MAX, |n| {
        let mut imports = wasm::ImportSection::new();
        for _ in 0..n {
            imports.import("a", "b", wasm::EntityType::Function(0));
        }
        with_module(|module| {
            module.section(&imports);
        })
    });
    check_ceiling("too-many-core-exports", limit::CORE_EXPORTS_MAX, |n| {
        let mut exports = wasm::ExportSection::new();
        for _ in 0..n {
            exports.export("a", wasm::ExportKind::Func, 0);
        }
        with_module(|module| {
            module.section(&exports);
        })
    });
    check_ceiling("too-many-imports", limit::EXTERNS_MAX, |n| importing(vec!["waft:task/log@0.1.0"; n as usize]));
    check_ceiling("too-many-exports", limit::EXTERNS_MAX, |n| {
        let mut exports = wasm::ComponentExportSection::new();
        for _ in 0..n as usize - EXPORTS.len() {
            exports.export("a", wasm::ComponentExportKind::Func, 0, None);
        }
        bundle(|component| {
            component.section(&exports);
        })
    });
    check_ceiling("too-many-modules", limit::MODULES_MAX, |n| {
        bundle(|component| {
            for _ in 0..n {
                component.section(&wasm::ModuleSection(&wasm::Module::new()));
            }
        })
    });
    check_ceiling("too-many-components", limit::COMPONENTS_MAX, |n| {
        bundle(|component| {
            for _ in 0..n {
                component.section(&wasm::NestedComponentSection(&Component::new()));
            }
        })
    });
    check_ceiling("too-many-data-segments", limit::DATA_SEGMENTS_MAX, |n| {
        let mut data = wasm::DataSection::new();
        for _ in 0..n {
            data.passive([]);
        }
        with_module(|module| {
            module.section(&data);
        })
    });
}

/// Components inside components run out before levels do.
#[test]
fn nesting_costs_no_stack() {
    let nested = |levels: u32| {
        let mut inner = Component::new();
        for _ in 1..levels {
            let mut outer = Component::new();
            outer.section(&wasm::NestedComponentSection(&inner));
            inner = outer;
        }
        bundle(|component| {
            component.section(&wasm::NestedComponentSection(&inner));
        })
    };
    check_codes(&nested(limit::COMPONENTS_MAX), &[]);
    check_codes(&nested(DEPTH_MAX), &["too-many-components"]);
    check_codes(&nested(DEPTH_MAX + 1), &["too-many-components", "nested-too-deep"]);
    check_codes(&nested(2_000), &["too-many-components", "nested-too-deep"]);
}

#[test]
fn all_ceilings_are_told_at_once() {
    let mut exports = wasm::ExportSection::new();
    for _ in 0..=limit::CORE_EXPORTS_MAX {
        exports.export("a", wasm::ExportKind::Func, 0);
    }
    let mut data = wasm::DataSection::new();
    for _ in 0..=limit::DATA_SEGMENTS_MAX {
        data.passive([]);
    }
    let bytes = with_module(|module| {
        module.section(&exports).section(&data);
    });
    check_codes(&bytes, &["too-many-core-exports", "too-many-data-segments"]);
}

#[test]
fn a_count_may_lie() {
    let claims = |id: u8| {
        let all = [0xff, 0xff, 0xff, 0xff, 0x0f];
        with_module(|module| {
            module.section(&wasm::RawSection { id, data: &all });
        })
    };
    check_codes(&claims(wasm::SectionId::Function as u8), &["too-many-functions", "damaged-component"]);
    check_codes(&claims(wasm::SectionId::Type as u8), &["too-many-types"]);
    check_codes(&claims(wasm::SectionId::Data as u8), &["too-many-data-segments"]);
}

#[test]
fn sizes() {
    let mut bytes = bundle(|_| {});
    bytes.resize(BYTES_MAX + 1, 0);
    check_codes(&bytes, &["component-too-large"]);
    bytes.truncate(100_000);
    check_codes(&bytes, &["damaged-component"]);
}

fn whole() -> Vec<u8> {
    let mut module = wasm::Module::new();
    let mut types = wasm::TypeSection::new();
    types.ty().function([], []);
    module.section(&types);
    let mut imports = wasm::ComponentImportSection::new();
    imports.import("waft:task/log@0.1.0", wasm::ComponentTypeRef::Instance(0));
    bundle(|component| {
        component.section(&imports).section(&wasm::ModuleSection(&module));
    })
}

#[test]
fn a_truncated_component_is_refused() {
    let bytes = whole();
    for length in 0..bytes.len() {
        assert!(scan(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
    check_codes(&bytes, &[]);
}

proptest! {
    #[test]
    fn flipped_bytes_do_not_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = whole();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = scan(&bytes);
    }
}
