//! Prints the table of figures.

fn main() -> std::io::Result<()> {
    stormglass_bench::table::speed_table(&mut std::io::stdout())
}
