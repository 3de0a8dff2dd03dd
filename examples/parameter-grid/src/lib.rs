//! Hyper-parameter tuning: a model is trained once for each combination of three lists, and the best is published.

use serde::{Deserialize, Serialize};
use waft::prelude::*;

/// One training.
#[derive(Clone, Serialize, Deserialize, Type)]
struct Model {
    rate: f64,
    depth: u32,
    seed: u64,
    loss: f64,
}

/// The rates to try; the other lists stand in the DAG.
#[task]
fn learning_rates() -> Vec<f64> {
    vec![0.1, 0.01]
}

/// Stands for hours of work: a loss that is least at a rate of 0.01 and a depth of 5.
#[task(
    retries = 1,
    timeout = "6h",
    max_active_per_run = 4,
    map_index_template = "rate {{ args.rate }}, depth {{ args.depth }}"
)]
fn train(rate: f64, depth: u32, seed: u64) -> Model {
    let loss = (rate - 0.01).abs() + (f64::from(depth) - 5.0).abs() / 10.0 + seed as f64 / 1000.0;
    log::info!("rate {rate}, depth {depth}, seed {seed}: loss {loss:.3}");
    Model { rate, depth, seed, loss }
}

/// The model with the least loss, of all that were trained.
#[task(trigger_rule = "all_done_min_one_success")]
fn best(models: Sequence<Model>) -> Result<Model, TaskError> {
    let mut best: Option<Model> = None;
    for model in &models {
        let model = model?;
        if best.as_ref().is_none_or(|best| model.loss < best.loss) {
            best = Some(model);
        }
    }
    best.ok_or_else(|| TaskError::fatal("no training has left a model"))
}

/// Which combination is the best?
#[dag(tags = ["example"])]
fn parameter_grid(#[param(default = vec![1, 2])] seeds: Param<Vec<u64>>) -> Output<Model> {
    let models = train.expand((learning_rates(), vec![3, 5, 8], seeds));
    best(models)
}

waft::bundle!(parameter_grid);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_loss_is_best() {
        let mut models = Vec::new();
        for rate in learning_rates::body() {
            for depth in [3, 5, 8] {
                models.extend([1, 2].map(|seed| train::body(rate, depth, seed)));
            }
        }
        assert_eq!(models.len(), 12);
        let best = best::body(models.into()).unwrap();
        assert_eq!((best.rate, best.depth, best.seed), (0.01, 5, 1));
    }
}
