//! The smallest map and reduce: a task for each number, one task for all of their results; and the same with one argument fixed.

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

waft::bundle!(add_one_to_each, add_five_to_each);

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
}
