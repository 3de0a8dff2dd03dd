use model::TenantId;
use uuid::Uuid;

use super::*;
use crate::places::Place;

fn key(tenant: i64, try_number: u32) -> LogKey {
    LogKey {
        scope: TenantScope::assume(TenantId::from_row(tenant)),
        run: RunKey::from_uuid(Uuid::from_u128(7)),
        node: NodeIdx(3),
        map_index: MapIndex::NONE,
        try_number: TryNumber(try_number),
    }
}

fn record(number: usize) -> LogRecord {
    let at = Timestamp::from_microsecond(1_700_000_000_000_000 + number as i64).unwrap();
    LogRecord { at, level: LogLevel::Info, source: LogSource::Stdout, message: format!("line {number}\u{0}\n\"<é>") }
}

fn records(range: std::ops::Range<usize>) -> Vec<LogRecord> {
    range.map(record).collect()
}

async fn chunks(logs: &LogStore, key: LogKey) -> Vec<usize> {
    chunk::list(&*logs.0.objects, &key.path()).await.unwrap().into_iter().map(|(before, _)| before).collect()
}

async fn read(logs: &LogStore, key: LogKey, skip: usize, limit: usize) -> Vec<LogRecord> {
    let mut reader = logs.reader(key, skip, limit).await.unwrap();
    let until = reader.until();
    let mut read = Vec::new();
    while let Some(records) = reader.next().await.unwrap() {
        read.extend(records);
    }
    assert!(read.is_empty() || skip + read.len() == until, "{skip} {limit}");
    read
}

async fn all(logs: &LogStore, key: LogKey) -> Vec<LogRecord> {
    read(logs, key, 0, usize::MAX).await
}

