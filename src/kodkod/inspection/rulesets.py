"""Which rules are in force on this host, and how is a set replaced whole or not at all?

Layout of `{data}/rules`: an installed set NAME is a link `NAME` to a folder `.sets/NAME-{digest}` with its texts and a
`ruleset.json`; installing writes a new folder and then moves the link, which the file system does in one step. A reader
sees the old set or the new one. Files `*.rules` put there by hand count too.

Further folders are read beside it, each file `*.rules` or `*.rules.gz`: volumes of a cluster, such as the ConfigMaps
that `rule_maps` fills, and the folder of the product's init container `snort-rules`, whose rules hide the starter set.

Callers: the command line installs; the inspector asks `fingerprint` now and then and loads when it has changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files as resource_files
from pathlib import Path

from kodkod.inspection import rule_maps
from kodkod.inspection.rule_maps import CLASSIFICATION, digest_of

STARTER = "starter.rules"
MANIFEST = "ruleset.json"
SETS = ".sets"
SNORT_FOLDER = Path("/usr/etc/snort/rules")
"""Where the init container `snort-rules` of IntrusionDetection puts its rules."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class RulesetError(Exception):
    """A set cannot be installed; what was there before is still there. The text says whose move it is."""


@dataclass(frozen=True, slots=True)
class Ruleset:
    """One installed set."""

    name: str
    origin: str
    digest: str
    files: int
    replaces_default: bool
    full: int
    degraded: int
    skipped: int
    installed_at: str


@dataclass(frozen=True, slots=True)
class Sources:
    """What the engine's compiler takes, and a digest that is equal exactly for equal texts."""

    texts: tuple[tuple[str, bytes], ...]
    classification: bytes | None
    digest: str


def load(data: Path, folders: Sequence[Path] = ()) -> Sources:
    """The texts in force: the starter set unless something replaces it, then every set by name, then further folders.

    Raises OSError if a folder or a compressed file cannot be read, or a mounted set is not whole; a set that vanishes
    meanwhile is left out.
    """
    found = [_read(data / "rules", prefix=""), *(_read(folder, prefix=f"{folder.name}/") for folder in folders)]
    sets = [*installed(data), *(ruleset for folder in folders for ruleset in mounted(folder))]
    is_replaced = any(ruleset.replaces_default for ruleset in sets) or any(_hides(folder) for folder in folders)
    texts = [] if is_replaced else [(STARTER, starter_text())]
    texts += [text for one in found for text in one if not _is_classes(text[0])]
    classes = [text for one in found for name, text in one if _is_classes(name)]
    return Sources(
        tuple(texts), b"\n".join(classes) or None, digest_of([*texts, *((CLASSIFICATION, c) for c in classes)])
    )


