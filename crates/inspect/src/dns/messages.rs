//! What does one DNS message ask or answer?

use super::codes;
use super::names::{Name, name};
use super::rdata::rdata;
use crate::reader::Reader;
use crate::{Anomaly, DnsMessage, DnsRecordSet};

/// Answers that are listed. A full 64 KiB message can hold some 4,000; a log line has no use for more than this.
const ANSWERS_MAX: usize = 256;

/// Answers and additional records that are walked to find the extended response code.
const RECORDS_WALKED_MAX: usize = 1024;

/// A message as far as it could be read.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) fact: DnsMessage,
    /// The first question's name, as rules see it.
    pub(super) query: Option<Vec<u8>>,
    pub(super) anomaly: Option<Anomaly>,
}

/// Read a message (RFC 1035 section 4). None where not even the header is there; otherwise what was read before the first
/// anomaly.
pub(super) fn message(bytes: &[u8]) -> Option<Message> {
    let mut reader = Reader::new(bytes);
    let header = Header::read(&mut reader)?;
    let fact = DnsMessage { id: header.id, is_response: header.is_response, ..DnsMessage::default() };
    let mut message = Message { fact, ..Message::default() };
    let mut rcode = header.rcode;
    message.anomaly = message.read(&mut reader, &header, &mut rcode).err();
    message.fact.rcode = header.is_response.then(|| codes::rcode_name(rcode));
    Some(message)
}

struct Header {
    id: u16,
    is_response: bool,
    rcode: u16,
    questions: u16,
    answers: u16,
    others: usize,
}

impl Header {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let [i0, i1, flags, codes, q0, q1, a0, a1, n0, n1, r0, r1] = reader.array()?;
        let (authority, additional) = (u16::from_be_bytes([n0, n1]), u16::from_be_bytes([r0, r1]));
        Some(Self {
            id: u16::from_be_bytes([i0, i1]),
            is_response: flags & 0x80 != 0,
            rcode: u16::from(codes & 0x0f),
            questions: u16::from_be_bytes([q0, q1]),
            answers: u16::from_be_bytes([a0, a1]),
            others: usize::from(authority).saturating_add(usize::from(additional)),
        })
    }
}

impl Message {
    fn read(&mut self, reader: &mut Reader<'_>, header: &Header, rcode: &mut u16) -> Result<(), Anomaly> {
        for count in 0..header.questions {
            let asked = name(reader)?;
            let (rtype, class) = (short(reader)?, short(reader)?);
            if count == 0 {
                self.question(asked, rtype, class);
            }
        }
        for count in 0..header.answers {
            let record = Record::read(reader)?;
            if usize::from(count) >= ANSWERS_MAX {
                return Err(Anomaly::DnsTooManyRecords);
            }
            self.answer(&record);
        }
        for _ in 0..header.others.min(RECORDS_WALKED_MAX) {
            let record = Record::read(reader)?;
            // The upper eight bits of the response code are the first of the OPT record's TTL (RFC 6891 section 6.1.3).
            if record.rtype == codes::OPT {
                let [extended, ..] = record.ttl.to_be_bytes();
                *rcode |= u16::from(extended) << 4;
            }
        }
        Ok(())
    }

    fn question(&mut self, asked: Name, rtype: u16, class: u16) {
        self.fact.qname = asked.text;
        self.fact.qtype = codes::type_name(rtype);
        // The top bit of a multicast question asks for a unicast answer (RFC 6762 section 18.12).
        self.fact.qclass = codes::class_name(if class == 0x8001 { 1 } else { class });
        self.query = Some(asked.raw);
    }

    fn answer(&mut self, record: &Record<'_>) {
        if record.rtype == codes::OPT {
            return;
        }
        let (rtype, class) = (codes::type_name(record.rtype), codes::class_name(record.class & 0x7fff));
        let value = rdata(record.rtype, record.data, record.len);
        let sets = &mut self.fact.rrsets;
        match sets.iter_mut().find(|set| set.name == record.name.text && set.rtype == rtype && set.class == class) {
            Some(set) => set.rdata.push(value),
            None => sets.push(DnsRecordSet { name: record.name.text.clone(), rtype, class, rdata: vec![value] }),
        }
    }
}

struct Record<'a> {
    name: Name,
    rtype: u16,
    class: u16,
    ttl: u32,
    /// Stands at the data, inside the whole message.
    data: Reader<'a>,
    len: usize,
}

impl<'a> Record<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Anomaly> {
        let name = name(reader)?;
        let (rtype, class) = (short(reader)?, short(reader)?);
        let ttl = reader.u32().ok_or(Anomaly::DnsMalformed)?;
        let len = usize::from(short(reader)?);
        let data = *reader;
        reader.bytes(len).ok_or(Anomaly::DnsMalformed)?;
        Ok(Self { name, rtype, class, ttl, data, len })
    }
}

fn short(reader: &mut Reader<'_>) -> Result<u16, Anomaly> {
    reader.u16().ok_or(Anomaly::DnsMalformed)
}
