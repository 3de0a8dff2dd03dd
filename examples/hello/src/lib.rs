//! The smallest bundle: one DAG with one task.

use waft::prelude::*;

/// Greets somebody.
#[task]
fn hello(name: String) -> String {
    log::info!("greeting {name}");
    format!("Hello, {name}!")
}

/// One task, one parameter; the task's value is the run's result.
#[dag]
fn greeting(#[param(default = "world", description = "Who is greeted")] name: Param<String>) -> Output<String> {
    hello(name)
}

waft::bundle!(greeting);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greets_by_name() {
        assert_eq!(hello::body("Ada".into()), "Hello, Ada!");
    }
}
