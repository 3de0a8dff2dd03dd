//! What bytes are, by how they begin: a component, or something else that says what to do about it.

use model::Problem;

const WASM_MAGIC: &[u8] = b"\0asm";
/// Version and layer of a component as they stand behind the magic bytes.
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];
/// Version and layer of a core module.
const CORE_MODULE: &[u8] = &[1, 0, 0, 0];

const BUILD: &str = "upload the .wasm component that the build makes";

/// Refuses everything that is no component.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Problem> {
    let (code, message) = if bytes.is_empty() {
        ("empty-file", format!("the file is empty; {BUILD}"))
    } else if let Some(rest) = bytes.strip_prefix(WASM_MAGIC) {
        match rest.get(..4) {
            Some(COMPONENT) => return Ok(()),
            Some(CORE_MODULE) => (
                "core-module",
                "this is a core module, not a component; build for wasm32-wasip2, or wrap it with `wasm-tools component new`".to_owned(),
            ),
            Some(other) => (
                "unknown-wasm-version",
                format!("this is WebAssembly of a version that is not read here ({other:02x?}); build a component with current tools"),
            ),
            None => ("damaged-component", "the file ends inside its header; upload it again".to_owned()),
        }
    } else {
        ("not-a-component", format!("this is {}, not a component; {BUILD}", looks_like(bytes)))
    };
    Err(Problem::error(code, "", message))
}

fn looks_like(bytes: &[u8]) -> &'static str {
    let begins = |magic: &[u8]| bytes.starts_with(magic);
    if begins(b"\x7fELF") {
        "a native program or a compiled artefact (ELF)"
    } else if begins(b"MZ")
        || [b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe"].iter().any(|magic| begins(*magic))
    {
        "a native program"
    } else if begins(b"PK")
        || begins(b"\x1f\x8b")
        || begins(b"\x28\xb5\x2f\xfd")
        || bytes.get(257..262) == Some(b"ustar")
    {
        "an archive"
    } else {
        // A character may be cut where the sample ends.
        let sample = &bytes[..bytes.len().min(1_024)];
        let text = match std::str::from_utf8(sample) {
            Ok(text) => Some(text),
            Err(error) if error.error_len().is_none() => std::str::from_utf8(&sample[..error.valid_up_to()]).ok(),
            Err(_) => None,
        };
        match text.map(str::trim_start) {
            Some(text) if text.starts_with("(component") || text.starts_with("(module") => "WebAssembly text (.wat)",
            Some(_) => "text",
            None => "a file of an unknown kind",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_format(bytes: &[u8], expect: &str) {
        let told = check(bytes).map_or_else(|problem| problem.code + ": " + &problem.message, |()| "ok".to_owned());
        assert!(told.contains(expect), "{bytes:?}: {told:?} does not contain {expect:?}");
    }

    #[test]
    fn comp_formats() {
        check_format(b"\0asm\x0d\0\x01\0", "ok");
        check_format(b"", "empty-file");
        check_format(b"\0asm", "damaged-component");
        check_format(b"\0asm\x01\0\0\0", "core-module");
        check_format(b"\0asm\x02\0\0\0", "unknown-wasm-version");
        check_format(b"\0asm\x0d\0\0\0", "unknown-wasm-version");
        check_format(b"(component)", "(.wat)");
        check_format(b"  (module)", "(.wat)");
        check_format(b"\x7fELF\x02\x01\x01", "ELF");
        check_format(b"MZ\x90", "a native program");
        check_format(b"PK\x03\x04", "an archive");
        check_format(b"def f(): pass", "this is text");
        check_format(&"é".repeat(512).as_bytes()[..1_023], "this is text");
        check_format(b"\xff\xfe\xfd", "an unknown kind");
    }
}
