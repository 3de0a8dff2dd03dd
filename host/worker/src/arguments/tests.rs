use std::sync::atomic::Ordering;

use model::document::{OutputSource, Source};
use model::limits::worker::ITEM_CALLS_MAX;
use model::place::{Level, Span};
use model::{Dag, Key, MapIndex};
use sandbox::ItemAnswer;
use serde_json::json;

use super::*;
use crate::doubles::{Values, Variables, run_of};

/// Tasks with what surrounds them, and what upstream tasks have left.
struct World {
    run: ClaimedRun,
    values: Arc<Values>,
    reader: ArgumentReader,
}

impl World {
    fn of(dag: Dag) -> Self {
        let run = Arc::into_inner(run_of(dag, model::Digest::of(b""))).expect("nobody else has it");
        let values = Arc::new(Values::default());
        let variables = [("plain", "two words"), ("list", "[10, 20]"), ("db_password", "hunter2")];
        let variables = variables.map(|(name, text)| (Key::new(name).expect("a name"), text.to_owned()));
        let reader = ArgumentReader {
            values: values.clone(),
            variables: Arc::new(Variables(variables.into())),
            blobs: BlobStore::in_memory(),
            items: ItemCache::new(),
        };
        Self { run, values, reader }
    }

    /// Tasks `a` and `b` without arguments, and a task `t` with this.
    fn with(task: serde_json::Value) -> Self {
        Self::new(json!([]), json!([{"task_id": "a"}, {"task_id": "b"}, task]))
    }

    fn new(groups: serde_json::Value, tasks: serde_json::Value) -> Self {
        let document = json!({
            "schema": model::document::SCHEMA, "dag_id": "fixture", "groups": groups, "tasks": tasks,
            "params": {"p": {"schema": true}},
        });
        let document = serde_json::from_value(document).expect("a document");
        Self::of(Dag::check(document).unwrap_or_else(|problems| panic!("not a legal DAG: {problems:#?}")).0)
    }

    /// What these instances of a task are called with.
    async fn arguments(&self, task: &str, places: &[Place]) -> Vec<Result<Arguments, ArgumentError>> {
        let answers = Arc::new(ItemAnswers::default());
        let made = self.made(task, places.iter().map(|place| (place.clone(), answers.clone()))).await;
        let arguments = |made| match made {
            Made::Arguments(arguments) => Ok(arguments),
            Made::Refused(error) => Err(error),
            Made::Calls(calls) => panic!("nobody calls bodies here: {calls:?}"),
        };
        made.into_iter().map(arguments).collect()
    }

    async fn made(&self, task: &str, instances: impl Iterator<Item = (Place, Arc<ItemAnswers>)>) -> Vec<Made> {
        let node = self.run.dag.find(task).expect("a task");
        let instances: Vec<_> = instances.map(|(place, answers)| Wanting { place, answers }).collect();
        match self.reader.resolve(&self.run, node, &instances).await {
            Ok(made) => made,
            Err(error) => instances.iter().map(|_| Made::Refused(error.clone())).collect(),
        }
    }

    /// The arguments of one instance whose items pass through bodies, and how often these were called in each round.
    async fn through(
        &self,
        task: &str,
        place: Place,
        body: impl Fn(&str, &str) -> ItemAnswer,
    ) -> (Result<String, String>, Vec<usize>) {
        let (mut answers, mut rounds) = (Arc::new(ItemAnswers::default()), Vec::new());
        loop {
            match self.made(task, std::iter::once((place.clone(), answers.clone()))).await.remove(0) {
                Made::Arguments(arguments) => return (Ok(arguments.text), rounds),
                Made::Refused(error) => return (Err(error.to_string()), rounds),
                Made::Calls(Calls { calls, .. }) => {
                    rounds.push(calls.len());
                    let made = calls.iter().map(|call| body(call.entrypoint.as_str(), &call.item)).collect();
                    answers = Arc::new(answers.with(calls, made));
                }
            }
        }
    }

