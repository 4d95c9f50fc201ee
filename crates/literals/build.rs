//! Links Debian's static Hyperscan (or Vectorscan, which has the same calls) where it is installed.
//!
//! Traps met: `libhs.a` needs a static libstdc++ beside it, or the extension module cannot be position independent; and the
//! archives must not be bundled into our own rlib, or they are linked twice.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(hyperscan)");
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_PORTABLE").is_some() {
        return;
    }
    let (Some(hs), Some(stdcxx)) = (archive("libhs.a"), archive("libstdc++.a")) else {
        println!("cargo::warning=libhyperscan-dev is not installed: building the portable matcher (3-6 times slower)");
        return;
    };
    for folder in [hs.parent(), stdcxx.parent()].into_iter().flatten() {
        println!("cargo::rustc-link-search=native={}", folder.display());
    }
    println!("cargo::rustc-link-lib=static:-bundle=hs");
    println!("cargo::rustc-link-lib=static:-bundle=stdc++");
    println!("cargo::rustc-link-lib=dylib=m");
    println!("cargo::rustc-cfg=hyperscan");
}

/// Where the C++ compiler finds a static library; none when it does not.
fn archive(name: &str) -> Option<PathBuf> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let output = Command::new(compiler).arg(format!("-print-file-name={name}")).output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    (path.is_absolute() && Path::new(&path).exists()).then_some(path)
}
