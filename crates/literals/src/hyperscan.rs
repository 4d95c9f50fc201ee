//! The thin binding of Hyperscan 5.4: a few calls of its C interface (`hs_compile.h`, `hs_runtime.h`).

#![allow(unsafe_code, reason = "calls into a C library; each block says why it is sound")]

use std::ffi::{CStr, c_char, c_int, c_uint, c_ulonglong, c_void};
use std::ptr;

use crate::{BuildError, Literal, check};

#[repr(C)]
struct HsDatabase {
    _opaque: [u8; 0],
}

#[repr(C)]
struct HsScratch {
    _opaque: [u8; 0],
}

#[repr(C)]
struct HsCompileError {
    message: *mut c_char,
    expression: c_int,
}

type OnMatch = unsafe extern "C" fn(c_uint, c_ulonglong, c_ulonglong, c_uint, *mut c_void) -> c_int;

unsafe extern "C" {
    fn hs_compile_lit_multi(
        expressions: *const *const c_char,
        flags: *const c_uint,
        ids: *const c_uint,
        lens: *const usize,
        elements: c_uint,
        mode: c_uint,
        platform: *const c_void,
        db: *mut *mut HsDatabase,
        error: *mut *mut HsCompileError,
    ) -> c_int;
    fn hs_free_compile_error(error: *mut HsCompileError) -> c_int;
    fn hs_free_database(db: *mut HsDatabase) -> c_int;
    fn hs_serialize_database(db: *const HsDatabase, bytes: *mut *mut c_char, length: *mut usize) -> c_int;
    fn hs_deserialize_database(bytes: *const c_char, length: usize, db: *mut *mut HsDatabase) -> c_int;
    fn hs_database_size(db: *const HsDatabase, size: *mut usize) -> c_int;
    fn hs_alloc_scratch(db: *const HsDatabase, scratch: *mut *mut HsScratch) -> c_int;
    fn hs_free_scratch(scratch: *mut HsScratch) -> c_int;
    fn hs_scan(
        db: *const HsDatabase,
        data: *const c_char,
        length: c_uint,
        flags: c_uint,
        scratch: *mut HsScratch,
        on_match: OnMatch,
        context: *mut c_void,
    ) -> c_int;
    fn free(pointer: *mut c_void);
}

const HS_SUCCESS: c_int = 0;
const HS_MODE_BLOCK: c_uint = 1;
const HS_FLAG_CASELESS: c_uint = 1;
const HS_FLAG_SINGLEMATCH: c_uint = 8;

/// A compiled set of literals: immutable, shared between threads.
pub struct Database {
    handle: *mut HsDatabase,
}

// SAFETY: a compiled database is never written to after it was made (hs_compile.h: databases are read-only and may be used
// by any number of threads at once); what changes during a scan is in the scratch, which each thread has its own of.
unsafe impl Send for Database {}
// SAFETY: as above.
unsafe impl Sync for Database {}

impl Database {
    /// Compile for block scanning.
    ///
    /// # Errors
    /// When a literal is empty or too long, or the compiler refuses the set.
    pub fn compile(literals: &[Literal]) -> Result<Self, BuildError> {
        check(literals)?;
        let expressions: Vec<*const c_char> = literals.iter().map(|literal| literal.bytes.as_ptr().cast()).collect();
        let lens: Vec<usize> = literals.iter().map(|literal| literal.bytes.len()).collect();
        let ids: Vec<c_uint> = literals.iter().map(|literal| literal.id).collect();
        let flags: Vec<c_uint> = literals
            .iter()
            .map(|literal| HS_FLAG_SINGLEMATCH | if literal.nocase { HS_FLAG_CASELESS } else { 0 })
            .collect();
        let elements = c_uint::try_from(literals.len()).map_err(|_| refused("too many literals"))?;
        let mut handle = ptr::null_mut();
        let mut error = ptr::null_mut();
        // SAFETY: the four arrays have `elements` entries each and outlive the call; each expression is `lens[i]` readable
        // bytes; a null platform means this machine; `handle` and `error` are written by the call.
        let code = unsafe {
            hs_compile_lit_multi(
                expressions.as_ptr(),
                flags.as_ptr(),
                ids.as_ptr(),
                lens.as_ptr(),
                elements,
                HS_MODE_BLOCK,
                ptr::null(),
                &raw mut handle,
                &raw mut error,
            )
        };
        if code == HS_SUCCESS {
            return Ok(Self { handle });
        }
        Err(taken(error))
    }

