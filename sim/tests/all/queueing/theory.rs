//! Closed forms of queueing theory (Kleinrock, Queueing Systems I). Times are in units of the mean service time.

/// A station: how many servers, and how service times are distributed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Station {
    /// Exponential service, so many servers.
    Exponential { servers: u16 },
    /// Constant service, one server.
    Constant,
    /// Lognormal service with this shape, one server.
    Lognormal { sigma: f64 },
    /// So many stations in a row with exponential service and one server each.
    Tandem { stations: u16 },
}

impl Station {
    /// The mean time in the system at a utilisation.
    pub fn mean(self, utilisation: f64) -> f64 {
        let free = 1.0 - utilisation;
        match self {
            Station::Exponential { servers } => {
                1.0 + waits(servers, utilisation) / (f64::from(servers) * free)
            }
            Station::Constant => 1.0 + utilisation / (2.0 * free),
            // Pollaczek and Khinchine: the mean square of a lognormal of mean 1 is exp(sigma²).
            Station::Lognormal { sigma } => {
                1.0 + utilisation * libm::exp(sigma * sigma) / (2.0 * free)
            }
            Station::Tandem { stations } => f64::from(stations) / free,
        }
    }

    /// The time in the system that one in a hundred exceeds, where a closed form exists.
    pub fn p99(self, utilisation: f64) -> Option<f64> {
        let below: Box<dyn Fn(f64) -> f64> = match self {
            Station::Exponential { servers } => {
                Box::new(move |t| 1.0 - exceeds(servers, utilisation, t))
            }
            Station::Constant => Box::new(move |t| crommelin(utilisation, t - 1.0)),
            Station::Lognormal { .. } => return None,
            Station::Tandem { stations } => {
                Box::new(move |t| erlang(stations, (1.0 - utilisation) * t))
            }
        };
        let (mut low, mut high) = (1.0, 1_000.0);
        while high - low > 1e-9 * high {
            let middle = (low + high) / 2.0;
            if below(middle) < 0.99 {
                low = middle
            } else {
                high = middle
            }
        }
        Some(low)
    }
}

/// Erlang's C: the share of arrivals that wait.
fn waits(servers: u16, utilisation: f64) -> f64 {
    let offered = f64::from(servers) * utilisation;
    let mut term = 1.0;
    let mut sum = 0.0;
    for k in 0..servers {
        sum += term;
        term *= offered / f64::from(k + 1);
    }
    let all_busy = term / (1.0 - utilisation);
    all_busy / (sum + all_busy)
}

/// The share of arrivals at an M/M/c station that stay longer than `t`.
fn exceeds(servers: u16, utilisation: f64, t: f64) -> f64 {
    let spare = f64::from(servers) * (1.0 - utilisation) - 1.0;
    let waits = waits(servers, utilisation);
    let wait = if spare.abs() < 1e-9 {
        t
    } else {
        (1.0 - libm::exp(-spare * t)) / spare
    };
    libm::exp(-t) * (1.0 + waits * wait)
}

/// The share of arrivals at an M/D/1 station that wait at most `t`.
fn crommelin(utilisation: f64, t: f64) -> f64 {
    if t < 0.0 {
        return 0.0;
    }
    // Crommelin's alternating series loses its digits for long waits. As a sum over the states that a
    // departure leaves, weighted by Poisson, its terms are positive (Franx, 2001).
    let whole = libm::floor(t);
    let rest = whole + 1.0 - t;
    let places = whole as usize + 1;
    let states = departures(utilisation, places);
    let arrivals = utilisation * rest;
    let mut cumulative = 0.0;
    let mut sums = Vec::with_capacity(places);
    for state in states {
        cumulative += state;
        sums.push(cumulative);
    }
    let mut weight = libm::exp(-arrivals);
    let mut total = 0.0;
    for k in 0..places {
        total += weight * sums[places - k];
        weight *= arrivals / (k as f64 + 1.0);
    }
    total
}

/// The chances that so many are left in an M/D/1 station by a departure.
fn departures(utilisation: f64, states: usize) -> Vec<f64> {
    let mut arrive = Vec::with_capacity(states + 1);
    let mut weight = libm::exp(-utilisation);
    for k in 0..=states {
        arrive.push(weight);
        weight *= utilisation / (k as f64 + 1.0);
    }
    let mut chances = vec![1.0 - utilisation];
    for n in 0..states {
        // p(n) = (p(0) + p(1)) a(n) + sum of p(k) a(n + 1 - k) for k = 2..=n + 1, solved for p(n + 1).
        let mut known = chances[0] * arrive[n];
        for k in 1..=n {
            known += chances[k] * arrive[n + 1 - k];
        }
        chances.push((chances[n] - known) / arrive[0]);
    }
    chances
}

/// The distribution of the sum of so many exponentials of mean 1.
fn erlang(stages: u16, t: f64) -> f64 {
    let mut term = libm::exp(-t);
    let mut more = 0.0;
    for k in 0..stages {
        more += term;
        term *= t / f64::from(k + 1);
    }
    1.0 - more
}

/// Figures from tables: a formula with a slip would make a right station fail, or a wrong one pass.
#[test]
fn closed_forms_give_the_figures_of_the_tables() {
    let near = |is: f64, expected: f64| assert!((is - expected).abs() < 5e-4, "{is}, {expected}");
    // Erlang's C by way of his B, which has a recursion of its own.
    for servers in [2, 8] {
        let offered = 0.8 * f64::from(servers);
        let lost = (1..=servers).fold(1.0, |lost, k| {
            offered * lost / (f64::from(k) + offered * lost)
        });
        near(waits(servers, 0.8), lost / (1.0 - 0.8 * (1.0 - lost)));
    }
    near(waits(2, 0.8), 0.7111);
    near(Station::Exponential { servers: 1 }.mean(0.8), 5.0);
    near(
        Station::Exponential { servers: 1 }.p99(0.5).unwrap(),
        2.0 * libm::log(100.0),
    );
    near(Station::Constant.mean(0.8), 3.0);
    // The share that need not wait is that of an empty station.
    near(crommelin(0.8, 0.0), 0.2);
    // Up to one service time the alternating series has one term, up to two it has two.
    near(crommelin(0.5, 0.5), 0.5 * libm::exp(0.25));
    near(
        crommelin(0.5, 1.5),
        0.5 * (libm::exp(0.75) - 0.25 * libm::exp(0.25)),
    );
    near(
        Station::Tandem { stations: 1 }.p99(0.8).unwrap(),
        5.0 * libm::log(100.0),
    );
}
