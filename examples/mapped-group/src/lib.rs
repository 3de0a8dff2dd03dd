//! A group of two tasks that is mapped: each item goes through both without waiting for the others.

use waft::prelude::*;

/// The lines of a page.
#[task]
fn fetch(page: u32) -> Vec<String> {
    (1..=page).map(|line| format!("line {line} of page {page}")).collect()
}

/// How many letters a page has.
#[task]
fn measure(lines: Vec<String>) -> u64 {
    lines.iter().map(|line| line.len() as u64).sum()
}

/// Both tasks for one page: `measure` of page 7 begins when `fetch` of page 7 has ended.
#[group]
fn each_page(page: Item<u32>) -> Output<u64> {
    measure(fetch(page))
}

/// Waits for all pages.
#[task]
fn total(letters: Sequence<u64>) -> Result<u64, TaskError> {
    Ok(letters.to_vec()?.iter().sum())
}

/// How many letters have all pages?
#[dag(tags = ["example"])]
fn pages(#[param(default = vec![1, 2, 3])] numbers: Param<Vec<u32>>) -> Output<u64> {
    total(each_page.expand(numbers))
}

waft::bundle!(pages);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_all_pages() {
        let letters: Vec<u64> = [1, 2, 3].map(|page| measure::body(fetch::body(page))).to_vec();
        assert_eq!(letters, [16, 32, 48]);
        assert_eq!(total::body(letters.into()).unwrap(), 96);
    }
}