    /// The same as texts; without a level for an unmapped task.
    async fn texts(&self, task: &str, places: &[Place]) -> Vec<String> {
        let made = self.arguments(task, places).await;
        made.into_iter().map(|made| made.map_or_else(|error| error.to_string(), |made| made.text)).collect()
    }

    async fn check(&self, task: &str, expect: &[&str]) {
        let is_mapped = self.run.dag.node(self.run.dag.find(task).expect("a task")).scope != ScopeIdx::RUN;
        let places: Vec<_> = (0..expect.len() as u32).map(|index| at(is_mapped.then_some(index))).collect();
        assert_eq!(self.texts(task, &places).await, expect);
    }
}

fn at(index: Option<u32>) -> Place {
    Place::of_index(index.map_or(MapIndex::NONE, MapIndex::at))
}

fn inside(levels: &[(u32, u32)], spans: Vec<Span>) -> Place {
    let levels = levels.iter().map(|(context, position)| Level { context: *context, position: *position });
    Place::new(levels, (!spans.is_empty()).then(|| spans.into()))
}

fn list(items: serde_json::Value) -> serde_json::Value {
    json!({"literal": items})
}

fn product(args: &[(&str, serde_json::Value)]) -> serde_json::Value {
    json!({"product": expanded(args)})
}

fn expanded(args: &[(&str, serde_json::Value)]) -> Vec<serde_json::Value> {
    args.iter().map(|(arg, source)| json!({"arg": arg, "source": source})).collect()
}

#[tokio::test]
async fn a_product_is_row_major_with_the_last_argument_fastest() {
    let expand = product(&[("a", list(json!([1, 2]))), ("b", list(json!(["p", "q", "r"])))]);
    let world = World::with(json!({"task_id": "t", "args": {"x": {"literal": 5}}, "expand": expand}));
    let all = [
        r#"{"x":5,"a":1,"b":"p"}"#,
        r#"{"x":5,"a":1,"b":"q"}"#,
        r#"{"x":5,"a":1,"b":"r"}"#,
        r#"{"x":5,"a":2,"b":"p"}"#,
        r#"{"x":5,"a":2,"b":"q"}"#,
        r#"{"x":5,"a":2,"b":"r"}"#,
        r#"argument "a" has no item 2; its list has 2"#,
    ];
    world.check("t", &all).await;
}