/// What a follower is told next.
async fn next(follower: &mut LogFollow) -> Option<Vec<LogRecord>> {
    loop {
        follower.ready().await;
        match follower.read().await {
            Some(records) if records.is_empty() => {}
            told => return told,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn records_are_read_at_once_and_stored_in_time() {
    let logs = LogStore::in_memory();
    logs.append(key(1, 1), records(0..2)).await;
    logs.append(key(1, 1), records(2..3)).await;
    assert_eq!(all(&logs, key(1, 1)).await, records(0..3));
    assert_eq!(chunks(&logs, key(1, 1)).await, [] as [usize; 0]);

    tokio::time::sleep(Duration::from_millis(CHUNK_EVERY_MS + 1)).await;
    assert_eq!(chunks(&logs, key(1, 1)).await, [0]);
    logs.append(key(1, 1), records(3..5)).await;
    assert_eq!(all(&logs, key(1, 1)).await, records(0..5));

    logs.finish(key(1, 1)).await;
    assert_eq!(chunks(&logs, key(1, 1)).await, [0, 3]);
    assert_eq!(all(&logs, key(1, 1)).await, records(0..5));
    assert_eq!(all(&logs, key(2, 1)).await, []);
    assert_eq!(all(&logs, key(1, 2)).await, []);
    assert!(logs.0.live.is_empty());
    assert_eq!(logs.0.waiting_bytes.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn any_part_can_be_read() {
    let logs = LogStore::in_memory();
    for begin in [0, 4, 8] {
        logs.append(key(1, 1), records(begin..begin + 4)).await;
        tokio::time::sleep(Duration::from_millis(CHUNK_EVERY_MS + 1)).await;
    }
    logs.append(key(1, 1), records(12..15)).await;
    assert_eq!(chunks(&logs, key(1, 1)).await, [0, 4, 8]);
    for is_over in [false, true] {
        for skip in 0..17 {
            for limit in 0..17 {
                let expect = records(skip.min(15)..(skip + limit).min(15));
                assert_eq!(read(&logs, key(1, 1), skip, limit).await, expect, "{skip} {limit} {is_over}");
                assert_eq!(logs.reader(key(1, 1), skip, limit).await.unwrap().log_len(), 15);
            }
        }
        logs.finish(key(1, 1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn enough_records_are_stored_without_waiting() {
    let logs = LogStore::in_memory();
    let long = LogRecord { message: "x".repeat(CHUNK_BYTES), ..record(0) };
    logs.append(key(1, 1), vec![long.clone(), long]).await;
    assert_eq!(chunks(&logs, key(1, 1)).await, [0]);
    assert_eq!(logs.0.waiting_bytes.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn the_next_execution_of_a_try_goes_on_after_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let logs = LogStore::in_folder(folder.path()).unwrap();
    logs.append(key(1, 1), records(0..2)).await;
    logs.finish(key(1, 1)).await;
    let logs = LogStore::in_folder(folder.path()).unwrap();
    logs.append(key(1, 1), records(2..3)).await;
    assert_eq!(all(&logs, key(1, 1)).await, records(0..3));
    logs.finish(key(1, 1)).await;
    assert_eq!(all(&logs, key(1, 1)).await, records(0..3));
    assert_eq!(chunks(&logs, key(1, 1)).await, [0, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_follower_is_told_everything_once_and_then_the_end() {
    let logs = LogStore::in_memory();
    let early = logs.follow(key(1, 1), 0);
    logs.append(key(1, 1), records(0..2)).await;
    tokio::time::sleep(Duration::from_millis(CHUNK_EVERY_MS + 1)).await;
    let late = logs.follow(key(1, 1), 0);
    let followers = [early, late].map(|mut follower| {
        tokio::spawn(async move {
            let mut told = Vec::new();
            while let Some(records) = next(&mut follower).await {
                told.extend(records);
            }
            told
        })
    });
    for number in 2..50 {
        logs.append(key(1, 1), records(number..number + 1)).await;
        tokio::time::sleep(Duration::from_millis(number as u64 * 7)).await;
    }
    logs.finish(key(1, 1)).await;
    for follower in followers {
        assert_eq!(follower.await.unwrap(), records(0..50));
    }
    assert!(logs.0.live.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_follower_in_another_process_is_told_what_is_stored() {
    let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let [here, there] = [(); 2].map(|()| LogStore::over(objects.clone(), Writers::Anywhere));
    let mut follower = there.follow(key(1, 1), 0);
    here.append(key(1, 1), records(0..2)).await;
    assert_eq!(all(&there, key(1, 1)).await, []);
    assert_eq!(next(&mut follower).await, Some(records(0..2)));
    here.append(key(1, 1), records(2..3)).await;
    assert_eq!(next(&mut follower).await, Some(records(2..3)));
    assert_eq!(all(&there, key(1, 1)).await, records(0..3));
    here.append(key(1, 1), records(3..5)).await;
    here.finish(key(1, 1)).await;
    follower.end_after_stored();
    assert_eq!(next(&mut follower).await, Some(records(3..5)));
    assert_eq!(next(&mut follower).await, None);
    drop(follower);
    assert!(there.0.live.is_empty());
}

#[tokio::test]
async fn the_lines_of_two_processes_are_kept() {
    for place in Place::all().await {
        check_two_processes(place.logs(), place.logs()).await;
    }
}

async fn check_two_processes(lost: LogStore, own: LogStore) {
    lost.append(key(1, 1), records(0..2)).await;
    own.append(key(1, 1), records(10..13)).await;
    own.finish(key(1, 1)).await;
    lost.append(key(1, 1), records(2..3)).await;
    lost.finish(key(1, 1)).await;
    own.append(key(1, 1), records(13..14)).await;
    own.finish(key(1, 1)).await;
    assert_eq!(chunks(&own, key(1, 1)).await, [0, 3, 6]);
    let expect = [records(10..13), records(0..3), records(13..14)].concat();
    assert_eq!(all(&own, key(1, 1)).await, expect);
    assert_eq!(all(&lost, key(1, 1)).await, expect);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_while_a_follower_reads_is_told_though_the_log_has_ended_since() {
    let logs = LogStore::in_memory();
    logs.append(key(1, 1), records(0..2)).await;
    let mut follower = logs.follow(key(1, 1), 0);
    assert_eq!(next(&mut follower).await, Some(records(0..2)));
    logs.append(key(1, 1), records(2..3)).await;
    logs.finish(key(1, 1)).await;
    assert_eq!(next(&mut follower).await, Some(records(2..3)));
    assert_eq!(next(&mut follower).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_nobody_will_finish_ends_with_what_is_stored() {
    let logs = LogStore::in_memory();
    logs.append(key(1, 1), records(0..2)).await;
    logs.finish(key(1, 1)).await;
    let mut follower = logs.follow(key(1, 1), 0);
    assert_eq!(next(&mut follower).await, Some(records(0..2)));
    assert!(tokio::time::timeout(Duration::from_secs(60), next(&mut follower)).await.is_err());
    follower.end_after_stored();
    assert_eq!(next(&mut follower).await, None);
    drop(follower);
    assert!(logs.0.live.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_silent_attempt_costs_nothing() {
    let logs = LogStore::in_memory();
    logs.append(key(1, 1), Vec::new()).await;
    logs.finish(key(1, 1)).await;
    assert!(logs.0.live.is_empty());
    assert_eq!(chunks(&logs, key(1, 1)).await, [] as [usize; 0]);
}
