"""How does a folder become a container image, where no container engine runs?

An OCI archive is a tar of JSON documents and layers named by their digests; any runtime imports it (`ctr images
import`, `podman load`, `skopeo copy oci-archive:…`). The same input gives the same bytes: names sorted, times 0, owners
root. Layers are not compressed: most travel to a disk beside this one, and gzip takes longer than all the rest.

Standard library alone, any Python from 3.11 on: the scripts that use it run before anything is installed.
"""

from __future__ import annotations

import hashlib
import io
import json
import stat
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

MEDIA = "application/vnd.oci.image"
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Image:
    """What an image says about itself. `name` is a full reference (`localhost/nginx:1`), `architecture` Go's word."""

    name: str
    architecture: str
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    folder: str = "/"


def write_layer(target: Path, root: Path) -> None:
    """Write everything below `root` as one layer."""
    with _fresh(target) as raw, tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as layer:
        for path in _below(root):
            _add(layer, path, path.relative_to(root))


def write_archive(target: Path, image: Image, layers: Iterable[Path]) -> None:
    """Write `image` out of `layers` (files of write_layer, the lowest first) as one OCI archive."""
    blobs: list[tuple[str, Path | bytes]] = []

    def put(kind: str, content: Path | bytes) -> dict[str, Any]:
        name = _digest(content)
        blobs.append((name, content))
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        return {"mediaType": f"{MEDIA}.{kind}", "digest": f"sha256:{name}", "size": size}

    stack = [put("layer.v1.tar", layer) for layer in layers]
    manifest = put(
        "manifest.v1+json",
        _json(
            {
                "schemaVersion": 2,
                "mediaType": f"{MEDIA}.manifest.v1+json",
                "config": put("config.v1+json", _json(_config(image, stack))),
                "layers": stack,
            }
        ),
    )
    manifest["platform"] = {"architecture": image.architecture, "os": "linux"}
    manifest["annotations"] = {
        "io.containerd.image.name": image.name,  # what containerd calls it
        "org.opencontainers.image.ref.name": image.name,  # what the others do
    }
    index = {"schemaVersion": 2, "mediaType": f"{MEDIA}.index.v1+json", "manifests": [manifest]}
    with _fresh(target) as raw, tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        _add_blob(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _add_blob(archive, "index.json", _json(index))
        for name, content in blobs:
            _add_blob(archive, f"blobs/sha256/{name}", content)


def _config(image: Image, stack: list[dict[str, Any]]) -> dict[str, Any]:
    variables = {"PATH": SEARCH_PATH, **image.environment}
    return {
        "architecture": image.architecture,
        "os": "linux",
        "config": {
            "Entrypoint": list(image.entrypoint),
            "Cmd": list(image.command),
            "Env": [f"{name}={value}" for name, value in variables.items()],
            "User": image.user,
            "WorkingDir": image.folder,
            "Labels": dict(image.labels),
        },
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in stack]},
    }


def _below(folder: Path) -> Iterable[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _below(path)


def _add(layer: tarfile.TarFile, path: Path, name: Path) -> None:
    entry = layer.gettarinfo(str(path), str(name))
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    if entry.islnk():  # a second name of one file: which comes first depends on the disk, so both carry the bytes
        entry.type = tarfile.REGTYPE
        entry.size = path.stat().st_size
    if not stat.S_ISREG(path.lstat().st_mode):
        layer.addfile(entry)
        return
    with path.open("rb") as content:
        layer.addfile(entry, content)


def _add_blob(archive: tarfile.TarFile, name: str, content: Path | bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode = 0o644
    if isinstance(content, bytes):
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
        return
    entry.size = content.stat().st_size
    with content.open("rb") as blob:
        archive.addfile(entry, blob)


def _digest(content: Path | bytes) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as blob:
        return hashlib.file_digest(blob, "sha256").hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class _fresh:
    """A file that appears under its name when it is whole: an interrupted build leaves no half image behind."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._temporary = target.with_name(target.name + ".new")

    def __enter__(self) -> BinaryIO:
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._temporary.open("wb")
        return self._file

    def __exit__(self, kind: object, *_rest: object) -> None:
        self._file.close()
        if kind is None:
            self._temporary.replace(self._target)
        else:
            self._temporary.unlink(missing_ok=True)
