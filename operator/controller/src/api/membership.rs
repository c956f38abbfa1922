//! The Secret that the speakers' membership is authenticated by: made once, never changed.

use super::request::Api;
use herald_core::control::WriteFailure;
use serde_json::json;
use std::io::{self, Read};
use std::time::Duration;
use tokio::time::sleep;

/// Bytes of the key, as MetalLB makes them.
const LENGTH: usize = 16;
/// Waits between attempts.
const AGAIN: Duration = Duration::from_secs(5);

/// Makes the Secret if there is none; tries until the API server says one or the other.
pub async fn make_membership_secret(api: &Api, namespace: &str, name: &str) {
    let key = match random() {
        Ok(key) => key,
        Err(error) => {
            tracing::error!(op = "membership", error = %error, "the system gives no random bytes");
            return;
        }
    };
    let path = format!("/api/v1/namespaces/{namespace}/secrets");
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "ownerReferences": api.owners()},
        "stringData": {"secretkey": base64(&key)},
    });
    loop {
        match api.create(&path, &secret).await {
            Ok(_) => tracing::info!(op = "membership", secret = name, "made"),
            // There is one.
            Err(WriteFailure::Conflict) => {}
            Err(why) => {
                tracing::warn!(op = "membership", secret = name, ?why, "cannot be made; trying again");
                sleep(AGAIN).await;
                continue;
            }
        }
        return;
    }
}

fn random() -> io::Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Base64 without padding (RFC 4648, 4).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_usize, |word, byte| (word << 8) | usize::from(*byte));
        let word = word << (8 * (3 - chunk.len()));
        let letter = |position: usize| LETTERS.get((word >> (18 - 6 * position)) & 63).copied();
        text.extend((0..=chunk.len()).filter_map(letter).map(char::from));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_that_of_the_rfc_without_padding() {
        let known =
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE")];
        for (plain, encoded) in known {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(base64(&[0xff; 16]).len(), 22);
    }
}
