//! Claims about one disk: what a crash, a power loss, a failed sync and a flipped bit leave.

use super::*;
use crate::profile::Profile;
use stormglass_core::rng::Seed;

const FILE: FileId = FileId::new(FileKind::Marks, 0, 0);

fn mark(value: u64) -> DiskRecord {
    DiskRecord::Mark { key: 0, value }
}

struct Bench {
    disk: Disk,
    profile: DiskProfile,
    now: Time,
}

impl Bench {
    fn new(seed: u64) -> Bench {
        let profile = Profile::ideal(Span::ZERO).disk;
        Bench {
            disk: Disk::new(Seed(seed).keyed("disk/test")),
            profile,
            now: Time::ZERO,
        }
    }

    fn run(&mut self, verb: DiskVerb) -> Result<DiskDone, DiskError> {
        self.run_on(FILE, verb)
    }

    fn run_on(&mut self, file: FileId, verb: DiskVerb) -> Result<DiskDone, DiskError> {
        let op = DiskOp {
            file,
            verb,
            token: 0,
            fact: None,
        };
        self.now = self.disk.schedule(self.now, &op, &self.profile);
        self.disk.apply(self.now, op, &self.profile).0
    }

    fn scan(&mut self) -> Vec<DiskRecord> {
        match self.run(DiskVerb::Scan) {
            Ok(DiskDone::Scanned(records)) => records,
            other => panic!("a scan answered {other:?}"),
        }
    }
}

#[test]
fn a_process_crash_keeps_the_page_cache() {
    let mut bench = Bench::new(1);
    bench.run(DiskVerb::Append(vec![mark(1), mark(2)])).unwrap();
    bench.disk.process_crash(bench.now);
    assert_eq!(bench.scan(), [mark(1), mark(2)]);
}

#[test]
fn a_power_loss_keeps_what_was_synced_and_a_prefix_of_the_rest() {
    let mut lengths = [false; 4];
    for seed in 0..100 {
        let mut bench = Bench::new(seed);
        bench.run(DiskVerb::Append(vec![mark(1)])).unwrap();
        bench.run(DiskVerb::Sync).unwrap();
        bench
            .run(DiskVerb::Append(vec![mark(2), mark(3), mark(4)]))
            .unwrap();
        let now = bench.now;
        bench.disk.power_loss(now, false, &bench.profile.clone());
        let left = bench.scan();
        let all: Vec<_> = (1..=4).map(mark).collect();
        assert_eq!(left, all[..left.len()]);
        lengths[left.len() - 1] = true;
    }
    assert_eq!(lengths, [true; 4], "every prefix must be possible");
}

#[test]
fn a_torn_record_ends_what_is_read() {
    let torn = (0..100)
        .map(|seed| {
            let mut bench = Bench::new(seed);
            bench
                .run(DiskVerb::Append((0..8).map(mark).collect()))
                .unwrap();
            let (now, profile) = (bench.now, bench.profile.clone());
            let mut whole = Bench::new(seed);
            whole
                .run(DiskVerb::Append((0..8).map(mark).collect()))
                .unwrap();
            bench.disk.power_loss(now, true, &profile);
            whole.disk.power_loss(now, false, &profile);
            (whole.scan().len(), bench.scan().len())
        })
        .filter(|(whole, torn)| torn < whole)
        .count();
    assert!(torn > 50, "torn records were left in {torn} of 100 disks");
}

#[test]
fn a_full_disk_refuses_and_keeps_what_it_has() {
    let mut bench = Bench::new(1);
    bench.run(DiskVerb::Append(vec![mark(1)])).unwrap();
    bench.disk.full = true;
    assert_eq!(
        bench.run(DiskVerb::Append(vec![mark(2)])),
        Err(DiskError::Full)
    );
    assert_eq!(bench.scan(), [mark(1)]);
}

#[test]
fn a_failed_sync_leaves_pages_that_count_as_clean_and_go_with_the_power() {
    let mut bench = Bench::new(1);
    bench.run(DiskVerb::Append(vec![mark(1)])).unwrap();
    bench.run(DiskVerb::Sync).unwrap();
    bench.run(DiskVerb::Append(vec![mark(2)])).unwrap();
    bench.disk.fails_syncs = true;
    assert_eq!(bench.run(DiskVerb::Sync), Err(DiskError::Failed));
    bench.disk.fails_syncs = false;
    // Trying again proves nothing, and what is synced behind the hole cannot be read either.
    bench.run(DiskVerb::Append(vec![mark(3)])).unwrap();
    assert_eq!(bench.run(DiskVerb::Sync), Ok(DiskDone::Done));
    bench.disk.process_crash(bench.now);
    assert_eq!(bench.scan(), [mark(1), mark(2), mark(3)]);
    let (now, profile) = (bench.now, bench.profile.clone());
    bench.disk.power_loss(now, false, &profile);
    assert_eq!(bench.scan(), [mark(1)]);
}

