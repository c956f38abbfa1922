//! Route distinguishers and route targets (RFC 4364, 4.2; RFC 4360), checked by CEL in the API server.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

const ONE_COLON: &str = "self.split(':').size() == 2";
const ADMINISTRATOR: &str =
    "self.split(':').size() != 2 || (isIP(self.split(':')[0]) || self.split(':')[0].matches('[0-9]+'))";
const ADMINISTRATOR_OR_ANY: &str = "self.split(':').size() != 2 || (self.startsWith('*:') || isIP(self.split(':')[0]) \
     || self.split(':')[0].matches('[0-9]+'))";
const NUMBER: &str = "self.split(':').size() != 2 || self.split(':')[1].matches('[0-9]+')";
const ANY: &str = "self.split(':').size() != 2 || !self.startsWith('*:') || (self.split(':')[1].matches('[0-9]+') \
     && uint(self.split(':')[1]) <= 4294967295u)";
const IPV4: &str = "self.split(':').size() != 2 || !self.split(':')[0].contains('.') \
     || (self.split(':')[1].matches('[0-9]+') && uint(self.split(':')[1]) <= 65535u)";
const NUMBERS: &str = "self.split(':')[0].contains('.') || !self.split(':')[0].matches('[0-9]+') \
     || !self.split(':')[1].matches('[0-9]+')";
const LARGE_ASN: &str = "uint(self.split(':')[0]) <= 65535u || uint(self.split(':')[1]) <= 65535u";
const SMALL_ASN: &str = "uint(self.split(':')[0]) > 65535u || uint(self.split(':')[1]) <= 4294967295u";

/// A route distinguisher.
pub(crate) fn route_distinguisher(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "maxLength": 21, "x-kubernetes-validations": rules("RD", false) })
}

/// Route targets to import: the first part may be `*`.
pub(crate) fn import_route_targets(_: &mut SchemaGenerator) -> Schema {
    route_targets(true)
}

/// Route targets to export.
pub(crate) fn export_route_targets(_: &mut SchemaGenerator) -> Schema {
    route_targets(false)
}

fn route_targets(any: bool) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 100,
        "items": { "type": "string", "maxLength": 21, "x-kubernetes-validations": rules("RT", any) },
    })
}

/// The rules and their messages, which are those of frr-k8s: tools match them.
fn rules(what: &str, any: bool) -> Value {
    let (administrator, expected) = if any {
        (ADMINISTRATOR_OR_ANY, "'*', an IPv4 address, or a number")
    } else {
        (ADMINISTRATOR, "an IPv4 address or a number")
    };
    let unless_any = if any { "self.startsWith('*:') || " } else { "" };
    let asn = |limit| format!("self.split(':').size() != 2 || {unless_any}{NUMBERS} || {limit}");
    let rule = |message: &str, rule: &str| json!({ "message": format!("{what} {message}"), "rule": rule });
    let mut rules = vec![
        rule("must contain exactly one colon", ONE_COLON),
        rule(&format!("global administrator must be either {expected}"), administrator),
        rule("local administrator must be a number", NUMBER),
        rule("with IPv4 global administrator must have format A.B.C.D:MN where MN <= 65535", IPV4),
        rule(
            "with 4-byte ASN global administrator must have format GHJK:MN where GHJK <= 4294967295 and MN <= 65535",
            &asn(LARGE_ASN),
        ),
        rule(
            "with 2-byte ASN global administrator must have format EF:OPQR where EF <= 65535 and OPQR <= 4294967295",
            &asn(SMALL_ASN),
        ),
    ];
    if any {
        rules.insert(
            3,
            rule("with wildcard global administrator must have format *:OPQR where OPQR <= 4294967295", ANY),
        );
    }
    Value::Array(rules)
}
