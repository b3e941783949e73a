//! Asks every replica behind the Service, by TLS, which certificate it shows. What a replica says of itself could be
//! wrong; what it shows is what the API server will see.

use std::time::Duration;

use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Api;
use kube::api::ListParams;

use crate::certificate::probe::shown;
use crate::certificate::read::Certificate;
use crate::cluster::{Call as _, CallError, Cluster};

/// How long one replica has to answer.
const HANDSHAKE: Duration = Duration::from_secs(3);

/// What the replicas showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// How many show the certificate.
    pub(crate) right: usize,
    /// Those that do not, and why.
    pub(crate) wrong: Vec<String>,
}

/// Asks everybody who serves behind `service` for `leaf`.
pub(crate) async fn ask(
    cluster: &Cluster,
    namespace: &str,
    service: &str,
    leaf: &Certificate,
) -> Result<Shown, CallError> {
    let api: Api<EndpointSlice> = Api::namespaced(cluster.clone(), namespace);
    let selected = ListParams::default().labels(&format!("kubernetes.io/service-name={service}"));
    let slices = api.list(&selected).call("list the Service's endpoints").await?;
    let mut result = Shown::default();
    for address in addresses(&slices.items) {
        match shown(&address, &format!("{service}.{namespace}.svc"), HANDSHAKE).await {
            Ok(chain) if chain.first() == Some(leaf) => result.right += 1,
            Ok(chain) => {
                let other = chain.first().map_or("no certificate".to_owned(), |other| format!("{other:?}"));
                result.wrong.push(format!("{address} shows {other}"));
            }
            Err(error) => result.wrong.push(error.to_string()),
        }
    }
    Ok(result)
}

/// Every address to which the API server may send a request, those of ending replicas included.
fn addresses(slices: &[EndpointSlice]) -> Vec<String> {
    let mut found = Vec::new();
    for slice in slices {
        // A Service with several ports shows each of them; only one of ours speaks TLS, and it is called so.
        let ports = slice.ports.iter().flatten();
        let Some(port) = ports
            .clone()
            .find(|port| port.name.as_deref().is_some_and(|name| ["https", "webhook"].contains(&name)))
            .or_else(|| ports.clone().next())
            .and_then(|port| port.port)
        else {
            continue;
        };
        for endpoint in &slice.endpoints {
            let serves = endpoint.conditions.as_ref().and_then(|known| known.serving.or(known.ready)).unwrap_or(true);
            for address in endpoint.addresses.iter().filter(|_| serves) {
                let host = if address.contains(':') { format!("[{address}]") } else { address.clone() };
                found.push(format!("{host}:{port}"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everybody_who_serves_is_asked_at_the_port_that_speaks_tls() {
        let slice = |address_type: &str, addresses: [&str; 3]| {
            serde_json::from_value::<EndpointSlice>(json!({
                "addressType": address_type,
                "metadata": {},
                "ports": [{"name": "metrics", "port": 9443}, {"name": "https", "port": 8443}],
                "endpoints": [
                    {"addresses": [addresses[0]], "conditions": {"ready": true, "serving": true}},
                    {"addresses": [addresses[1]], "conditions": {"ready": false, "serving": true, "terminating": true}},
                    {"addresses": [addresses[2]], "conditions": {"ready": false, "serving": false}},
                ],
            }))
            .unwrap()
        };
        let slices = [slice("IPv4", ["10.0.0.1", "10.0.0.2", "10.0.0.3"]), slice("IPv6", ["fd00::1", "fd00::2", "::"])];
        let expected = ["10.0.0.1:8443", "10.0.0.2:8443", "[fd00::1]:8443", "[fd00::2]:8443"];
        assert_eq!(addresses(&slices), expected);
    }
}
