//! An object is mapped over pair by pair, in the order in which it was written.

use std::collections::BTreeMap;

use waft::prelude::*;

/// Price of each fruit.
#[task]
fn prices() -> BTreeMap<String, u64> {
    BTreeMap::from([("apple".into(), 30), ("banana".into(), 25), ("cherry".into(), 2)])
}

/// One line of the list.
#[task(map_index_template = "{{ map.key }}")]
fn line(price: (String, u64), currency: String) -> String {
    let (fruit, price) = price;
    format!("{fruit}: {price} {currency}")
}

/// All lines.
#[task]
fn list(lines: Sequence<String>) -> Result<Vec<String>, TaskError> {
    lines.to_vec()
}

/// Commands whose parts come from different places.
#[task]
fn run_command(command: Vec<String>) -> String {
    command.join(" ")
}

/// Where files are.
#[task]
fn home() -> String {
    "/home/ann".into()
}

/// A line for each fruit.
#[dag(tags = ["example"])]
fn price_list(#[param(default = "cent")] currency: Param<String>) -> Output<Vec<String>> {
    list(line.expand((prices(), fixed(currency))))
}

/// References stand inside literal lists.
#[dag(tags = ["example"])]
fn commands(#[param(default = "/etc/passwd")] file: Param<String>) -> Output<Vec<String>> {
    let commands = [["ls".into_arg(), home().into_arg()], ["cat".into_arg(), file.into_arg()]];
    list(run_command.expand(commands))
}

waft::bundle!(price_list, commands);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_price() {
        let lines: Vec<String> = prices::body().into_iter().map(|price| line::body(price, "cent".into())).collect();
        assert_eq!(list::body(lines.into()).unwrap(), ["apple: 30 cent", "banana: 25 cent", "cherry: 2 cent"]);
    }

    #[test]
    fn a_command_is_a_list() {
        assert_eq!(run_command::body(vec!["ls".into(), home::body()]), "ls /home/ann");
    }
}
