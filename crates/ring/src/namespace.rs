//! How do we work in another network namespace?

use std::fs::File;
use std::io;
use std::path::PathBuf;

use crate::error::RingError;
use crate::system;

/// Where `ip netns` keeps its names.
const NAMED: &str = "/run/netns";

/// Run `work` on a thread of its own that has entered a network namespace; sockets opened there stay in it.
///
/// name: as `ip netns` knows it, or an absolute path such as `/proc/17/ns/net`. The calling thread stays where it is.
pub fn run_in<T: Send>(name: &str, work: impl FnOnce() -> T + Send) -> Result<T, RingError> {
    let failed = |source| RingError::Namespace { name: name.to_owned(), source };
    let path = path_of(name).map_err(failed)?;
    let file = File::open(path).map_err(failed)?;
    std::thread::scope(|scope| {
        let inside = std::thread::Builder::new()
            .name("netns".to_owned())
            .spawn_scoped(scope, || system::enter_network_namespace(&file).map(|()| work()))
            .map_err(failed)?;
        match inside.join() {
            Ok(result) => result.map_err(failed),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn path_of(name: &str) -> io::Result<PathBuf> {
    if name.starts_with('/') {
        return Ok(PathBuf::from(name));
    }
    if name.is_empty() || name == "." || name == ".." || name.contains('/') {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    Ok(PathBuf::from(NAMED).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_the_folder_of_names() {
        for name in ["", ".", "..", "../x", "a/b"] {
            assert!(path_of(name).is_err(), "{name:?}");
        }
        assert_eq!(path_of("blue").unwrap(), PathBuf::from("/run/netns/blue"));
        assert_eq!(path_of("/proc/1/ns/net").unwrap(), PathBuf::from("/proc/1/ns/net"));
    }

    #[test]
    fn a_namespace_that_is_not_there_is_named() {
        let error = run_in("kk-e4-nowhere", || ()).unwrap_err();
        assert_eq!(error.errno(), libc::ENOENT);
        assert!(error.to_string().contains("kk-e4-nowhere"));
    }
}
