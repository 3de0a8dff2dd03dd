//! Query strings, strictly: every parameter that nobody takes is an error, and all errors are told at once.

use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use control::PageRequest;
use model::Problem;
use model::limits::http::{OFFSET_MAX, PAGE_DEFAULT, PAGE_MAX};

use crate::problem::{Failure, HttpFault};

/// Parameters of Airflow's API that Waft does not honour yet; saying so is better than ignoring a filter.
const NOT_YET: &[&str] = &[
    "bundle_version",
    "dag_run_end_date_gte",
    "dag_run_end_date_lte",
    "dag_run_start_date_gte",
    "dag_run_start_date_lte",
    "dag_run_state",
    "executor",
    "partition_key_pattern",
    "rendered_map_index_pattern",
    "triggered_by",
    "triggering_user_name_pattern",
    "updated_at_gte",
    "updated_at_lte",
];

/// The parameters of a request. Take each that there may be, then call [`QueryReader::finish`].
#[derive(Debug)]
pub(crate) struct QueryReader {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    problems: Vec<Problem>,
    /// For members of a body: what those are called there that have another name here.
    told: Option<&'static [(&'static str, &'static str)]>,
}

impl<S: Send + Sync> FromRequestParts<S> for QueryReader {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Query(pairs) = Query::from_request_parts(parts, state).await.map_err(|_| {
            HttpFault::new(StatusCode::BAD_REQUEST, SLUG, TITLE, "the query string cannot be read; check its escapes")
        })?;
        Ok(Self { pairs, known: Vec::new(), problems: Vec::new(), told: None })
    }
}

const SLUG: &str = "invalid-query";
const TITLE: &str = "The query is not valid";

impl QueryReader {
    /// Members of a body that are read like parameters; `told` says what those are called there that have another name here.
    pub(crate) fn of_body(pairs: Vec<(String, String)>, told: &'static [(&'static str, &'static str)]) -> Self {
        Self { pairs, known: Vec::new(), problems: Vec::new(), told: Some(told) }
    }

    /// All values of a parameter.
    pub(crate) fn many<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Option<T>, rule: &str) -> Vec<T> {
        self.known.push(name);
        let mut values = Vec::new();
        let (found, rest) = std::mem::take(&mut self.pairs).into_iter().partition(|(found, _)| found == name);
        self.pairs = rest;
        let found: Vec<(String, String)> = found;
        for (_, text) in found {
            match parse(&text) {
                Some(value) => values.push(value),
                None => self.refuse(name, format!("{:?} is not valid: {rule}", shortened(&text))),
            }
        }
        values
    }

    /// The value of a parameter that stands at most once.
    pub(crate) fn one<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Option<T>, rule: &str) -> Option<T> {
        let mut values = self.many(name, parse, rule);
        if values.len() > 1 {
            self.refuse(name, "it stands more than once".to_owned());
        }
        values.pop()
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, name: &'static str) -> Option<bool> {
        let parse = |text: &str| match text {
            "true" | "True" | "1" => Some(true),
            "false" | "False" | "0" => Some(false),
            _ => None,
        };
        self.one(name, parse, "say true or false")
    }

    /// `limit` and `offset`.
    pub(crate) fn page(&mut self) -> PageRequest {
        // Some clients write a number that they do not have as nothing.
        let number = |text: &str| if text.is_empty() { Some(None) } else { text.parse::<u32>().ok().map(Some) };
        let limit = self.one("limit", number, "say how many, as a number").flatten();
        let rule = format!("say how many to pass over, as a number, at most {OFFSET_MAX}; filter for what lies beyond");
        let few = |offset: &Option<u32>| offset.is_none_or(|offset| offset <= OFFSET_MAX);
        let offset = self.one("offset", |text| number(text).filter(few), &rule).flatten();
        PageRequest { limit: limit.unwrap_or(PAGE_DEFAULT).min(PAGE_MAX), offset: offset.unwrap_or(0) }
    }

    /// `order_by`: the index of the field in `fields`, and whether it was preceded by `-`.
    pub(crate) fn order_by(&mut self, fields: &[&str]) -> Option<(usize, bool)> {
        let parse = |text: &str| {
            let (field, is_descending) = text.strip_prefix('-').map_or((text, false), |field| (field, true));
            Some((fields.iter().position(|known| *known == field)?, is_descending))
        };
        let rule = format!("order by one of {}, with - before it for descending order", fields.join(", "));
        self.one("order_by", parse, &rule)
    }

    /// Adds a problem.
    pub(crate) fn refuse(&mut self, name: &str, message: String) {
        self.problems.push(Problem::error("invalid-query-parameter", name, message));
    }

    /// Tells all that is wrong.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            let name = shortened(&name);
            if NOT_YET.contains(&name.as_str()) {
                self.problems.push(Problem::error(
                    "not-available-yet",
                    name,
                    "this parameter is not honoured yet; leave it out",
                ));
            } else {
                let known = if self.known.is_empty() { "none".to_owned() } else { self.known.join(", ") };
                let message = format!("there is no such parameter here; known are: {known}");
                self.problems.push(Problem::error("unknown-query-parameter", name, message));
            }
        }
        if self.problems.is_empty() {
            return Ok(());
        }
        let detail: Vec<_> =
            self.problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
        if let Some(told) = self.told {
            for problem in &mut self.problems {
                let name = told.iter().find(|(name, _)| *name == problem.path).map_or(problem.path.as_str(), |it| it.1);
                problem.path = format!("/{name}");
            }
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            let fault = HttpFault::new(status, "invalid-body", "The body is not valid", detail.join("; "));
            return Err(HttpFault { problems: self.problems, ..fault }.into());
        }
        let fault = HttpFault::new(StatusCode::BAD_REQUEST, SLUG, TITLE, detail.join("; "));
        Err(HttpFault { problems: self.problems, ..fault }.into())
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}
