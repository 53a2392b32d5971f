//! What is wrong with a document: where, and what.
//!
//! A document's mistakes are collected, never reported one at a time.

use super::limits::REPORT_LINES;
use std::cell::RefCell;
use std::fmt;

/// One mistake in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, as in `plans[2].features[0].limit`.
    pub path: String,
    /// What, as a lower-case phrase.
    pub problem: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.problem)
    }
}

/// Message and detail of the error that reports these problems.
pub fn summary(problems: &[Problem]) -> (String, String) {
    let count = problems.len();
    let noun = if count == 1 { "error" } else { "errors" };
    let mut lines: Vec<String> = problems
        .iter()
        .take(REPORT_LINES)
        .map(Problem::to_string)
        .collect();
    if count > REPORT_LINES {
        lines.push(format!("and {} more", count - REPORT_LINES));
    }
    (format!("catalog has {count} {noun}"), lines.join("\n"))
}

/// Collects problems and warnings while a document is read.
#[derive(Debug, Default)]
pub(super) struct Notes {
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<String>>,
}

impl Notes {
    /// Notes a mistake that refuses the document.
    pub(super) fn problem(&self, path: impl Into<String>, problem: impl Into<String>) {
        self.problems.borrow_mut().push(Problem {
            path: path.into(),
            problem: problem.into(),
        });
    }

    /// Notes something odd that does not refuse the document.
    pub(super) fn warn(&self, path: &str, warning: &str) {
        self.warnings
            .borrow_mut()
            .push(format!("{path}: {warning}"));
    }

    /// The problems, else the value with the warnings.
    pub(super) fn settle<T>(self, value: T) -> Result<(T, Vec<String>), Vec<Problem>> {
        let problems = self.problems.into_inner();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut warnings = self.warnings.into_inner();
        if warnings.len() > REPORT_LINES {
            let more = warnings.len() - REPORT_LINES;
            warnings.truncate(REPORT_LINES);
            warnings.push(format!("and {more} more"));
        }
        Ok((value, warnings))
    }
}
