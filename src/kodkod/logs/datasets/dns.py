"""Which fields has a DNS record? One per client, name and flush interval (alerts-and-logs 3.7, 4.3)."""

from __future__ import annotations

from types import MappingProxyType

from kodkod.logs.datasets.dataset import Dataset
from kodkod.logs.datasets.fields import Field, FieldClass, words

# RFC 6895 mnemonics, in the spelling the logs use.
RCODES = words(
    "NoError FormErr ServFail NXDomain NotImp Refused YXDomain YXRRSet NXRRSet NotAuth NotZone DSOTYPENI "
    "BADVERS BADSIG BADKEY BADTIME BADMODE BADNAME BADALG BADTRUNC BADCOOKIE"
)
_TYPES = words(
    "A NS CNAME SOA PTR HINFO MX TXT RP AFSDB SIG KEY AAAA LOC SRV NAPTR KX CERT DNAME OPT APL DS SSHFP "
    "IPSECKEY RRSIG NSEC DNSKEY DHCID NSEC3 NSEC3PARAM TLSA SMIMEA HIP CDS CDNSKEY OPENPGPKEY CSYNC ZONEMD SVCB "
    "HTTPS SPF EUI48 EUI64 TKEY TSIG IXFR AXFR ANY URI CAA"
)
_CLASSES = ("IN", "CH", "HS", "NONE", "ANY")

DNS = Dataset(
    name="dns",
    time="end_time",
    retention_days=8,
    index="tigera_secure_ee_dns",
    owners=("client_namespace",),
    fields=(
        Field("start_time", FieldClass.DATE),
        Field("end_time", FieldClass.DATE),
        Field("type", FieldClass.ENUM, values=("LOG", "UNLOGGED"), closed=True),
        Field("count", FieldClass.NUMBER),
        Field("latency_count", FieldClass.NUMBER),
        Field("latency_mean", FieldClass.NUMBER, doc="nanoseconds"),
        Field("latency_max", FieldClass.NUMBER, doc="nanoseconds"),
        Field("client_ip", FieldClass.IP),
        Field("client_name"),
        Field("client_name_aggr"),
        Field("client_namespace"),
        Field("client_labels", FieldClass.LABELS, many=True),
        Field("qname", FieldClass.DOMAIN),
        Field("qtype", FieldClass.ENUM, values=_TYPES),
        Field("qclass", FieldClass.ENUM, values=_CLASSES),
        Field("rcode", FieldClass.ENUM, values=RCODES),
        Field("rrsets.name", FieldClass.DOMAIN, many=True),
        Field("rrsets.type", FieldClass.ENUM, many=True, values=_TYPES),
        Field("rrsets.class", FieldClass.ENUM, many=True, values=_CLASSES),
        Field("rrsets.rdata", many=True),
        Field("servers.ip", FieldClass.IP, many=True),
        Field("servers.name", many=True),
        Field("servers.name_aggr", many=True),
        Field("servers.namespace", many=True),
        Field("servers.labels", FieldClass.LABELS, many=True),
        Field("host"),
    ),
    aliases=MappingProxyType({"client_labels.labels": ("client_labels",)}),
)
