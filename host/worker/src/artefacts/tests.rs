use std::fs::{File, OpenOptions};
use std::io::Write;

use clock::Real;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::*;
use crate::doubles::{OWN, script, until};

/// Says how many compilers run, waits for a line, and leaves.
const COMPILER: &str = "
    cat > /dev/null
    : > HERE/running/$$
    ls HERE/running | wc -l >> HERE/counts
    read go < HERE/gate
    rm HERE/running/$$
    echo native";

#[tokio::test]
async fn few_compilers_run_at_a_time() {
    const COMPONENTS: u8 = 2 * COMPILERS_MAX as u8 + 1;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let here = folder.path();
    std::fs::create_dir(here.join("running")).expect("a folder");
    mkfifo(&here.join("gate"), Mode::S_IRWXU).expect("a pipe");
    // Open for reading too, so that opening waits for nobody and no reader finds its end.
    let mut gate: File = OpenOptions::new().read(true).write(true).open(here.join("gate")).expect("the pipe");
    let command = script(here, &COMPILER.replace("HERE", &here.display().to_string()));
    let artefacts = Arc::new(Artefacts::new(command, BlobStore::in_memory(), Arc::new(Real)));
    let compiling = (0..COMPONENTS).map(|component| {
        let artefacts = artefacts.clone();
        tokio::spawn(async move { artefacts.compile(OWN, &[component]).await })
    });
    let compiling: Vec<_> = compiling.collect();
    let counts = || std::fs::read_to_string(here.join("counts")).unwrap_or_default();
    until(|| artefacts.pending().len() == usize::from(COMPONENTS) && counts().lines().count() >= COMPILERS_MAX).await;
    gate.write_all(&b"go\n".repeat(usize::from(COMPONENTS))).expect("the pipe takes it");
    for compiled in compiling {
        compiled.await.expect("no panic").expect("it compiles");
    }
    let counts: Vec<usize> = counts().lines().map(|line| line.trim().parse().expect("a number")).collect();
    assert_eq!((counts.len(), counts.iter().max()), (usize::from(COMPONENTS), Some(&COMPILERS_MAX)));
}

#[tokio::test]
async fn those_who_want_the_same_artefact_wait_for_one_compiler() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let counts = folder.path().join("counts");
    let command = script(folder.path(), &format!("cat > /dev/null; echo one >> {}; echo native", counts.display()));
    let artefacts = Artefacts::new(command, BlobStore::in_memory(), Arc::new(Real));
    let (first, second) = tokio::join!(artefacts.compile(OWN, b"same"), artefacts.compile(OWN, b"same"));
    assert_eq!(first.expect("it compiles").bytes(), second.expect("it compiles").bytes());
    assert_eq!(std::fs::read_to_string(counts).expect("a compiler ran").lines().count(), 1);
}