    /// The database as bytes for a cache on disk. Only good for the same library version and processor features.
    ///
    /// # Errors
    /// When the library is out of memory.
    pub fn serialize(&self) -> Result<Vec<u8>, BuildError> {
        let mut bytes = ptr::null_mut();
        let mut length = 0_usize;
        // SAFETY: the handle is live; the call allocates `bytes` with malloc and writes its length.
        let code = unsafe { hs_serialize_database(self.handle, &raw mut bytes, &raw mut length) };
        if code != HS_SUCCESS {
            return Err(BuildError::Unusable { code });
        }
        // SAFETY: success means `bytes` points to `length` bytes that are ours until freed with `free`, once, below.
        let copy = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) }.to_vec();
        // SAFETY: allocated by the library's default allocator, malloc, and not used again.
        unsafe { free(bytes.cast()) };
        Ok(copy)
    }

    /// Read a database back. The caller vouches for the bytes with a checksum: the library only checks its own header.
    ///
    /// # Errors
    /// When it was made by another version or for another processor.
    pub fn deserialize(bytes: &[u8]) -> Result<Self, BuildError> {
        let mut handle = ptr::null_mut();
        // SAFETY: `bytes` is readable for its length; the call copies what it needs into an allocation of its own.
        let code = unsafe { hs_deserialize_database(bytes.as_ptr().cast(), bytes.len(), &raw mut handle) };
        if code == HS_SUCCESS { Ok(Self { handle }) } else { Err(BuildError::Unusable { code }) }
    }

    /// Memory the compiled database takes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let mut size = 0_usize;
        // SAFETY: the handle is live; the size is written by the call.
        let code = unsafe { hs_database_size(self.handle, &raw mut size) };
        if code == HS_SUCCESS { size } else { 0 }
    }

    /// Call `found(id, end)` for each literal that occurs in `text`, once a literal, in order of `end` (the offset after the
    /// occurrence). Text past 4 GiB is not searched. `scratch` must have been fitted to this database.
    pub fn scan<F: FnMut(u32, usize)>(&self, scratch: &mut Scratch, text: &[u8], mut found: F) {
        let length = c_uint::try_from(text.len()).unwrap_or(c_uint::MAX);
        // SAFETY: database and scratch are live, the scratch is used by this thread alone (`&mut`) and was fitted to this
        // database or the call refuses it; `text` is readable for `length` bytes; the callback gets `found`, which outlives
        // the call, as its context.
        let code = unsafe {
            hs_scan(self.handle, text.as_ptr().cast(), length, 0, scratch.handle, report::<F>, (&raw mut found).cast())
        };
        debug_assert_eq!(code, HS_SUCCESS, "scratch was not fitted to this database");
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // SAFETY: made by this library, freed once.
        unsafe { hs_free_database(self.handle) };
    }
}

/// Hands one match to the closure behind `context`. Never unwinds into C: a panic of the closure ends the process.
unsafe extern "C" fn report<F: FnMut(u32, usize)>(
    id: c_uint,
    _from: c_ulonglong,
    to: c_ulonglong,
    _flags: c_uint,
    context: *mut c_void,
) -> c_int {
    // SAFETY: `context` is the `found` of the `scan` that is running on this thread, borrowed by nobody else meanwhile.
    let found = unsafe { &mut *context.cast::<F>() };
    found(id, usize::try_from(to).unwrap_or(usize::MAX));
    0
}

/// A thread's working memory for scans. One serves any number of databases it was fitted to.
pub struct Scratch {
    handle: *mut HsScratch,
}

// SAFETY: a scratch may move between threads; it must not be used by two at once, which `&mut` in `scan` guarantees.
unsafe impl Send for Scratch {}

impl Scratch {
    /// Empty: fit it before the first scan.
    #[must_use]
    pub fn new() -> Self {
        Self { handle: ptr::null_mut() }
    }

    /// Make room for scans of `database`, keeping what it was fitted to before. Cheap when there is room already.
    pub fn fit(&mut self, database: &Database) {
        // SAFETY: the database is live; the scratch is null or live, and grown or replaced by the call.
        let code = unsafe { hs_alloc_scratch(database.handle, &raw mut self.handle) };
        assert_eq!(code, HS_SUCCESS, "no memory for the matcher's scratch");
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: null is allowed; else made by this library and freed once.
        unsafe { hs_free_scratch(self.handle) };
    }
}

fn refused(message: &str) -> BuildError {
    BuildError::Refused { message: message.to_owned() }
}

/// The words of a compile error, which is freed.
fn taken(error: *mut HsCompileError) -> BuildError {
    if error.is_null() {
        return refused("no reason given");
    }
    // SAFETY: not null, so it was made by the failed compile; its message is a C string that lives as long as it.
    let message = unsafe { CStr::from_ptr((*error).message) }.to_string_lossy().into_owned();
    // SAFETY: made by this library, freed once, not used again.
    unsafe { hs_free_compile_error(error) };
    BuildError::Refused { message }
}
