//! What the shells serve beside their work: HTTPS with certificates that change, who may ask, metrics, health, and logs.
