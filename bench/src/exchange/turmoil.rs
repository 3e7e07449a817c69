//! The workload on turmoil, over its TCP: as on the World, a client has a connection to every server, and
//! what is sent on it arrives in order.
//!
//! Latencies are those of the World's links and the tick can tell them apart.

use super::Exchange;
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use turmoil::net::{TcpListener, TcpStream};

const PORT: u16 = 700;

async fn serve() -> turmoil::Result {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::task::spawn_local(answer(stream));
    }
}

/// Answers until the client is done.
async fn answer(mut stream: TcpStream) {
    let mut body = [0; 8];
    while stream.read_exact(&mut body).await.is_ok() {
        if stream.write_all(&body).await.is_err() {
            return;
        }
    }
}

/// Asks one server, with so many requests open at once.
async fn ask(server: u16, requests: u64, window: u64) -> std::io::Result<u64> {
    let mut stream = TcpStream::connect((format!("server{server}"), PORT)).await?;
    let mut body = [0; 8];
    let mut asked = 0_u64;
    for answered in 0..requests {
        while asked < requests && asked - answered < window {
            stream.write_all(&asked.to_le_bytes()).await?;
            asked += 1;
        }
        stream.read_exact(&mut body).await?;
    }
    Ok(requests)
}

async fn ask_all(exchange: Exchange, replies: Rc<Cell<u64>>) -> turmoil::Result {
    let servers = u64::from(exchange.servers);
    let asking: Vec<_> = (0..exchange.servers)
        .map(|server| {
            // The first servers take what does not divide.
            let share = |of: u64| (of + servers - 1 - u64::from(server)) / servers;
            tokio::task::spawn_local(ask(
                server,
                share(exchange.requests),
                share(exchange.window),
            ))
        })
        .collect();
    for task in asking {
        // Awaited first: other clients count while this one waits.
        let answered = task.await??;
        replies.set(replies.get() + answered);
    }
    Ok(())
}

/// Runs the workload on turmoil; gives back how many messages were handed to a program.
///
/// # Panics
/// If a message is lost or not counted.
#[must_use]
pub fn on_turmoil(exchange: Exchange) -> u64 {
    let mut sim = turmoil::Builder::new()
        .rng_seed(exchange.seed)
        .tick_duration(Duration::from_micros(20))
        .min_message_latency(Duration::from_micros(40))
        .max_message_latency(Duration::from_micros(250))
        .tcp_capacity(4_096)
        .simulation_duration(Duration::from_secs(1_000_000))
        .build();
    for index in 0..exchange.servers {
        sim.host(format!("server{index}"), serve);
    }
    let replies = Rc::new(Cell::new(0));
    for index in 0..exchange.clients {
        sim.client(
            format!("client{index}"),
            ask_all(exchange, Rc::clone(&replies)),
        );
    }
    sim.run().expect("no client fails");
    let handed = 2 * replies.get();
    assert_eq!(handed, exchange.steps(), "messages of {exchange:?}");
    handed
}
