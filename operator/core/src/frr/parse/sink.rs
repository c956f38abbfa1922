//! Gathers everything that is wrong with one object.

use super::error::{ContributionError, ContributionWarning};
use crate::problem::{FieldPath, ObjectRef, Problem};

/// What was found so far.
pub(super) struct Sink<'a> {
    object: &'a ObjectRef,
    pub errors: Vec<Problem>,
    pub warnings: Vec<Problem>,
}

impl<'a> Sink<'a> {
    pub(super) fn new(object: &'a ObjectRef) -> Self {
        Self { object, errors: Vec::new(), warnings: Vec::new() }
    }

    pub(super) fn error(&mut self, field: FieldPath, why: impl Into<ContributionError>) {
        self.errors.push(Problem::error(self.object, field, &why.into()));
    }

    pub(super) fn warn(&mut self, field: FieldPath, why: &ContributionWarning) {
        self.warnings.push(Problem::warning(self.object, field, why));
    }

    /// The value, or nothing and an error.
    pub(super) fn take<T>(
        &mut self,
        field: &FieldPath,
        result: Result<T, impl Into<ContributionError>>,
    ) -> Option<T> {
        result.map_err(|why| self.error(field.clone(), why)).ok()
    }

    /// Holds a list to the length that its schema allows.
    pub(super) fn at_most(&mut self, field: &FieldPath, given: usize, limit: usize) {
        if given > limit {
            self.error(field.clone(), ContributionError::TooMany { given, limit });
        }
    }
}
