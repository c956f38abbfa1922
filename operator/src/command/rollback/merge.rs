//! Undoing a change in an object that may have changed elsewhere since: only what the change touched is put back.

use serde_yaml::{Mapping, Value};

/// `current` with what differs between `from`, how the history knows the object, and `to`, how it was before.
pub fn merged(current: &Value, from: &Value, to: &Value) -> Value {
    if from == to {
        return current.clone();
    }
    match (current, from, to) {
        (Value::Mapping(current), Value::Mapping(from), Value::Mapping(to)) => {
            Value::Mapping(mappings(current, from, to))
        }
        (Value::Sequence(current), Value::Sequence(from), Value::Sequence(to))
            if current.len() == from.len() && from.len() == to.len() =>
        {
            let items = current.iter().zip(from.iter().zip(to));
            Value::Sequence(items.map(|(current, (from, to))| merged(current, from, to)).collect())
        }
        _ => to.clone(),
    }
}

fn mappings(current: &Mapping, from: &Mapping, to: &Mapping) -> Mapping {
    let mut result = current.clone();
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        result.remove(key);
    }
    for (key, to) in to {
        let value = match (current.get(key), from.get(key)) {
            (_, Some(from)) if from == to => continue,
            (Some(current), Some(from)) => merged(current, from, to),
            _ => to.clone(),
        };
        result.insert(key.clone(), value);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml(text: &str) -> Value {
        serde_yaml::from_str(text).unwrap()
    }

    #[test]
    fn only_what_was_changed_goes_back() {
        // Between, a port was set, the time changed, a list and a mapping grew; afterwards somebody set a name.
        let from = yaml("{port: 1790, time: 90s, list: [1, 2], map: {a: 1, b: 2}, default: x}");
        let to = yaml("{time: 30s, list: [1], map: {a: 1}, default: x, gone: 5}");
        let current = yaml("{name: new, port: 1790, time: 90s, list: [1, 2], map: {b: 2, c: 3}}");
        let wanted = yaml("{name: new, time: 30s, list: [1], map: {c: 3}, gone: 5}");
        assert_eq!(merged(&current, &from, &to), wanted);
        assert_eq!(merged(&current, &from, &from), current);
    }

    #[test]
    fn items_of_a_list_go_back_one_by_one() {
        let from = yaml("[{a: 1, ready: false}, {a: 2}]");
        let to = yaml("[{a: 1, ready: true}, {a: 2}]");
        let current = yaml("[{a: 1, ready: false, more: x}, {a: 2, more: y}]");
        assert_eq!(merged(&current, &from, &to), yaml("[{a: 1, ready: true, more: x}, {a: 2, more: y}]"));
    }
}
