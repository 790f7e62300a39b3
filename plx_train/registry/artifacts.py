"""The files of a registered version or a run, on this machine and verified: where they lie, or in the cache."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from plx_train.ground.confine import confined, plain_name, refuse_leading_out, sha256_name
from plx_train.ground.credentials import put_away, with_credentials, without_credentials
from plx_train.ground.errors import UserError
from plx_train.ground.files import cache_folder, sha256
from plx_train.index.feature_index import is_index
from plx_train.runs.exported import is_export

if TYPE_CHECKING:
    from plx_train.registry.versions import Version
    from plx_train.tracking.tables import Reader


def folder_of(client: Reader, version: Version) -> Path:
    """The folder with a version's files.

    Raises:
        UserError: they are gone, or not what was registered.
    """
    what = f"version {version.version} of {version.name}"
    digest = version.tags.get("plx.digest")
    return local_folder(put_away(client.tracking_uri), version.source, what, version.hashes, digest)


def local_folder(uri: str, source: str, what: str, hashes: Mapping[str, str], digest: str | None) -> Path:
    """The files at `source`, an address of the store's artifacts, as a folder of this machine.

    Args:
        uri: the store.
        what: whose files they are, for messages.
        hashes: sha256 by name; where it is empty nothing but their being there is checked.
        digest: of all files, by which the cache names them; None: they are fetched anew.

    Raises:
        UserError: they are gone, or differ, or what the store says of them is no digest, or names no file of theirs.
    """
    for name, value in hashes.items():
        plain_name(name, f"the store, of {what},")
        sha256_name(value, f"the sha256 of {name} that the store has of {what}")
    kept = kept_folder(digest, what) if digest else None
    path = local_path(source)
    if path is not None:
        if not path.is_dir():
            raise UserError(f"the files of {what} are not on this machine: {path} does not exist")
        _verify(path, what, hashes)
        return path
    if kept and kept.is_dir():
        try:
            _verify(kept, what, hashes)
            return kept
        except UserError:
            _remove_damaged(kept)
    return _download(uri, source, what, hashes, kept)


def kept_folder(digest: str, what: str) -> Path:
    """Where the cache keeps the files with a digest.

    Raises:
        UserError: it is none.
    """
    name = sha256_name(digest, f"the digest that the store has of {what}")[:32]
    return confined(cache_folder() / "models", name, "the cache")


def _remove_damaged(kept: Path) -> None:
    """Removes a folder that the cache has made, with what is in it; links are not followed.

    Raises:
        UserError: a link stands in its place.
    """
    if kept.is_symlink():
        raise UserError(f"{kept} in the cache is a link, which was not made here: look where it leads, and remove it")
    shutil.rmtree(kept, ignore_errors=True)


def local_path(source: str) -> Path | None:
    """The path that an address without a server means; None where there is a server."""
    if source.startswith("file:"):
        return Path(unquote(urlparse(source).path))
    return Path(source) if "://" not in source and ":/" not in source[2:] else None


def _download(uri: str, source: str, what: str, hashes: Mapping[str, str], kept: Path | None) -> Path:
    from mlflow.artifacts import download_artifacts, list_artifacts

    root = cache_folder() / "models"
    temporary = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".fetching-", dir=root))
        address = with_credentials(uri)
        for listed in list_artifacts(artifact_uri=source, tracking_uri=address):
            confined(temporary, listed.path, f"the store, among the files of {what},")
        fetched = Path(download_artifacts(artifact_uri=source, dst_path=str(temporary), tracking_uri=address))
        confined(temporary, str(fetched), f"the store, for the files of {what},")
        refuse_leading_out(temporary)
        _verify(fetched, what, hashes)
        target = kept or temporary.with_name(temporary.name.replace(".fetching-", "fetched-"))
        try:
            fetched.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was quicker with the same files
                raise
        return target
    except UserError:
        raise
    except Exception as error:
        from plx_train.tracking.delivery import first_line

        reason = first_line(error)
        raise UserError(f"the files of {what} can't be fetched from {without_credentials(source)}: {reason}") from None
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)


def _verify(folder: Path, what: str, hashes: Mapping[str, str]) -> None:
    """
    Raises:
        UserError: a file is missing or not what its hash says, or it is neither an exported folder nor an index.
    """
    for name, expected in hashes.items():
        try:
            found = sha256(folder / name)
        except OSError as error:
            raise UserError(f"the files of {what} can't be read: {folder / name}: {error.strerror or error}") from None
        if found != expected:
            raise UserError(f"{folder / name} is not what was registered as {what}: its sha256 differs")
    if not is_export(folder) and not is_index(folder):
        raise UserError(f"the files of {what} are no exported model: {folder} lacks inference.yml or its graph")
