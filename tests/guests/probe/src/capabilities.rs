//! An honest guest: each capability once.

use crate::exports::waft::task::task_bodies::Outcome;
use crate::waft::task::{blobs, log, progress, task_state, values, xcom};

/// Calls every simple function and answers with what it got.
pub(crate) fn all() -> Outcome {
    progress::report(1, Some(2), "half");
    let answers = [
        format!("{:?}", xcom::push("rows", "[1,2]")),
        format!("{:?}", xcom::push("return_value", "1")),
        format!("{:?}", xcom::push("bad key", "1")),
        format!("{:?}", xcom::push("bad", "{")),
        format!("{:?}", xcom::pull("upstream", -1, "return_value")),
        format!("{:?}", xcom::pull("upstream", -7, "return_value")),
        format!("{:?}", task_state::set("cursor", "41", None)),
        format!("{:?}", task_state::get("cursor")),
        format!("{:?}", task_state::list("cur")),
        format!("{:?}", task_state::delete("cursor")),
        format!("{:?}", task_state::delete("cursor")),
        format!("{:?}", task_state::set("big", &format!("\"{}\"", "x".repeat(70_000)), None)),
        format!("{:?}", values::open(99).err()),
    ];
    Outcome::Success(Some(list(&answers)))
}

/// Adds up the numbers of sequence 1, in pages of the size that `args` says, twice.
pub(crate) fn sequence(args: &str) -> Outcome {
    let page = args.trim().parse().unwrap_or(10);
    let sequence = match values::open(1) {
        Ok(sequence) => sequence,
        Err(error) => return crate::failed(&format!("{error:?}")),
    };
    let mut sums = Vec::new();
    for _ in 0..2 {
        let mut sum = 0_u64;
        loop {
            match sequence.next(page) {
                Ok(values) if values.is_empty() => break,
                Ok(values) => sum += values.iter().filter_map(|value| value.parse::<u64>().ok()).sum::<u64>(),
                Err(error) => return crate::failed(&format!("{error:?}")),
            }
        }
        sums.push(sum.to_string());
        sequence.rewind();
    }
    sums.push(sequence.len().to_string());
    sums.push(sequence.get(2).ok().flatten().unwrap_or_default());
    sums.push(format!("{:?}", sequence.get(1 << 40)));
    Outcome::Success(Some(list(&sums)))
}

/// Writes a blob in two pieces and reads it back.
pub(crate) fn blob() -> Outcome {
    let writer = blobs::Writer::new("text/plain");
    let answers = [
        format!("{:?}", writer.write(b"hello ")),
        format!("{:?}", writer.write(b"world")),
        format!("{:?}", writer.write(&vec![0; (1 << 20) + 1]).is_err()),
    ];
    let digest = match writer.finish() {
        Ok(digest) => digest,
        Err(error) => return crate::failed(&format!("{error:?}")),
    };
    drop(blobs::Writer::new("never/used"));
    let reader = match blobs::open(&digest) {
        Ok(reader) => reader,
        Err(error) => return crate::failed(&format!("{error:?}")),
    };
    let read = reader.read(6, 100).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let unknown = blobs::open(&format!("sha256:{}", "0".repeat(64))).err();
    Outcome::Success(Some(list(
        &[&answers[..], &[digest, reader.size().to_string(), format!("{read:?}"), format!("{unknown:?}")]].concat(),
    )))
}

pub(crate) fn log() -> Outcome {
    log::write(log::Level::Info, "first\nsecond");
    println!("printed");
    eprintln!("complained");
    Outcome::Success(None)
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
    format!("[{}]", texts.join(","))
}
