//! Who reads what: balanced to within one partition, and sticky, as Kafka's `StickyAssignor` is.

use crate::id::{MemberId, Partition};
use std::collections::{BTreeMap, BTreeSet};

/// Gives every partition to one member. A member keeps as much of what it had in `before` as balance
/// allows; members without an entry worth keeping take from what is left, in order of id.
pub(super) fn assign(
    partitions: &[Partition],
    before: &BTreeMap<MemberId, Vec<Partition>>,
) -> BTreeMap<MemberId, Vec<Partition>> {
    assert!(
        !before.is_empty(),
        "a group without members is not assigned"
    );
    let least = partitions.len() / before.len();
    let mut extra = partitions.len() % before.len();
    let mut free: BTreeSet<Partition> = partitions.iter().copied().collect();
    let mut after: BTreeMap<MemberId, Vec<Partition>> = BTreeMap::new();
    for (member, had) in before {
        let mut kept: Vec<Partition> = Vec::new();
        for partition in had {
            let has_room = kept.len() < least || (kept.len() == least && extra > 0);
            if has_room && free.remove(partition) {
                kept.push(*partition);
            }
        }
        extra -= usize::from(kept.len() > least);
        after.insert(*member, kept);
    }
    let mut free = free.into_iter();
    for owned in after.values_mut() {
        let missing = least.saturating_sub(owned.len());
        owned.extend(free.by_ref().take(missing));
    }
    for owned in after.values_mut() {
        if owned.len() == least {
            owned.extend(free.next());
        }
        owned.sort_unstable();
    }
    assert_eq!(free.next(), None, "every partition has an owner");
    after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TopicId;
    use proptest::prelude::*;

    fn partitions(count: u16) -> Vec<Partition> {
        (0..count)
            .map(|index| Partition {
                topic: TopicId(0),
                index,
            })
            .collect()
    }

    fn counts(after: &BTreeMap<MemberId, Vec<Partition>>) -> Vec<usize> {
        after.values().map(Vec::len).collect()
    }

    #[test]
    fn a_member_that_joins_takes_only_what_balance_asks_for() {
        let all = partitions(6);
        let alone = assign(&all, &BTreeMap::from([(MemberId(1), Vec::new())]));
        assert_eq!(alone[&MemberId(1)], all);
        let mut before = alone;
        before.insert(MemberId(2), Vec::new());
        let two = assign(&all, &before);
        assert_eq!(two[&MemberId(1)], all[..3], "it keeps its first three");
        assert_eq!(two[&MemberId(2)], all[3..]);
    }

    #[test]
    fn members_beyond_the_partitions_get_none() {
        let before = (1..=3)
            .map(|member| (MemberId(member), Vec::new()))
            .collect();
        assert_eq!(counts(&assign(&partitions(2), &before)), [1, 1, 0]);
    }

    proptest! {
        #[test]
        fn every_partition_has_one_owner_and_nobody_has_two_more_than_another(
            count in 0_u16..20,
            changes in proptest::collection::vec((0_u64..6, any::<bool>()), 1..12),
        ) {
            let all = partitions(count);
            let mut members = BTreeMap::from([(MemberId(9), Vec::new())]);
            for (member, stays) in changes {
                if stays {
                    members.entry(MemberId(member)).or_insert_with(Vec::new);
                } else {
                    members.remove(&MemberId(member));
                }
                let after = assign(&all, &members);
                let mut owned: Vec<Partition> = after.values().flatten().copied().collect();
                owned.sort_unstable();
                prop_assert_eq!(&owned, &all);
                let counts = counts(&after);
                let most = counts.iter().max().copied().unwrap_or(0);
                let least = counts.iter().min().copied().unwrap_or(0);
                prop_assert!(most - least <= 1);
                // Who had no more than the least keeps all of it.
                for (member, had) in &members {
                    if had.len() <= least {
                        prop_assert!(had.iter().all(|p| after[member].contains(p)));
                    }
                }
                members = after;
            }
        }
    }
}
