//! Years in a moment.

use super::*;

const NAME: &str = "metallb-webhook-service.metallb-system.svc";
const NOW: Seconds = 1_800_000_000;

fn trusted(material: &Material) -> usize {
    material.authorities.matches("BEGIN CERTIFICATE").count()
}

#[test]
fn a_certificate_lasts_a_year_and_is_renewed_90_days_ahead() {
    let made = Material::new(None, NAME, NOW).unwrap();
    assert_eq!(made.due(NAME, NOW), Due::Nothing);
    assert_eq!(made.due(NAME, NOW + 274 * DAY), Due::Nothing);
    assert_eq!(made.due(NAME, NOW + 276 * DAY), Due::Certificate);
    let renewed = made.renewed(NAME, NOW + 276 * DAY).unwrap();
    assert_eq!(renewed.due(NAME, NOW + 276 * DAY), Due::Nothing);
    assert_eq!(renewed.authorities, made.authorities);
    assert_ne!(renewed.certificate, made.certificate);
}

#[test]
fn an_authority_lasts_ten_years_and_the_old_one_is_trusted_beside_the_new() {
    let made = Material::new(None, NAME, NOW).unwrap();
    let late = NOW + 3561 * DAY;
    let renewed = made.renewed(NAME, late).unwrap();
    assert_eq!(renewed.due(NAME, late), Due::Authority);
    let replaced = Material::new(Some(&renewed.authorities), NAME, late).unwrap();
    assert_eq!(replaced.due(NAME, late), Due::Nothing);
    assert_eq!(trusted(&replaced), 2);
    assert!(replaced.authorities.ends_with(&made.authorities), "the old one is behind the new");
    let later = late + 3561 * DAY;
    let again = Material::new(Some(&replaced.authorities), NAME, later).unwrap();
    assert_eq!(trusted(&again), 2, "the first has expired");
}

#[test]
fn what_a_secret_holds_is_what_was_put_there() {
    let made = Material::new(None, NAME, NOW).unwrap();
    let mut data = made.data();
    assert_eq!(data.keys().collect::<Vec<_>>(), ["ca.crt", "ca.key", "tls.crt", "tls.key"]);
    assert_eq!(Material::read(&data), Some(made.clone()));
    assert!(!format!("{made:?}").contains("KEY"));
    data.remove("ca.key");
    assert_eq!(Material::read(&data), None);
    assert_eq!(Material::read(&BTreeMap::new()), None);
}

#[test]
fn what_does_not_belong_together_is_made_anew() {
    let made = Material::new(None, NAME, NOW).unwrap();
    let other = Material::new(None, NAME, NOW).unwrap();
    assert_eq!(made.due("elsewhere.metallb-system.svc", NOW), Due::Certificate);
    let with = |change: &dyn Fn(&mut Material)| {
        let mut changed = made.clone();
        change(&mut changed);
        changed.due(NAME, NOW)
    };
    assert_eq!(with(&|m| m.key.clone_from(&other.key)), Due::Certificate);
    assert_eq!(with(&|m| m.certificate.clone_from(&other.certificate)), Due::Certificate);
    assert_eq!(with(&|m| m.certificate = "nonsense".to_owned()), Due::Certificate);
    assert_eq!(with(&|m| m.authority_key.clone_from(&other.authority_key)), Due::Authority);
    assert_eq!(with(&|m| m.authorities.clone_from(&other.authorities)), Due::Authority);
    assert_eq!(with(&|m| m.authorities = String::new()), Due::Authority);
    assert_eq!(with(&|m| m.authorities.clone_from(&made.certificate)), Due::Authority);
}

// A new authority is in front of the bundle: what the old one signed is still trusted.
#[test]
fn an_authority_of_another_maker_stays_trusted() {
    let foreign = Material::new(None, NAME, NOW).unwrap();
    let unusable =
        Material { authority_key: "-----BEGIN RSA PRIVATE KEY-----".to_owned(), ..foreign.clone() };
    assert_eq!(unusable.due(NAME, NOW), Due::Authority);
    let ours = Material::new(Some(&unusable.authorities), NAME, NOW).unwrap();
    assert!(ours.authorities.ends_with(&foreign.authorities));
    let junk = Material::new(
        Some("junk\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        NAME,
        NOW,
    );
    assert_eq!(trusted(&junk.unwrap()), 1);
}

#[test]
fn what_is_shown_stays_trusted_when_somebody_changes_the_secret() {
    let shown = Material::new(None, NAME, NOW).unwrap();
    let mut other = Material::new(None, NAME, NOW).unwrap();
    assert!(other.trust(&shown, NOW));
    assert!(!other.trust(&shown, NOW), "it is there");
    assert_eq!(trusted(&other), 2);
    assert_eq!(other.due(NAME, NOW), Due::Nothing, "its own authority is in front");
    for _ in 0..10 {
        other.trust(&Material::new(None, NAME, NOW).unwrap(), NOW);
    }
    assert_eq!(trusted(&other), AUTHORITIES);
    assert!(!other.trust(&shown, NOW + AUTHORITY), "it has expired");
}
