//! How much is one conversation allowed to hold?

/// Bounds of one conversation. Each has a default with its reason; crossing one is reported as an [`crate::Anomaly`].
///
/// Sizes are bytes. The worst case of one conversation is about
/// `2 * (http_head_max + http_body_depth * 2) + 2 * plain_pdu_max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of an HTTP body that are judged; the rest is skipped without a look.
    pub http_body_depth: u32,
    /// Bytes that decompression may yield for one body.
    pub http_inflated_max: u32,
    /// Bytes of one HTTP start line with its header fields; a longer head ends here and the rest is skipped.
    pub http_head_max: u32,
    /// Bytes of a file in a mail or a form that are judged.
    pub mail_file_depth: u32,
    /// Bytes of a PDU of a protocol without an inspector of its own.
    pub plain_pdu_max: u32,
}

impl Limits {
    /// 64 KiB: Snort 3 judges a body in sections of 16 KiB up to a depth that its policies set between 300 bytes and no
    /// limit; nearly all literals of the public rule sets lie in the first 64 KiB of a file, and more costs speed
    /// linearly.
    pub const HTTP_BODY_DEPTH: u32 = 64 * 1024;
    /// 64 KiB: as for plain bodies, counted after decompression, so that a bomb costs no more than a page.
    pub const HTTP_INFLATED_MAX: u32 = 64 * 1024;
    /// 64 KiB: four times what the big servers accept (Apache 8 KiB a line, nginx 32 KiB, IIS 16 KiB).
    pub const HTTP_HEAD_MAX: u32 = 64 * 1024;
    /// 64 KiB: as for the bodies of HTTP, counted after decoding.
    pub const MAIL_FILE_DEPTH: u32 = 64 * 1024;
    /// 16 KiB: about Snort 3's flush size of a stream without a splitter (`max_pdu` 16,384).
    pub const PLAIN_PDU_MAX: u32 = 16 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            http_body_depth: Self::HTTP_BODY_DEPTH,
            http_inflated_max: Self::HTTP_INFLATED_MAX,
            http_head_max: Self::HTTP_HEAD_MAX,
            mail_file_depth: Self::MAIL_FILE_DEPTH,
            plain_pdu_max: Self::PLAIN_PDU_MAX,
        }
    }
}