def fingerprint(data: Path, folders: Sequence[Path] = ()) -> str:
    """Changes whenever `load` might give something else. Reads names, sizes and times, no texts."""
    seen = hashlib.blake2b(digest_size=16)
    for folder in (data / "rules", *folders):
        for path in _text_files(folder):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            seen.update(f"{path}\0{status.st_ino}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    for ruleset in installed(data):
        seen.update(f"{ruleset.name}\0{ruleset.digest}\0{ruleset.replaces_default}\n".encode())
    return seen.hexdigest()


def installed(data: Path) -> list[Ruleset]:
    """The sets that `install` has put there, by name."""
    folder = data / "rules"
    if not folder.is_dir():
        return []
    found = (_manifest(entry) for entry in sorted(folder.iterdir()) if not entry.name.startswith("."))
    return [ruleset for ruleset in found if ruleset is not None]


def mounted(folder: Path) -> list[Ruleset]:
    """The sets that `rule_maps` has put into a mounted folder, by name. Raises OSError for one that is not whole."""
    found = []
    for path in sorted(folder.glob(f"*{rule_maps.MANIFEST_SUFFIX}")) if folder.is_dir() else ():
        manifest = rule_maps.manifest_of(path.read_bytes())
        if manifest is not None:
            parts = [(key.removesuffix(rule_maps.PACKED_SUFFIX), _text(folder / key)) for key in manifest["keys"]]
            if digest_of(parts) != manifest["digest"]:
                raise OSError(0, "is not whole yet", str(path))
            found.append(Ruleset(**manifest["set"]))
    return found


def described(
    *,
    name: str,
    origin: str,
    texts: Mapping[str, bytes],
    counts: Mapping[str, int],
    replaces_default: bool,
    installed_at: str,
) -> Ruleset:
    """A set that can be installed. Raises RulesetError for a name that is none, and a set of which nothing would load.

    texts: by file name, no folders. counts: `full`, `degraded`, `skipped` of its receipts. installed_at: RFC 3339.
    """
    if not _NAME.fullmatch(name):
        raise RulesetError(f"{name!r} cannot name a rule set: lower-case letters, digits, dot, dash, at most 63")
    if counts["full"] + counts["degraded"] == 0:
        raise RulesetError(f"{origin}: not one of its rules can be used; what was installed before stays")
    return Ruleset(
        name=name,
        origin=origin,
        digest=digest_of(sorted(texts.items())),
        files=len(texts),
        replaces_default=replaces_default,
        full=counts["full"],
        degraded=counts["degraded"],
        skipped=counts["skipped"],
        installed_at=installed_at,
    )


def install(data: Path, ruleset: Ruleset, texts: Mapping[str, bytes]) -> None:
    """Put a set into force on this host, in place of one of the same name.

    Raises RulesetError, or OSError if the disk refuses; nothing has changed then.
    """
    sets = data / "rules" / SETS
    sets.mkdir(parents=True, exist_ok=True)
    with _alone(sets):
        folder = _write(sets, ruleset, texts)
        try:
            _point(data / "rules" / ruleset.name, folder)
        except (OSError, RulesetError):
            shutil.rmtree(folder, ignore_errors=True)
            raise
        _forget_others(sets)


def starter_text() -> bytes:
    """The set shipped with Kodkod."""
    return (resource_files("kodkod.inspection") / "rules" / STARTER).read_bytes()


def _read(folder: Path, *, prefix: str) -> list[tuple[str, bytes]]:
    """Names as receipts show them, and texts."""
    texts = []
    for path in _text_files(folder):
        try:
            texts.append((prefix + str(path.relative_to(folder)).removesuffix(rule_maps.PACKED_SUFFIX), _text(path)))
        except FileNotFoundError:
            continue
    return texts


def _text(path: Path) -> bytes:
    return rule_maps.unpacked(str(path), path.read_bytes())


def _is_classes(name: str) -> bool:
    """A class file, by itself or of a mounted set."""
    return name.endswith(CLASSIFICATION)


def _hides(folder: Path) -> bool:
    """In the product, custom rules take the place of the built-in ones (packet-capture-and-dpi spec 3.4)."""
    return folder == SNORT_FOLDER and any(True for _ in _text_files(folder))


def _text_files(folder: Path) -> Iterator[Path]:
    """Rule and class texts in force, in a stable order. Hidden names and other files are none of ours."""
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        try:
            members = sorted(entry.iterdir()) if entry.is_dir() else [entry]
        except FileNotFoundError:
            continue
        for member in members:
            plain = member.name.removesuffix(rule_maps.PACKED_SUFFIX)
            if plain.endswith(".rules") or _is_classes(plain):
                yield member


def _manifest(entry: Path) -> Ruleset | None:
    try:
        fields = json.loads((entry / MANIFEST).read_bytes())
        return Ruleset(**fields)
    except (OSError, ValueError, TypeError):
        # A folder put there by hand, or one that another install is just replacing.
        return None


def _write(sets: Path, ruleset: Ruleset, texts: Mapping[str, bytes]) -> Path:
    """A new folder with everything in it, safely on disk. Its name is unique, so that no reader is disturbed."""
    folder = Path(tempfile.mkdtemp(prefix=f"{ruleset.name}-{ruleset.digest[:12]}-", dir=sets))
    try:
        folder.chmod(0o755)
        for name, text in texts.items():
            _write_file(folder / name, text)
        _write_file(folder / MANIFEST, json.dumps(asdict(ruleset), indent=1).encode())
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _write_file(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _point(link: Path, folder: Path) -> None:
    if link.exists() and not link.is_symlink():
        raise RulesetError(f"{link} is a folder or file put there by hand; choose another --name or move it away")
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(folder.relative_to(link.parent))
    new.replace(link)


@contextmanager
def _alone(sets: Path) -> Iterator[None]:
    """One installer at a time, so that none tidies away what another is about to link."""
    with (sets / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _forget_others(sets: Path) -> None:
    """Remove folders that no link names any more."""
    linked = {entry.resolve() for entry in sets.parent.iterdir() if entry.is_symlink()}
    for folder in sets.iterdir():
        if folder.is_dir() and folder.resolve() not in linked:
            shutil.rmtree(folder, ignore_errors=True)