#[tokio::test]
async fn members_of_an_object_come_as_pairs() {
    let world = World::with(json!({"task_id": "t",
        "args": {"k": {"map_item": "key"}, "v": {"map_item": "value"}, "i": {"map_item": "index"}},
        "expand": product(&[("pair", json!({"conf": "/files"}))])}));
    let world = World { run: ClaimedRun { conf: r#"{"files": {"k": 1, "j": [2]}}"#.into(), ..world.run }, ..world };
    let expect = [r#"{"k":"k","v":1,"i":0,"pair":["k",1]}"#, r#"{"k":"j","v":[2],"i":1,"pair":["j",[2]]}"#];
    world.check("t", &expect).await;
    let made = world.arguments("t", &[at(Some(1))]).await;
    assert_eq!(made[0].as_ref().expect("arguments").map_key.as_deref(), Some("\"j\""));
}

#[tokio::test]
async fn zip_goes_as_far_as_the_shortest_or_fills() {
    let args = expanded(&[("a", list(json!([1, 2]))), ("b", list(json!(["p"])))]);
    let world = World::with(json!({"task_id": "t", "expand": {"zip": {"args": args}}}));
    world.check("t", &[r#"{"a":1,"b":"p"}"#]).await;
    let world = World::with(json!({"task_id": "t",
        "args": {"all": {"map_item": "value"}}, "expand": {"zip": {"args": args, "fill": null}}}));
    let expect = [r#"{"all":{"a":1,"b":"p"},"a":1,"b":"p"}"#, r#"{"all":{"a":2,"b":null},"a":2,"b":null}"#];
    world.check("t", &expect).await;
}

#[tokio::test]
async fn each_gives_several_arguments() {
    let task = |overriding| {
        json!({"task_id": "t", "args": {"x": {"literal": 1}, "y": {"literal": 2}},
            "expand": {"each": {"source": {"output": {"task": "a"}}, "overriding": overriding}}})
    };
    let left = r#"[{"x": 7, "z": [8]}, {"z": 9}, 3]"#;
    let world = World::with(task(true));
    world.values.put(0, -1, left);
    let not_an_object = "item 2 is a number, and `each` needs an object of arguments";
    world.check("t", &[r#"{"y":2,"x":7,"z":[8]}"#, r#"{"x":1,"y":2,"z":9}"#, not_an_object]).await;
    let world = World::with(task(false));
    world.values.put(0, -1, left);
    let twice =
        "duplicate-argument: the item gives argument \"x\", which `args` gives too; remove one, or set `overriding`";
    world.check("t", &[twice, r#"{"x":1,"y":2,"z":9}"#]).await;
}

/// The proposals' own form: commands that hold what other tasks left.
#[tokio::test]
async fn references_stand_in_lists() {
    let commands = json!({"list": [
        {"list": [{"literal": "ls"}, {"output": {"task": "a"}}]},
        {"list": [{"literal": "echo"}, {"object": [["b", {"output": {"task": "b"}}]]}]},
    ]});
    let world = World::with(json!({"task_id": "t", "expand": product(&[("command", commands)])}));
    world.values.put(0, -1, "\"/home\"");
    world.check("t", &[r#"{"command":["ls","/home"]}"#, r#"{"command":["echo",{"b":null}]}"#]).await;
}

#[tokio::test]
async fn items_that_are_missing_keep_their_place() {
    let a = json!({"task_id": "a", "expand": product(&[("n", list(json!([1, 2, 3])))])});
    let concat = json!({"concat": [{"output": {"task": "a"}}, {"literal": {"k": 1}}]});
    let zip = json!({"zip": {"sources": [{"output": {"task": "a"}}, {"literal": [4, 5]}], "fill": "-"}});
    let tasks = json!([a,
        {"task_id": "c", "expand": product(&[("x", concat.clone())])},
        {"task_id": "z", "expand": product(&[("x", zip.clone())])},
        {"task_id": "whole", "args": {"c": concat, "z": zip}}]);
    let world = World::new(json!([]), tasks);
    world.values.put(0, 0, "\"x\"");
    world.values.put(0, 2, "null");
    world.values.lengths.lock().expect("no panic").insert(NodeIdx(0), 3);
    let missing = "no-item: what this instance is mapped over left no value";
    world.check("c", &[r#"{"x":"x"}"#, missing, r#"{"x":null}"#, r#"{"x":["k",1]}"#]).await;
    world.check("z", &[r#"{"x":["x",4]}"#, missing, r#"{"x":[null,"-"]}"#]).await;
    world.check("whole", &[r#"{"c":["x",null,["k",1]],"z":[["x",4],[null,"-"]]}"#]).await;
}

#[tokio::test]
async fn variables_params_and_conf() {
    let args = json!({"v": {"variable": "plain"}, "p": {"param": "p"}, "none": {"conf": "/no/where"}});
    let expand = product(&[("n", json!({"variable": "list"}))]);
    let world = World::with(json!({"task_id": "t", "args": args, "expand": expand}));
    world
        .check(
            "t",
            &[r#"{"v":"two words","p":null,"none":null,"n":10}"#, r#"{"v":"two words","p":null,"none":null,"n":20}"#],
        )
        .await;
    let world = World::with(json!({"task_id": "t", "args": {"v": {"variable": "gone"}}}));
    world.check("t", &["variable gone does not exist; set it, and clear the task"]).await;
}

/// Bodies that the tests below let items pass through.
fn body(entrypoint: &str, item: &str) -> ItemAnswer {
    let number = item.parse::<i64>();
    let value = |text: String| ItemAnswer::Value(Some(text.into()));
    match (entrypoint, number) {
        ("twice", Ok(number)) => value((2 * number).to_string()),
        ("twice", Err(_)) => value(format!("[{item},{item}]")),
        ("is_even", Ok(number)) => value((number % 2 == 0).to_string()),
        ("nothing_for_3", Ok(3)) => ItemAnswer::Value(None),
        ("nothing_for_3", Ok(4)) => ItemAnswer::Skipped("4 is not wanted".to_owned()),
        _ => value(item.to_owned()),
    }
}

fn through(word: &str, entrypoint: &str, source: serde_json::Value) -> serde_json::Value {
    json!({word: {"source": source, "entrypoint": entrypoint}})
}

#[tokio::test]
async fn items_pass_through_bodies_in_as_many_rounds_as_there_are_bodies() {
    let source = through("map", "twice", through("filter", "is_even", list(json!([1, 2, 3, 4]))));
    let world = World::with(json!({"task_id": "t", "expand": product(&[("n", source)])}));
    let world = &world;
    let check = async |index, expect: Result<&str, &str>, rounds: &[usize]| {
        let (text, called) = world.through("t", at(Some(index)), body).await;
        assert_eq!((text.as_deref().map_err(String::as_str), &*called), (expect, rounds), "{index}");
    };
    let filtered = "filtered-out: body is_even answered false for the item";
    check(0, Err(filtered), &[1]).await;
    check(1, Ok(r#"{"n":4}"#), &[1, 1]).await;
    check(3, Ok(r#"{"n":8}"#), &[1, 1]).await;
    let past = "argument \"n\" has no item 4; its list has 4";
    check(4, Err(past), &[]).await;
}

#[tokio::test]
async fn no_value_and_a_skip_of_a_body_hit_that_index_alone() {
    let source = || through("map", "nothing_for_3", list(json!([2, 3, 4])));
    let zip = json!({"zip": {"sources": [source(), {"literal": ["a", "b", "c"]}]}});
    let world = World::new(
        json!([]),
        json!([{"task_id": "t", "expand": product(&[("n", source())])},
            {"task_id": "z", "expand": product(&[("n", zip)])},
            {"task_id": "whole", "args": {"all": source(), "big": through("map", "twice", list(json!([1, 1])))}}]),
    );
    let nothing = "no-item: what this instance is mapped over left no value";
    for (task, expect) in
        [("t", [r#"{"n":2}"#, nothing, "4 is not wanted"]), ("z", [r#"{"n":[2,"a"]}"#, nothing, "4 is not wanted"])]
    {
        for (index, expect) in (0..).zip(expect) {
            let (text, _) = world.through(task, at(Some(index)), body).await;
            assert_eq!(text.unwrap_or_else(|error| error), expect);
        }
    }
    let (text, rounds) = world.through("whole", at(None), body).await;
    assert_eq!((text.as_deref(), rounds), (Ok(r#"{"all":[2],"big":[2,2]}"#), vec![4]), "the same item once");
}

#[tokio::test]
async fn members_of_an_object_pass_as_pairs_and_keep_their_key_where_they_are_only_filtered() {
    let object = || json!({"conf": ""});
    let args = json!({"k": {"map_item": "key"}});
    let world = World::new(
        json!([]),
        json!([{"task_id": "f", "args": args, "expand": product(&[("p", through("filter", "yes", object()))])},
            {"task_id": "m", "args": args, "expand": product(&[("p", through("map", "twice", object()))])}]),
    );
    let world = World { run: ClaimedRun { conf: r#"{"x": 1}"#.into(), ..world.run }, ..world };
    let answer = |entrypoint: &str, item: &str| match entrypoint {
        "yes" => ItemAnswer::Value(Some("true".into())),
        _ => body(entrypoint, item),
    };
    let (text, _) = world.through("f", at(Some(0)), answer).await;
    assert_eq!(text.as_deref(), Ok(r#"{"k":"x","p":["x",1]}"#));
    let (text, _) = world.through("m", at(Some(0)), answer).await;
    assert_eq!(text.as_deref(), Ok(r#"{"k":0,"p":[["x",1],["x",1]]}"#));
}

#[tokio::test]
async fn a_long_list_passes_in_several_messages() {
    let n = ITEM_CALLS_MAX + 7;
    let world = World::with(json!({"task_id": "t", "args": {"all": through("map", "twice", json!({"conf": "/n"}))}}));
    let numbers: Vec<usize> = (0..n).collect();
    let world = World { run: ClaimedRun { conf: json!({"n": numbers}).to_string().into(), ..world.run }, ..world };
    let (text, rounds) = world.through("t", at(None), body).await;
    assert_eq!(rounds, [ITEM_CALLS_MAX, 7]);
    let text = text.expect("arguments");
    assert!(text.starts_with(r#"{"all":[0,2,4,"#) && text.ends_with(&format!("{}]}}", 2 * (n - 1))), "{}", text.len());
}

#[tokio::test]
async fn values_of_variables_with_the_name_of_a_secret_are_hidden() {
    let world =
        World::with(json!({"task_id": "t", "args": {"a": {"variable": "plain"}, "b": {"variable": "db_password"}}}));
    let made = world.arguments("t", &[at(None)]).await.remove(0).expect("arguments");
    assert_eq!(made.secrets, [Arc::from("\"hunter2\"")]);
}

/// `g` is mapped over the lists of `a`, `one` runs in it, `many` is mapped over the list that `g` has.
fn nested() -> World {
    let g = json!({"group_id": "g", "args": {"fixed": {"output": {"task": "b"}}, "index": {"map_item": "index"}},
        "expand": product(&[("x", json!({"output": {"task": "a"}}))])});
    let arg = |arg: &str| json!({"group_arg": {"group": "g", "arg": arg}});
    let tasks = json!([
        {"task_id": "a"}, {"task_id": "b"},
        {"task_id": "one", "group": "g", "args": {"x": arg("x"), "fixed": arg("fixed"), "index": arg("index")}},
        {"task_id": "two", "group": "g", "args": {"one": {"output": {"task": "one"}}}},
        {"task_id": "many", "group": "g", "expand": product(&[("n", arg("x")), ("m", list(json!(["p", "q"])))])},
        {"task_id": "sum", "group": "g", "args": {"all": {"output": {"task": "many"}}}},
        {"task_id": "end", "args": {"all": {"output": {"task": "many"}}}},
    ]);
    let world = World::new(json!([g]), tasks);
    world.values.put(0, -1, "[[1, 2], [3]]");
    world.values.put(1, -1, "true");
    world
}

#[tokio::test]
async fn tasks_of_a_mapped_group_take_what_it_is_mapped_over() {
    let world = nested();
    let places = [inside(&[(0, 0)], vec![]), inside(&[(1, 1)], vec![])];
    let expect = [r#"{"fixed":true,"x":[1, 2],"index":0}"#, r#"{"fixed":true,"x":[3],"index":1}"#];
    assert_eq!(world.texts("one", &places).await, expect);
    assert_eq!(world.values.rows_read.load(Ordering::SeqCst), 2, "each value is read once");
    // Depth first: each takes what its own context left.
    world.values.put(2, 1, "\"of 1\"");
    assert_eq!(world.texts("two", &places).await, [r#"{"one":null}"#, r#"{"one":"of 1"}"#]);
}

#[tokio::test]
async fn tasks_are_mapped_inside_a_mapped_group() {
    let world = nested();
    // The context with one item was expanded first.
    let places = [(1, 1, 0, 0), (1, 1, 1, 1), (0, 0, 2, 0), (0, 0, 3, 1), (0, 0, 5, 3)];
    let places = places.map(|(group, of_group, own, of_own)| inside(&[(group, of_group), (own, of_own)], vec![]));
    let expect =
        [r#"{"n":3,"m":"p"}"#, r#"{"n":3,"m":"q"}"#, r#"{"n":1,"m":"p"}"#, r#"{"n":1,"m":"q"}"#, r#"{"n":2,"m":"q"}"#];
    assert_eq!(world.texts("many", &places).await, expect);
}

#[tokio::test]
async fn a_sequence_holds_what_one_context_left() {
    let world = nested();
    let many = world.run.dag.find("many").expect("a task");
    for index in [0, 1, 3, 4, 5] {
        world.values.put(many.0, index, &format!("{}", index * 10));
    }
    world.values.lengths.lock().expect("no panic").insert(many, 6);
    let place = |context, first, end| inside(&[(context, context)], vec![Span::new(many, std::iter::once(first..end))]);
    let made = world.arguments("sum", &[place(0, 2, 6), place(1, 0, 2)]).await;
    let made: Vec<_> = made.into_iter().map(|made| made.expect("arguments")).collect();
    assert_eq!(made[0].text, r#"{"all":{"$waft":"sequence","id":0,"len":3}}"#);
    assert_eq!(made[1].text, r#"{"all":{"$waft":"sequence","id":0,"len":2}}"#);
    let outside = inside(&[], vec![Span::new(many, [2..6, 0..2])]);
    let all = world.arguments("end", &[outside]).await.remove(0).expect("arguments");
    let mut read = Vec::new();
    loop {
        let page = all.sequences[0].page(&*world.values, &world.run, read.len() as u64, 2).await.expect("a page");
        if page.is_empty() {
            break;
        }
        read.extend(page.iter().map(|row| row.map_index.number()));
    }
    assert_eq!(read, [3, 4, 5, 0, 1], "in the order of paths, without holes");
}

/// The texts of `n` outputs of one task of so many bytes, and how many values were read.
async fn outputs(n: usize, bytes: usize) -> (Result<usize, String>, usize) {
    let mut document = testkit::dag::document("big -> eat");
    let output = |number: usize| {
        let key = Key::new(format!("k{number}")).expect("a name");
        Source::Output(OutputSource { task: model::TaskId::new("big").expect("a name"), key: Some(key) })
    };
    let list = Source::List((0..n).map(output).collect());
    document.tasks[1].args.insert(Key::new("all").expect("a name"), list);
    let world = World::of(Dag::check(document).expect("a legal DAG").0);
    world.values.put(0, -1, &format!("\"{}\"", "x".repeat(bytes - 2)));
    let made = world.arguments("eat", &[at(None)]).await.remove(0);
    let refused = |error: ArgumentError| match error {
        ArgumentError::Invalid(why) => why,
        other => panic!("the values are there: {other}"),
    };
    (made.map(|made| made.text.len()).map_err(refused), world.values.rows_read.load(Ordering::SeqCst))
}

#[tokio::test]
async fn many_outputs_of_a_big_value_are_refused_before_they_are_put_together() {
    const BIG: usize = 64 << 10;
    let (made, reads) = outputs(10, BIG).await;
    assert_eq!((made.map(|length| length > 10 * BIG), reads), (Ok(true), 10));
    let (made, reads) = outputs(10_000, BIG).await;
    assert!(made.expect_err("more than arguments may have").contains(&TEXT_MAX_BYTES.to_string()));
    assert!(reads <= 2 * TEXT_MAX_BYTES / BIG, "{reads} values were read");
}

#[tokio::test]
async fn a_batch_reads_the_values_that_it_needs_once() {
    let world = World::of(testkit::dag::dag("a: expand(9)\nb: expand(a, 2)"));
    (0..9).for_each(|index| world.values.put(0, index, &index.to_string()));
    world.values.lengths.lock().expect("no panic").insert(NodeIdx(0), 9);
    let places: Vec<_> = [2, 3, 4, 5, 14, 15].map(|index| at(Some(index))).into();
    let texts = world.texts("b", &places).await;
    assert_eq!(texts[4], r#"{"expand0":7,"expand1":0}"#);
    assert_eq!(world.values.rows_read.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn sources_that_name_the_same_values_share_a_sequence() {
    let dag = testkit::dag::dag(
        "
        list -> many -> few, sum
        many: expand(list)
        few: expand(list)
        sum: args(many, few, many)
        few -> sum
    ",
    );
    let made = World::of(dag).arguments("sum", &[at(None)]).await.remove(0).expect("arguments");
    assert_eq!(made.sequences.len(), 2);
    let text = made.text;
    assert_eq!((text.matches(r#""id":0"#).count(), text.matches(r#""id":1"#).count()), (2, 1), "{text}");
}
