//! Waiting for a state of the world, with a bound.

use std::time::Duration;

/// Far above what any wait takes where nothing is wrong.
const BOUND: Duration = Duration::from_secs(60);

/// Asks again and again until there is an answer.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let mut pause = tokio::time::interval(Duration::from_millis(10));
    let answer = tokio::time::timeout(BOUND, async {
        loop {
            pause.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    });
    answer.await.unwrap_or_else(|_| panic!("waited {BOUND:?} in vain until {what}"))
}
