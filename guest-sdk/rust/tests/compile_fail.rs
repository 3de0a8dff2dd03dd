//! Wrong edges and declarations do not compile, and the compiler says why in the words of an author.

#[test]
fn wrong_programs_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
