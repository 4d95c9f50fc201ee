//! What do we ask of the kernel? Thin and safe: each function is one system call on descriptors and values we own.
#![allow(unsafe_code)] // packet sockets have no safe face

use std::fs::File;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use libc::{c_int, c_void, sock_filter, sock_fprog, socklen_t};

use crate::error::RingError;
use crate::filter::Program;

/// Move the calling thread.
pub(crate) fn enter_network_namespace(namespace: &File) -> io::Result<()> {
    // SAFETY: the descriptor is open; the call changes only the calling thread.
    check(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) }).map(drop)
}

/// A packet socket that receives nothing before it is bound.
pub(crate) fn packet_socket() -> Result<OwnedFd, RingError> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no pointers; protocol 0 registers for no packets.
    let fd = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
    if fd < 0 {
        return Err(RingError::last("open a packet socket"));
    }
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Receive every protocol of one interface from now on.
pub(crate) fn bind(socket: &OwnedFd, index: i32) -> Result<(), RingError> {
    // SAFETY: all zeros is a valid sockaddr_ll.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = index;
    // SAFETY: the address lives through the call and its size is told.
    let result = unsafe {
        libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size_of::<libc::sockaddr_ll>() as socklen_t)
    };
    check(result).map(drop).map_err(|source| RingError::Kernel { operation: "listen on the interface", source })
}

/// Index of an interface in the socket's namespace.
pub(crate) fn interface_index(socket: &OwnedFd, name: &str) -> Result<i32, RingError> {
    let operation = "find the interface";
    let mut request = named_request(name)
        .ok_or_else(|| RingError::Kernel { operation, source: io::Error::from_raw_os_error(libc::ENODEV) })?;
    interface_call(socket, libc::SIOCGIFINDEX, &mut request, operation)?;
    // SAFETY: the call has filled this member.
    Ok(unsafe { request.ifr_ifru.ifru_ifindex })
}

/// Kernel's number of the interface's link layer (`ARPHRD_`).
pub(crate) fn hardware_kind(socket: &OwnedFd, name: &str) -> Result<u16, RingError> {
    let operation = "ask for the link layer";
    let mut request = named_request(name)
        .ok_or_else(|| RingError::Kernel { operation, source: io::Error::from_raw_os_error(libc::ENODEV) })?;
    interface_call(socket, libc::SIOCGIFHWADDR, &mut request, operation)?;
    // SAFETY: the call has filled this member.
    Ok(unsafe { request.ifr_ifru.ifru_hwaddr.sa_family })
}

/// Flags (`IFF_`) of an interface that may have been renamed since; an error if it is no longer in the namespace.
pub(crate) fn interface_flags(socket: &OwnedFd, index: i32) -> Result<i32, RingError> {
    // SAFETY: all zeros is a valid ifreq.
    let mut request: libc::ifreq = unsafe { zeroed() };
    request.ifr_ifru.ifru_ifindex = index;
    interface_call(socket, libc::SIOCGIFNAME, &mut request, "find the interface")?;
    interface_call(socket, libc::SIOCGIFFLAGS, &mut request, "ask for the interface's state")?;
    // SAFETY: the call has filled this member.
    Ok(i32::from(unsafe { request.ifr_ifru.ifru_flags }))
}

fn named_request(name: &str) -> Option<libc::ifreq> {
    // SAFETY: all zeros is a valid ifreq.
    let mut request: libc::ifreq = unsafe { zeroed() };
    let fits = !name.is_empty() && name.len() < request.ifr_name.len() && !name.contains('\0');
    for (slot, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *slot = byte as libc::c_char;
    }
    fits.then_some(request)
}

fn interface_call(
    socket: &OwnedFd,
    call: libc::Ioctl,
    request: &mut libc::ifreq,
    operation: &'static str,
) -> Result<(), RingError> {
    // SAFETY: the request is a valid ifreq for each of the calls used here.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), call, std::ptr::from_mut(request)) };
    check(result).map(drop).map_err(|source| RingError::Kernel { operation, source })
}