#[test]
fn a_replacement_mends_what_a_failed_sync_has_left() {
    let mut bench = Bench::new(1);
    bench.run(DiskVerb::Append(vec![mark(1)])).unwrap();
    bench.disk.fails_syncs = true;
    assert_eq!(bench.run(DiskVerb::Sync), Err(DiskError::Failed));
    bench.disk.fails_syncs = false;
    bench.run(DiskVerb::Replace(vec![mark(1)])).unwrap();
    bench.run(DiskVerb::Sync).unwrap();
    let (now, profile) = (bench.now, bench.profile.clone());
    bench.disk.power_loss(now, false, &profile);
    assert_eq!(bench.scan(), [mark(1)]);
}

#[test]
fn what_lies_behind_a_flipped_bit_is_gone_although_it_was_durable() {
    let all: Vec<_> = (0..8).map(mark).collect();
    let left: Vec<usize> = (0..100)
        .map(|seed| {
            let mut bench = Bench::new(seed);
            let file = FileId::new(FileKind::Journal, 0, 0);
            for verb in [DiskVerb::Append(all.clone()), DiskVerb::Sync] {
                bench.run_on(file, verb).unwrap();
            }
            // No data, but a broker's own marks.
            bench.run(DiskVerb::Append(all.clone())).unwrap();
            assert!(bench.disk.corrupt(bench.now).is_some());
            assert_eq!(bench.scan(), all);
            match bench.run_on(file, DiskVerb::Scan) {
                Ok(DiskDone::Scanned(records)) => records.len(),
                other => panic!("a scan answered {other:?}"),
            }
        })
        .collect();
    let distinct: std::collections::BTreeSet<usize> = left.into_iter().collect();
    assert_eq!(distinct, (0..8).collect(), "any record may be the one");
}

#[test]
fn a_disk_without_data_has_nothing_to_go_bad() {
    let mut bench = Bench::new(1);
    bench.run(DiskVerb::Append(vec![mark(1)])).unwrap();
    assert_eq!(bench.disk.corrupt(bench.now), None);
}

#[test]
fn a_replacement_before_its_sync_is_the_old_or_the_new_contents_after_a_power_loss() {
    let mut seen = [false; 2];
    for seed in 0..50 {
        let mut bench = Bench::new(seed);
        bench.run(DiskVerb::Append(vec![mark(1)])).unwrap();
        bench.run(DiskVerb::Sync).unwrap();
        bench.run(DiskVerb::Replace(vec![mark(2)])).unwrap();
        let now = bench.now;
        bench.disk.power_loss(now, false, &bench.profile.clone());
        let left = bench.scan();
        assert_eq!(left.len(), 1);
        seen[usize::from(left[0] == mark(2))] = true;
    }
    assert_eq!(seen, [true; 2]);
}

#[test]
fn a_file_that_lost_everything_in_a_power_loss_is_still_listed() {
    let listed = |bench: &mut Bench| bench.run(DiskVerb::List).unwrap();
    let mut bereft = 0;
    for seed in 0..20 {
        let mut bench = Bench::new(seed);
        bench.run(DiskVerb::Append(vec![mark(1)])).unwrap();
        let now = bench.now;
        bench.disk.power_loss(now, false, &bench.profile.clone());
        assert_eq!(listed(&mut bench), DiskDone::Listed(vec![FILE]));
        bereft += usize::from(bench.scan().is_empty());
        bench.run(DiskVerb::Delete).unwrap();
        assert_eq!(listed(&mut bench), DiskDone::Listed(Vec::new()));
    }
    assert!((1..20).contains(&bereft), "{bereft} of 20 lost everything");
}

#[test]
fn the_modelled_bytes_are_those_of_the_records() {
    let mut bench = Bench::new(1);
    bench.run(DiskVerb::Append(vec![mark(1), mark(2)])).unwrap();
    bench.run(DiskVerb::Truncate { records: 1 }).unwrap();
    assert_eq!(bench.disk.bytes(), 24);
    bench.run(DiskVerb::Delete).unwrap();
    assert_eq!(bench.disk.bytes(), 0);
}
