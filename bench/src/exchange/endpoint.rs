//! The workload on madsim's own `Endpoint`: each open request is a task that awaits its sends.

use super::Exchange;
use madsim::net::Endpoint;
use madsim::runtime::Runtime;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// The tag under which servers wait for requests.
const REQUEST: u64 = 0;

const fn address(node: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, node as u8 + 1)), 700)
}

async fn answer(endpoint: Arc<Endpoint>) {
    while let Ok((request, from)) = endpoint.recv_from_raw(REQUEST).await {
        let tag = *request
            .downcast::<u64>()
            .expect("a request carries the tag of its reply");
        if endpoint
            .send_to_raw(from, tag, Box::new(tag))
            .await
            .is_err()
        {
            return;
        }
    }
}

async fn ask(endpoint: Arc<Endpoint>, tag: u64, requests: u64, servers: u64) -> u64 {
    for number in 0..requests {
        let server = address((number % servers) as u16);
        let sent = endpoint.send_to_raw(server, REQUEST, Box::new(tag)).await;
        sent.expect("the network of the simulation is up");
        let reply = endpoint.recv_from_raw(tag).await;
        reply.expect("the network of the simulation is up");
    }
    requests
}

/// Runs the workload on `Endpoint`; gives back how many messages were handed to a program.
///
/// # Panics
/// If a message is lost or not counted.
#[must_use]
pub fn on_endpoint(exchange: Exchange) -> u64 {
    let runtime = Runtime::with_seed_and_config(exchange.seed, madsim::Config::default());
    let each = exchange.requests.div_ceil(exchange.window);
    let servers: Vec<_> = (0..exchange.servers)
        .map(|index| {
            let node = runtime.create_node().ip(address(index).ip()).build();
            node.spawn(async move {
                let endpoint = Endpoint::bind(address(index)).await;
                let endpoint = Arc::new(endpoint.expect("the address is free"));
                // As many as may be open: a server that awaits its sends is no bottleneck then.
                for _ in 0..exchange.window {
                    madsim::task::spawn(answer(Arc::clone(&endpoint)));
                }
            });
            node
        })
        .collect();
    let clients: Vec<_> = (0..exchange.clients)
        .map(|index| {
            let own = address(exchange.servers + index);
            let node = runtime.create_node().ip(own.ip()).build();
            let asked = node.spawn(async move {
                let endpoint = Endpoint::bind(own).await;
                let endpoint = Arc::new(endpoint.expect("the address is free"));
                let asking: Vec<_> = (1..=exchange.window)
                    .map(|tag| {
                        let ask = ask(
                            Arc::clone(&endpoint),
                            tag,
                            each,
                            u64::from(exchange.servers),
                        );
                        madsim::task::spawn(ask)
                    })
                    .collect();
                let mut asked = 0;
                for task in asking {
                    asked += task.await.expect("a client asks to its end");
                }
                asked
            });
            (node, asked)
        })
        .collect();
    let handle = runtime.handle().clone();
    let handed = runtime.block_on(async move {
        let mut asked = 0;
        for (node, task) in clients {
            asked += task.await.expect("a client asks to its end");
            handle.kill(node.id());
        }
        for node in servers {
            handle.kill(node.id());
        }
        // Tasks of killed nodes are dropped at the next turn; a runtime drops none that still waits.
        madsim::time::sleep(std::time::Duration::from_millis(1)).await;
        2 * asked
    });
    assert!(handed >= exchange.steps(), "{handed} of {exchange:?}");
    handed
}
