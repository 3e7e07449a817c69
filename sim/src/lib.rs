//! What happens to them: one World with agenda, network, disks, clocks, service times and faults.
