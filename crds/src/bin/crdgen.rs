//! Writes the CustomResourceDefinitions.

fn main() {
    println!("{}", serde_yaml::to_string(&herald_crds::schemas()).unwrap_or_default());
}
