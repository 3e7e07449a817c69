//! The smallest list that still does it: delta debugging (Zeller and Hildebrandt 2002).

/// Removes chunks of `items` as long as `holds` says of the rest what it says of the whole. What is left is
/// minimal in single items: without any one of them it no longer holds, unless `holds` gave up.
pub fn minimise<T: Clone>(items: Vec<T>, holds: &mut dyn FnMut(&[T]) -> bool) -> Vec<T> {
    let mut items = items;
    if items.is_empty() || holds(&[]) {
        return Vec::new();
    }
    let mut chunk = items.len().div_ceil(2);
    while !items.is_empty() {
        let mut at = 0;
        let mut removed = false;
        while at < items.len() {
            let end = (at + chunk).min(items.len());
            let rest: Vec<T> = [&items[..at], &items[end..]].concat();
            if !rest.is_empty() && holds(&rest) {
                items = rest;
                removed = true;
            } else {
                at = end;
            }
        }
        if chunk > 1 {
            chunk = chunk.div_ceil(2);
        } else if !removed {
            break;
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_needed_is_left_and_nothing_else(
            count in 1_usize..200, needed in prop::collection::btree_set(0_usize..200, 1..6),
        ) {
            let needed: Vec<usize> = needed.into_iter().filter(|one| *one < count).collect();
            let mut runs = 0;
            let left = minimise((0..count).collect(), &mut |items| {
                runs += 1;
                needed.iter().all(|one| items.contains(one))
            });
            prop_assert_eq!(left, needed);
        }

        #[test]
        fn of_a_list_that_only_counts_the_least_number_is_left(count in 1_usize..100, least in 1_usize..100) {
            let least = least.min(count);
            let left = minimise((0..count).collect(), &mut |items| items.len() >= least);
            prop_assert_eq!(left.len(), least);
        }
    }
}
