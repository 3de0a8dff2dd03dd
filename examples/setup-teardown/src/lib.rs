//! A cluster that is made before the work and deleted after it, whatever became of the work.

use waft::prelude::*;

/// Makes the cluster and tells its name.
#[task(kind = "setup", retries = 2)]
fn create_cluster(size: u32) -> String {
    log::info!("{size} machines");
    format!("cluster-of-{size}")
}

/// Work on the cluster; it fails where it is told to.
#[task]
fn compute(cluster: String, part: u32, broken: bool) -> Result<u64, TaskError> {
    if broken && part == 2 {
        return Err(TaskError::fatal(format!("part {part} is broken on {cluster}")));
    }
    Ok(u64::from(part) * 100)
}

/// Undoes what `create_cluster` made.
#[task(kind = "teardown", retries = 5, retry_delay = "10s")]
fn delete_cluster(cluster: String) {
    log::info!("{cluster} is gone");
}

/// What all parts come to.
#[task]
fn sum(parts: Sequence<u64>) -> Result<u64, TaskError> {
    Ok(parts.to_vec()?.iter().sum())
}

/// Three parts of work on a cluster that lives as long as they do.
#[dag(tags = ["example"], fail_fast = true)]
fn on_a_cluster(#[param(default = false)] broken: Param<bool>) -> Output<u64> {
    let cluster = create_cluster(3);
    let parts = compute.expand((fixed(cluster), vec![1, 2, 3], fixed(broken)));
    delete_cluster(cluster).of(cluster).after(parts);
    sum(parts)
}

waft::bundle!(on_a_cluster);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_work() {
        let cluster = create_cluster::body(3);
        assert_eq!(compute::body(cluster.clone(), 2, false).unwrap(), 200);
        assert!(!compute::body(cluster, 2, true).unwrap_err().is_retryable());
    }
}
