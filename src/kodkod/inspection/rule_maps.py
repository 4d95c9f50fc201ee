"""How does a rule set travel into a cluster? As keys of ConfigMaps that the inspectors mount, compressed and in parts.

ConfigMaps `kodkod-rules`, `kodkod-rules-2`, … in namespace `tigera-dpi`, each below the size that Kubernetes allows. A
set NAME has keys `NAME.{file}.gz` and one `NAME.ruleset.json`, which names them all with a digest over their texts: a
reader that finds a set half there (the maps are not replaced in one step) leaves what is in force as it is. Keys and
files of other forms, put there by hand, count too. Pure.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

NAMESPACE = "tigera-dpi"
NAME = "kodkod-rules"
MAPS_MAX = 8
"""As many as the inspector's volume names. Snort's community rules (1.8 MB) take a quarter of one map, the Emerging
Threats of 2023 (26 MB) three."""
MAP_BYTES_MAX = 1_000_000
"""Of values in one ConfigMap; Kubernetes allows 1,048,576 with the keys."""
PART_BYTES_MAX = 900_000
RAW_BYTES = 4_000_000
UNPACKED_BYTES_MAX = 128 * 1024 * 1024
CLASSIFICATION = "classification.config"
MANIFEST_SUFFIX = ".ruleset.json"
PACKED_SUFFIX = ".gz"

_NOT_OF_KEYS = re.compile(r"[^-._a-zA-Z0-9]+")
_BETWEEN_RULES = re.compile(rb"(?<!\\)\n(?=#|\n|(?:alert|block|drop|log|pass|react|reject|rewrite)\b)")
"""Where a text may be cut: a rule that goes on over several lines is left whole."""


class MapsFull(Exception):
    """The rules take more room than there is. Fewer rules, or a volume, would help; nothing has changed."""


def map_names() -> list[str]:
    return [NAME, *(f"{NAME}-{number}" for number in range(2, MAPS_MAX + 1))]


def packed(name: str, ruleset: Mapping[str, Any], texts: Mapping[str, bytes]) -> dict[str, bytes]:
    """A set's keys with their values. ruleset: what is told of it, as JSON has it."""
    keys: dict[str, bytes] = {}
    parts: dict[str, bytes] = {}
    for file, text in sorted(texts.items()):
        for key, part in _parts(name, file, text):
            parts[key] = part
            keys[key + PACKED_SUFFIX] = gzip.compress(part, mtime=0)
    manifest = {"set": dict(ruleset), "keys": sorted(keys), "digest": digest_of(sorted(parts.items()))}
    keys[name + MANIFEST_SUFFIX] = json.dumps(manifest).encode()
    return keys


def replaced(present: Mapping[str, bytes], name: str, keys: Mapping[str, bytes]) -> dict[str, bytes]:
    """All keys there are, with those of one set in place of what it had before."""
    old = manifest_of(present.get(name + MANIFEST_SUFFIX, b""))
    gone = {name + MANIFEST_SUFFIX, *(old or {}).get("keys", ())}
    return {**{key: value for key, value in present.items() if key not in gone}, **keys}


def binned(keys: Mapping[str, bytes]) -> dict[str, dict[str, bytes]]:
    """Keys by the ConfigMap that holds them, every map named, the last ones maybe empty. Raises MapsFull."""
    bins: dict[str, dict[str, bytes]] = {name: {} for name in map_names()}
    for key, value in sorted(keys.items(), key=lambda entry: (-len(entry[1]), entry[0])):
        room = (name for name, held in bins.items() if size(held) + len(key) + len(value) <= MAP_BYTES_MAX)
        home = next(room, None)
        if home is None:
            raise MapsFull(
                f"compressed, the rules take more than {MAPS_MAX} ConfigMaps of {MAP_BYTES_MAX:,} bytes; mount them as "
                "a volume and name it by the inspector's --rules-dir"
            )
        bins[home][key] = value
    return bins


def digest_of(texts: Iterable[tuple[str, bytes]]) -> str:
    """Equal exactly for equal texts under equal names, in this order."""
    digest = hashlib.sha256()
    for name, text in texts:
        digest.update(f"{name}\0{len(text)}\n".encode())
        digest.update(text)
    return digest.hexdigest()


def size(keys: Mapping[str, bytes]) -> int:
    return sum(len(key) + len(value) for key, value in keys.items())


def manifest_of(content: bytes) -> dict[str, Any] | None:
    """What a set's manifest says (`set`, `keys`, `digest`); None where it is none of ours."""
    try:
        manifest = json.loads(content)
    except ValueError:
        return None
    is_ours = isinstance(manifest, dict) and {"set", "keys", "digest"} <= manifest.keys()
    return manifest if is_ours and isinstance(manifest["keys"], list) else None


def unpacked(name: str, content: bytes) -> bytes:
    """A file's text, decompressed where its name says so. Raises OSError for a broken or an endless one."""
    if not name.endswith(PACKED_SUFFIX):
        return content
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = reader.decompress(content, UNPACKED_BYTES_MAX)
    except zlib.error as error:
        raise OSError(0, f"damaged: {error}", name) from error
    if not reader.eof:
        raise OSError(0, f"damaged, or more than {UNPACKED_BYTES_MAX} bytes", name)
    return text


def _parts(set_name: str, file: str, text: bytes) -> Iterator[tuple[str, bytes]]:
    """A file in pieces that fit a map, under the keys they get (without the suffix of compression)."""
    stem, dot, suffix = _NOT_OF_KEYS.sub("-", file)[-200:].rpartition(".")
    pieces = list(_pieces(text)) if file != CLASSIFICATION else [text]
    for number, piece in enumerate(pieces, 1):
        yield f"{set_name}.{stem}{f'.{number:03d}' if len(pieces) > 1 else ''}{dot}{suffix}", piece


def _pieces(text: bytes) -> Iterator[bytes]:
    """Ends because each piece takes at least a byte: a single rule of that size compresses."""
    raw = RAW_BYTES
    while text:
        cut = len(text)
        if cut > raw:
            cuts = [found.end() for found in _BETWEEN_RULES.finditer(text, 0, raw)]
            cut = cuts[-1] if cuts else raw
        if len(gzip.compress(text[:cut], mtime=0)) > PART_BYTES_MAX and raw > 1000:
            raw //= 2
            continue
        yield text[:cut]
        text = text[cut:]
