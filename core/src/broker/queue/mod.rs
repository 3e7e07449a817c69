//! A queue with visibility leases in the manner of SQS and of RabbitMQ with acknowledgements (Q2, Q4, R3).

pub mod config;
