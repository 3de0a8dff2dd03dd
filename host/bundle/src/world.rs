//! The world of a component: what it may import and what it must export. The interfaces of `waft:task` are those of `wit/`, which a
//! test compares.

use model::Problems;
use model::pointer::Pointer;

use crate::component::Extern;

/// The package of the contract with guests.
const WAFT: &str = "waft:task";
/// Major and minor number that are offered.
const WAFT_VERSION: &str = "0.1";
/// What a component may import of it.
const GRANTED: &[&str] = &[
    "types",
    "xcom",
    "values",
    "task-state",
    "log",
    "progress",
    "blobs",
    "deferral",
    "variables",
    "connections",
    "assets",
    "dags",
];
/// What a bundle exports, and what for.
const REQUIRED: &[(&str, &str)] =
    &[("task-bodies", "runs the bodies of tasks"), ("definition", "tells the DAGs of the bundle")];

/// Major and minor number of WASI that are offered.
const WASI_VERSION: &str = "0.2";
/// Interfaces of WASI by package. Those of files and sockets refuse every call, but runtimes of languages import them.
const WASI: &[(&str, &[&str])] = &[
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
    ),
    ("wasi:clocks", &["wall-clock", "monotonic-clock"]),
    ("wasi:random", &["random", "insecure", "insecure-seed"]),
    ("wasi:io", &["error", "poll", "streams"]),
    ("wasi:filesystem", &["types", "preopens"]),
    (
        "wasi:sockets",
        &["network", "instance-network", "tcp", "tcp-create-socket", "udp", "udp-create-socket", "ip-name-lookup"],
    ),
];
/// What runtimes of languages import though few guests need it, and what to do about it.
const REFUSED: &[(&str, &str)] = &[(
    "wasi:http",
    "but guests have no HTTP; leave out what makes requests (in Rust the crate that does, in JavaScript with `--disable http fetch-event`) and hand the data in as conf, arguments or blobs",
)];

/// Refuses what nobody offers.
pub(crate) fn check_imports(imports: &[Extern], problems: &mut Problems) {
    for import in imports {
        if let Err(why) = granted(import) {
            let name: String = import.name.chars().take(200).collect();
            let at = Pointer::default().to("imports").to(&name);
            problems.error("import-not-granted", &at, format!("the component imports `{name}`, {why}"));
        }
    }
}

fn granted(import: &Extern) -> Result<(), String> {
    let nobody = || "which Waft does not offer; build without what needs it".to_owned();
    let Some(Name { package, interface, version }) = Name::parse(&import.name).filter(|_| import.is_interface) else {
        return Err(nobody());
    };
    if let Some((_, why)) = REFUSED.iter().find(|(name, _)| *name == package) {
        return Err((*why).to_owned());
    }
    let (interfaces, offered) = if package == WAFT {
        (GRANTED, WAFT_VERSION)
    } else {
        let (_, interfaces) = WASI.iter().find(|(name, _)| *name == package).ok_or_else(nobody)?;
        (*interfaces, WASI_VERSION)
    };
    if !is_compatible(version, offered) {
        return Err(format!("but {package} is offered in version {offered} here; build with an SDK for that version"));
    }
    if interfaces.contains(&interface) { Ok(()) } else { Err(nobody()) }
}

/// Tells what is missing.
pub(crate) fn check_exports(exports: &[Extern], problems: &mut Problems) {
    for (interface, purpose) in REQUIRED {
        let found = exports.iter().filter(|export| export.is_interface).filter_map(|export| Name::parse(&export.name));
        let mut found = found.filter(|name| name.package == WAFT && name.interface == *interface).peekable();
        let wanted = format!("{WAFT}/{interface}@{WAFT_VERSION}");
        match found.peek() {
            None => {
                let message = format!(
                    "the component does not export `{wanted}`, which {purpose}; build it for the world `bundle`"
                );
                problems.error("missing-export", "", message);
            }
            Some(Name { version, .. }) if !is_compatible(version, WAFT_VERSION) => {
                let message = format!(
                    "the component exports version {version} of `{WAFT}/{interface}`; build it with an SDK for {wanted}"
                );
                problems.error("wrong-version", "", message);
            }
            Some(_) => {}
        }
    }
}

