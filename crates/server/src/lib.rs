//! MAA's HTTP contract: data plane and control plane, authentication, configuration.
