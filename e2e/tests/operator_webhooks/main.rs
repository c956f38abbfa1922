//! A real API server asks the operator before it stores anything: MetalLB's rows W1 to W19, conversion, two replicas, and
//! what happens without an operator.

mod away;
mod cluster;
mod replicas;
mod rows;
mod suites;
mod versions;

use anyhow::Result;

#[test]
fn rows_w1_to_w19_with_two_replicas_by_turns() -> Result<()> {
    rows::w1_to_w19()
}

#[test]
fn what_one_replica_admitted_the_other_one_knows() -> Result<()> {
    replicas::by_turns()
}

// frr-k8s webhooks
#[test]
fn frr_k8s_suites_pass_with_the_webhooks_on() -> Result<()> {
    suites::through_the_api_server()
}

#[test]
fn conversion_loses_nothing() -> Result<()> {
    versions::conversion_loses_nothing()
}

#[test]
fn an_operator_that_is_away_blocks_only_what_must_be_judged() -> Result<()> {
    away::an_operator_that_is_away_blocks_only_what_must_be_judged()
}

#[test]
fn what_is_stored_as_v1beta1_is_migrated() -> Result<()> {
    versions::what_is_stored_as_v1beta1_is_migrated()
}