/// The name of an interface: `package:name/interface@version`.
struct Name<'a> {
    package: &'a str,
    interface: &'a str,
    version: &'a str,
}

impl<'a> Name<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let (path, version) = name.split_once('@')?;
        let (package, interface) = path.split_once('/')?;
        Some(Self { package, interface, version })
    }
}

/// True for `offered.N` with a number N.
fn is_compatible(version: &str, offered: &str) -> bool {
    let patch = version.strip_prefix(offered).and_then(|rest| rest.strip_prefix('.'));
    patch.is_some_and(|patch| patch.parse::<u32>().is_ok_and(|number| number.to_string() == patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str) -> Extern {
        Extern { name: name.to_owned(), is_interface: true }
    }

    fn check_import(name: &str, expect: Result<(), &str>) {
        let told = granted(&interface(name));
        match (&told, expect) {
            (Ok(()), Ok(())) => {}
            (Err(why), Err(part)) => assert!(why.contains(part), "{name}: {why:?} does not contain {part:?}"),
            _ => panic!("{name}: {told:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn comp_imports() {
        check_import("waft:task/xcom@0.1.0", Ok(()));
        check_import("waft:task/types@0.1.7", Ok(()));
        check_import("wasi:io/poll@0.2.0", Ok(()));
        check_import("wasi:cli/environment@0.2.12", Ok(()));
        check_import("waft:task/xcom@0.2.0", Err("offered in version 0.1 here"));
        check_import("waft:task/xcom@0.1.0-rc1", Err("offered in version 0.1"));
        check_import("waft:task/xcom@0.1.01", Err("offered in version 0.1"));
        check_import("waft:task/xcom@0.10.0", Err("offered in version 0.1"));
        check_import("waft:task/definition@0.1.0", Err("does not offer"));
        check_import("wasi:io/poll@0.3.0", Err("offered in version 0.2"));
        check_import("wasi:cli/run@0.2.0", Err("does not offer"));
        check_import("wasi:nn/graph@0.2.0", Err("does not offer"));
        check_import("wasi:http/types@0.2.0", Err("guests have no HTTP"));
        check_import("wasi:http/outgoing-handler@0.2.6", Err("leave out what makes requests"));
        check_import("wasi:http/incoming-handler@0.3.0", Err("guests have no HTTP"));
        check_import("wasi:io/poll", Err("does not offer"));
        check_import("evil:pkg/thing@0.1.0", Err("does not offer"));
        check_import("env", Err("does not offer"));
        check_import("", Err("does not offer"));
        assert!(granted(&Extern { is_interface: false, ..interface("waft:task/xcom@0.1.0") }).is_err());
    }

    #[test]
    fn what_is_granted_and_required_is_what_wit_says() {
        let mut resolve = wit_parser::Resolve::default();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");
        let (package, _) = resolve.push_dir(folder).unwrap();
        let package_name = &resolve.packages[package].name;
        assert_eq!(format!("{}:{}", package_name.namespace, package_name.name), WAFT);
        assert!(is_compatible(&package_name.version.as_ref().unwrap().to_string(), WAFT_VERSION));

        let world = &resolve.worlds[resolve.packages[package].worlds["bundle"]];
        let names = |items: &mut dyn Iterator<Item = &wit_parser::WorldKey>| -> std::collections::BTreeSet<String> {
            items
                .map(|key| resolve.name_world_key(key))
                .map(|name| Name::parse(&name).unwrap().interface.to_owned())
                .collect()
        };
        let owned = |items: &mut dyn Iterator<Item = &&str>| items.map(|name| (*name).to_owned()).collect();
        assert_eq!(names(&mut world.imports.keys()), owned(&mut GRANTED.iter()));
        assert_eq!(names(&mut world.exports.keys()), owned(&mut REQUIRED.iter().map(|(name, _)| name)));
    }
}
