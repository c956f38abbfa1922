use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Edit {
    Insert(u16, u8),
    Remove(u16),
}

fn edit() -> impl Strategy<Value = Edit> {
    // Few enough keys that edits meet, many enough that chunks split and join.
    prop_oneof![
        (0..400_u16, 0..4_u8).prop_map(|(key, value)| Edit::Insert(key, value)),
        (0..400_u16).prop_map(Edit::Remove),
    ]
}

fn edited(map: &mut SharedMap<u16, u8>, model: &mut BTreeMap<u16, u8>, edits: &[Edit]) {
    for edit in edits {
        match *edit {
            Edit::Insert(key, value) => assert_eq!(map.insert(key, value), model.insert(key, value)),
            Edit::Remove(key) => assert_eq!(map.remove(&key), model.remove(&key)),
        }
    }
}

fn entries(map: &SharedMap<u16, u8>) -> Vec<(u16, u8)> {
    map.iter().map(|(key, value)| (*key, *value)).collect()
}

proptest! {
    #[test]
    fn it_does_what_a_btreemap_does(
        start in prop::collection::vec((0..400_u16, 0..4_u8), 0..300),
        edits in prop::collection::vec(edit(), 0..300),
        from in 0..400_u16,
    ) {
        let mut map: SharedMap<u16, u8> = start.iter().copied().collect();
        let mut model: BTreeMap<u16, u8> = start.into_iter().collect();
        let (before, model_before) = (map.clone(), model.clone());
        edited(&mut map, &mut model, &edits);
        prop_assert_eq!(entries(&map), model.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>());
        prop_assert_eq!(map.len(), model.len());
        prop_assert!(map.chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= FULL));
        let rest: Vec<u16> = map.from_key(&from).map(|(key, _)| *key).collect();
        prop_assert_eq!(rest, model.range(from..).map(|(key, _)| *key).collect::<Vec<_>>());
        for key in 0..400 {
            prop_assert_eq!(map.get(&key), model.get(&key));
        }
        // The clone from before kept what it had, and the changes lead from one to the other.
        prop_assert_eq!(entries(&before), model_before.into_iter().collect::<Vec<_>>());
        let mut replayed = before.clone();
        for Change { key, after, .. } in before.changes(&map) {
            match after {
                Some(value) => drop(replayed.insert(*key, *value)),
                None => drop(replayed.remove(key)),
            }
        }
        prop_assert!(replayed == map);
        prop_assert_eq!(before == map, before.changes(&map).is_empty());
    }
}

#[test]
fn changes_name_only_what_changed() {
    let before: SharedMap<u32, u32> = (0..10_000).map(|n| (n * 2, n)).collect();
    let mut after = before.clone();
    after.insert(5_001, 7);
    after.insert(40, 1);
    after.remove(&9_000);
    let changes = before.changes(&after);
    let told: Vec<_> = changes.iter().map(|c| (*c.key, c.before.copied(), c.after.copied())).collect();
    assert_eq!(told, [(40, Some(20), Some(1)), (5_001, None, Some(7)), (9_000, Some(4_500), None)]);
}
