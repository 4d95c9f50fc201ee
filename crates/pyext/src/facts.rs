//! How do facts look in Python? As the dictionaries that `_core.pyi` types.

use kodkod_live::Facts;
use kodkod_sensor::{Alert, Dns, FlowRecord};
use kodkod_wire::Protocol;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// `set!(py, dict, "key" => value, …)`: keys are interned, since each fact has the same ones.
macro_rules! set {
    ($py:expr, $dict:expr, $($key:literal => $value:expr),+ $(,)?) => {
        $($dict.set_item(intern!($py, $key), $value)?;)+
    };
}

pub(crate) fn facts_dict(py: Python<'_>, facts: Facts) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    set!(py, dict,
        "alerts" => alerts_list(py, &facts.alerts)?,
        "flows" => list(py, &facts.flows, flow_dict)?,
        "dns" => list(py, &facts.dns, dns_dict)?,
    );
    Ok(dict)
}

pub(crate) fn alerts_list<'py>(py: Python<'py>, alerts: &[Alert]) -> PyResult<Bound<'py, PyList>> {
    list(py, alerts, alert_dict)
}

fn list<'py, T>(
    py: Python<'py>,
    facts: &[T],
    dict_of: impl Fn(Python<'py>, &T) -> PyResult<Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyList>> {
    PyList::new(py, facts.iter().map(|fact| dict_of(py, fact)).collect::<PyResult<Vec<_>>>()?)
}

fn alert_dict<'py>(py: Python<'py>, alert: &Alert) -> PyResult<Bound<'py, PyDict>> {
    let signature = alert.signature();
    let texts = |texts: &[std::sync::Arc<str>]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
    let dict = PyDict::new(py);
    set!(py, dict,
        "ts_ns" => alert.ts_ns,
        "packet" => alert.packet,
        "tag" => alert.tag,
        "gid" => signature.gid,
        "sid" => signature.sid,
        "rev" => signature.rev,
        "msg" => &*signature.msg,
        "classtype" => signature.classtype.as_deref(),
        "class_text" => signature.class_text.as_deref(),
        "priority" => signature.priority,
        "action" => signature.action.name(),
        "proto" => protocol_name(alert.protocol),
        "src_ip" => alert.source.0.to_string(),
        "src_port" => alert.source.1,
        "dst_ip" => alert.destination.0.to_string(),
        "dst_port" => alert.destination.1,
        "direction" => alert.direction.map(|direction| direction.name()),
        "app_proto" => alert.service.name(),
        "flow_id" => alert.flow.map_or(0, |flow| flow.id),
        "community_id" => alert.flow.map(|flow| flow.community_id()),
        "vlan" => alert.vlan,
        "rule" => &*signature.text,
        "why" => why_list(py, alert)?,
        "references" => texts(&signature.references),
        "metadata" => texts(&signature.metadata),
    );
    Ok(dict)
}

fn why_list<'py>(py: Python<'py>, alert: &Alert) -> PyResult<Bound<'py, PyList>> {
    list(py, &alert.why, |py, why| {
        let dict = PyDict::new(py);
        set!(py, dict,
            "option" => &*why.option,
            "buffer" => why.buffer,
            "offset" => why.offset,
            "length" => why.length,
            "bytes" => hex(&why.bytes),
            "packets" => [alert.packet],
        );
        Ok(dict)
    })
}

fn flow_dict<'py>(py: Python<'py>, record: &FlowRecord) -> PyResult<Bound<'py, PyDict>> {
    let identity = &record.identity;
    let port = |port: u16| identity.has_ports().then_some(port);
    let ([packets_to_server, packets_to_client], [bytes_to_server, bytes_to_client]) = (record.packets, record.bytes);
    let dict = PyDict::new(py);
    set!(py, dict,
        "tag" => identity.tag,
        "flow_id" => identity.id,
        "community_id" => identity.community_id(),
        "start_ns" => record.start_ns,
        "end_ns" => record.end_ns,
        "proto" => identity.protocol.0,
        "client_ip" => identity.client.address.to_string(),
        "client_port" => port(identity.client.port),
        "server_ip" => identity.server.address.to_string(),
        "server_port" => port(identity.server.port),
        "packets_to_server" => packets_to_server,
        "packets_to_client" => packets_to_client,
        "bytes_to_server" => bytes_to_server,
        "bytes_to_client" => bytes_to_client,
        "started" => record.started,
        "ended" => record.ended,
        "service" => record.service.name(),
    );
    Ok(dict)
}

fn dns_dict<'py>(py: Python<'py>, exchange: &Dns) -> PyResult<Bound<'py, PyDict>> {
    let rrsets = list(py, &exchange.rrsets, |py, set| {
        let dict = PyDict::new(py);
        set!(py, dict, "name" => &set.name, "type" => &set.rtype, "cls" => &set.class, "rdata" => &set.rdata);
        Ok(dict)
    })?;
    let dict = PyDict::new(py);
    set!(py, dict,
        "tag" => exchange.tag,
        "ts_ns" => exchange.ts_ns,
        "client_ip" => exchange.client.0.to_string(),
        "client_port" => exchange.client.1,
        "server_ip" => exchange.server.0.to_string(),
        "server_port" => exchange.server.1,
        "qname" => &exchange.qname,
        "qtype" => &exchange.qtype,
        "qclass" => &exchange.qclass,
        "rcode" => exchange.rcode.as_deref(),
        "rrsets" => rrsets,
        "latency_ns" => exchange.latency_ns,
    );
    Ok(dict)
}

/// As Snort's alert lines print it.
fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::TCP => "TCP",
        Protocol::UDP => "UDP",
        Protocol::ICMP | Protocol::ICMPV6 => "ICMP",
        _ => "IP",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
