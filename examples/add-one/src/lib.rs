//! The smallest map and reduce: a task for each number, one task for all of their results; the same with one argument fixed; and a
//! DAG that runs another one as a part of itself.

use std::collections::BTreeMap;

use waft::dags::{self, RunRequest};
use waft::prelude::*;

/// One more.
#[task]
fn add_one(x: u64) -> u64 {
    x + 1
}

/// The sum of two.
#[task]
fn add(x: u64, y: u64) -> u64 {
    x + y
}

/// The sum of all, read page by page.
#[task]
fn sum_values(values: Sequence<u64>) -> Result<u64, TaskError> {
    let mut sum = 0;
    for value in &values {
        sum += value?;
    }
    log::info!("the sum is {sum}");
    Ok(sum)
}

/// Three instances of `add_one`, then the sum of what they leave.
#[dag(tags = ["example"])]
fn add_one_to_each(#[param(default = vec![1, 2, 3])] values: Param<Vec<u64>>) -> Output<u64> {
    sum_values(add_one.expand(values))
}

/// The first argument is the same for each instance.
#[dag(tags = ["example"])]
fn add_five_to_each() -> Output<u64> {
    sum_values(add.partial(5).expand(vec![1, 2, 3]))
}

/// Starts a run of another DAG and takes its result. While that goes on, no sandbox and no slot is held; then the body is called
/// again, and the same call of `trigger` gives the run that was started before.
#[task(retries = 1)]
fn sum_elsewhere(values: Vec<u64>) -> Result<u64, TaskError> {
    let run_id = dags::trigger("add_one_to_each", RunRequest::new().conf(&BTreeMap::from([("values", values)]))?)?;
    dags::finished("add_one_to_each", &run_id)?.result("sum_values")
}

/// Another DAG does the work, once for each list.
#[dag(tags = ["example"])]
fn sum_of_sums(#[param(default = vec![vec![1, 2], vec![3, 4, 5]])] lists: Param<Vec<Vec<u64>>>) -> Output<u64> {
    sum_values(sum_elsewhere.expand(lists))
}

waft::bundle!(add_one_to_each, add_five_to_each, sum_of_sums);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums() {
        let plus_one: Vec<u64> = [1, 2, 3].map(add_one::body).to_vec();
        assert_eq!(sum_values::body(plus_one.into()).unwrap(), 9);
        let plus_five: Vec<u64> = [1, 2, 3].map(|y| add::body(5, y)).to_vec();
        assert_eq!(sum_values::body(plus_five.into()).unwrap(), 21);
    }

    #[test]
    fn another_dag_is_waited_for() {
        assert!(sum_elsewhere::body(vec![1, 2]).unwrap_err().is_defer());
        waft::testing::run_ends("add_one_to_each", "run__1", "success", &BTreeMap::from([("sum_values", 5)]));
        assert_eq!(sum_elsewhere::body(vec![1, 2]).unwrap(), 5);
        waft::testing::run_ends("add_one_to_each", "run__1", "failed", &BTreeMap::<String, u64>::new());
        assert!(sum_elsewhere::body(vec![1, 2]).unwrap_err().is_retryable());
    }
}
