//! What are a recording's files called?
//!
//! The active file is `{stem}.pcap`, a rotated one `{stem}-{UTC yyyymmddThhmmss.ffffffZ}.pcap`, so that names of one stem
//! sort by time.

use crate::{MICROS, NANOS};

const SUFFIX: &str = ".pcap";
/// `-yyyymmddThhmmss.ffffffZ`
const STAMP_LEN: usize = 24;
const DAY_S: u64 = 86_400;

/// A stem is one path component, short enough to leave room for time and suffix in the 255 bytes of a file name.
pub(crate) fn stem_is_valid(stem: &str) -> bool {
    let length_max = 255_usize.saturating_sub(STAMP_LEN).saturating_sub(SUFFIX.len());
    !stem.is_empty() && stem.len() <= length_max && !stem.starts_with('.') && !stem.contains(['/', '\0'])
}

pub(crate) fn active(stem: &str) -> String {
    format!("{stem}{SUFFIX}")
}

pub(crate) fn rotated(stem: &str, at_ns: u64) -> String {
    let micros = at_ns.checked_div(1000).unwrap_or(0).checked_rem(MICROS).unwrap_or(0);
    let seconds = at_ns.checked_div(NANOS).unwrap_or(0);
    let (year, month, day) = civil(seconds.checked_div(DAY_S).unwrap_or(0));
    let second_of_day = seconds.checked_rem(DAY_S).unwrap_or(0);
    let part = |divisor: u64, modulus: u64| {
        second_of_day.checked_div(divisor).and_then(|n| n.checked_rem(modulus)).unwrap_or(0)
    };
    let (hour, minute, second) = (part(3600, 24), part(60, 60), part(1, 60));
    format!("{stem}-{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{micros:06}Z{SUFFIX}")
}

/// Whether a file name is a rotated file of this stem, and not of a longer one that starts alike.
pub(crate) fn is_rotated(stem: &str, name: &str) -> bool {
    let stamp = name.strip_prefix(stem).and_then(|rest| rest.strip_suffix(SUFFIX));
    let pattern = b"-00000000T000000.000000Z";
    stamp.is_some_and(|stamp| {
        stamp.len() == pattern.len()
            && stamp
                .bytes()
                .zip(pattern)
                .all(|(byte, &shape)| if shape == b'0' { byte.is_ascii_digit() } else { byte == shape })
    })
}

/// Day of the Gregorian calendar. Counts years from March, so that the leap day is the last of a year.
fn civil(days_since_1970: u64) -> (u64, u64, u64) {
    const ERA_DAYS: u64 = 146_097;
    /// From 0000-03-01 to 1970-01-01.
    const EPOCH_DAYS: u64 = 719_468;
    let days = days_since_1970.saturating_add(EPOCH_DAYS);
    let era = days / ERA_DAYS;
    let day_of_era = days % ERA_DAYS;
    let leap_days = (day_of_era / 1460).saturating_add(day_of_era / 146_096);
    let year_of_era = day_of_era.saturating_sub(leap_days).saturating_add(day_of_era / 36_524) / 365;
    let first_day = year_of_era.saturating_mul(365).saturating_add(year_of_era / 4).saturating_sub(year_of_era / 100);
    let day_of_year = day_of_era.saturating_sub(first_day);
    let month_from_march = day_of_year.saturating_mul(5).saturating_add(2) / 153;
    let month_start = month_from_march.saturating_mul(153).saturating_add(2) / 5;
    let day = day_of_year.saturating_sub(month_start).saturating_add(1);
    let month =
        if month_from_march < 10 { month_from_march.saturating_add(3) } else { month_from_march.saturating_sub(9) };
    let year = year_of_era.saturating_add(era.saturating_mul(400)).saturating_add(u64::from(month <= 2));
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_name_tells_the_time_in_utc() {
        for (at_ns, expected) in [
            (0, "p-19700101T000000.000000Z.pcap"),
            (951_782_399_999_999_000, "p-20000228T235959.999999Z.pcap"),
            (951_782_400_000_000_999, "p-20000229T000000.000000Z.pcap"),
            (951_868_800_123_456_789, "p-20000301T000000.123456Z.pcap"),
            (1_735_689_599_000_000_000, "p-20241231T235959.000000Z.pcap"),
            (4_107_542_400_000_000_000, "p-21000301T000000.000000Z.pcap"),
        ] {
            assert_eq!(rotated("p", at_ns), expected);
            assert!(is_rotated("p", expected));
        }
    }

    #[test]
    fn a_file_of_another_stem_is_not_ours() {
        assert!(!is_rotated("pod", "pod.pcap"));
        assert!(!is_rotated("pod", "pod-a-20000101T000000.000000Z.pcap"));
        assert!(!is_rotated("pod", "pod-20000101T000000.000000Z.pcap.gz"));
        assert!(!is_rotated("pod", "pod-2000010aT000000.000000Z.pcap"));
        assert!(is_rotated("pod-a", "pod-a-20000101T000000.000000Z.pcap"));
    }

    #[test]
    fn a_stem_stays_in_its_directory() {
        for stem in ["", ".", "..", "../x", "a/b", "/x", ".hidden", "a\0b", &"x".repeat(240)] {
            assert!(!stem_is_valid(stem), "{stem:?}");
        }
        assert!(stem_is_valid("nginx-7c5ddbdf54-abcde_cali3177a65a149"));
        assert!(stem_is_valid("web..1"));
    }
}