/// Set a socket option to a value whose layout the kernel documents for it.
pub(crate) fn set_option<T: Copy>(
    socket: &OwnedFd,
    level: c_int,
    option: c_int,
    value: &T,
    operation: &'static str,
) -> Result<(), RingError> {
    // SAFETY: pointer and size describe one live value; the kernel only reads it.
    let result = unsafe {
        let pointer = std::ptr::from_ref(value).cast::<c_void>();
        libc::setsockopt(socket.as_raw_fd(), level, option, pointer, size_of::<T>() as socklen_t)
    };
    check(result).map(drop).map_err(|source| RingError::Kernel { operation, source })
}

/// The kernel's counters since they were last asked for.
pub(crate) fn ring_statistics(socket: &OwnedFd) -> Result<libc::tpacket_stats_v3, RingError> {
    // SAFETY: all zeros is a valid tpacket_stats_v3.
    let mut statistics: libc::tpacket_stats_v3 = unsafe { zeroed() };
    let mut length = size_of::<libc::tpacket_stats_v3>() as socklen_t;
    // SAFETY: pointer and length describe one live, writable value.
    let result = unsafe {
        let pointer = (&raw mut statistics).cast::<c_void>();
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_PACKET, libc::PACKET_STATISTICS, pointer, &raw mut length)
    };
    check(result).map_err(|source| RingError::Kernel { operation: "read the ring's counters", source })?;
    Ok(statistics)
}

/// Take the socket's pending error, so that it no longer wakes a poll. Its number, 0 for none.
pub(crate) fn take_error(socket: &OwnedFd) -> i32 {
    let mut error: c_int = 0;
    let mut length = size_of::<c_int>() as socklen_t;
    // SAFETY: pointer and length describe one live, writable value. A failure leaves 0.
    unsafe {
        let pointer = (&raw mut error).cast::<c_void>();
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ERROR, pointer, &raw mut length);
    }
    error
}

/// Let the kernel run a program on each frame from now on.
pub(crate) fn attach(socket: &OwnedFd, program: &Program) -> Result<(), RingError> {
    let mut code: Vec<sock_filter> = program
        .instructions()
        .iter()
        .map(|i| sock_filter { code: i.code, jt: i.jump_true, jf: i.jump_false, k: i.k })
        .collect();
    let program = sock_fprog { len: code.len() as u16, filter: code.as_mut_ptr() };
    // `code` lives until the end of the function; the kernel copies it.
    set_option(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program, "attach the filter")
}

/// Memory shared with the kernel; unmapped when dropped.
pub(crate) struct Mapping {
    start: *mut u8,
    length: usize,
}

// SAFETY: the mapping is plain memory of the process; whoever owns the value may use it from any one thread.
unsafe impl Send for Mapping {}

impl Mapping {
    pub(crate) fn of(socket: &OwnedFd, length: usize) -> Result<Self, RingError> {
        let fd: RawFd = socket.as_raw_fd();
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let start = unsafe {
            libc::mmap(std::ptr::null_mut(), length, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, fd, 0)
        };
        if start == libc::MAP_FAILED {
            return Err(RingError::last("map the ring"));
        }
        Ok(Self { start: start.cast(), length })
    }

    pub(crate) fn start(&self) -> *mut u8 {
        self.start
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly what was mapped; frames borrow from the ring that owns us, so none is alive.
        unsafe { libc::munmap(self.start.cast(), self.length) };
    }
}

/// Wait until the socket has something to say or the time is over. True: it has.
pub(crate) fn wait(socket: &OwnedFd, timeout_ms: i32) -> io::Result<bool> {
    let mut poll = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one live pollfd.
    match check(unsafe { libc::poll(&raw mut poll, 1, timeout_ms) }) {
        Ok(ready) => Ok(ready > 0),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error),
    }
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
