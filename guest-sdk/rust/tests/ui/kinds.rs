use waft::prelude::*;

#[derive(Arms)]
enum Way {
    Left,
    Right,
}

#[task(kind = "branch")]
fn branch_to_text() -> String {
    "left".into()
}

#[task(kind = "sensor")]
fn sensor_of_bool() -> bool {
    true
}

#[task(kind = "short_circuit")]
fn circuit_of_number() -> Result<u64, TaskError> {
    Ok(1)
}

#[task(kind = "branch")]
fn choose() -> Way {
    Way::Left
}

#[task(kind = "setup")]
fn create() {}

#[task(kind = "teardown")]
fn delete() {}

#[task]
fn work() {}

#[dag]
fn methods_of_other_kinds() {
    work().when(Way::Left, work());
    create().of(create());
    work().poke_interval(std::time::Duration::from_secs(1));
    create().only_directly();
}

#[dag]
fn wrong_arguments() {
    choose().when("left", work());
    choose().when(Way::Right, "work");
    delete().of(work());
    delete().of((create(), delete()));
}

fn main() {}
