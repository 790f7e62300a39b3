"""What ``mode=serve`` can be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from plx_train.contract.option import above, at_least, one_of, option

FORMATS = (
    *("jpeg", "png", "bmp", "gif", "webp", "tiff", "pdf"),
    *("avif", "heif", "jpeg2000", "ppm", "ico", "pcx", "psd", "qoi", "sgi", "sun", "tga"),
)
"""Formats that can be switched on."""


@dataclass
class ServeOptions:
    """How a pipeline is served: its address, batches and limits."""

    host: str = "127.0.0.1"
    """Address to listen at; 0.0.0.0 for all of this machine."""
    port: int = option(8080, at_least(0, at_most=65535))
    """Port to listen at; 0 takes a free one."""
    max_batch: int = option(8, at_least(1))
    """Images or series predicted together."""
    max_wait_ms: float = option(5.0, at_least(0))
    """Milliseconds that an image waits for others to be predicted with."""
    queue_size: int = option(64, at_least(1))
    """Requests that wait or are worked on at once; more are answered 503."""
    max_sending: int = option(64, at_least(1))
    """Requests whose bodies are on the way at once; where more come, the slowest is answered 408."""
    max_connections: int = option(512, at_least(1))
    """Connections at once; where more come, those are closed that wait longest without a request."""
    max_connections_per_address: int | None = option(None, at_least(1))
    """Connections of one address at once; null: no limit of its own, as behind a proxy all have one address."""
    header_seconds: float = option(10.0, above(0))
    """Seconds in which the headers of a request must come."""
    idle_seconds: float = option(15.0, above(0))
    """Seconds that a connection is kept for the next request."""
    min_kb_per_second: float = option(1.0, at_least(0))
    """KiB a second, after 10 s, at which a body must come and an answer be taken."""
    max_body_mb: float = option(32.0, at_least(0))
    """Largest request, or content of a URL, in MiB."""
    max_megapixels: float = option(50.0, at_least(0))
    """Megapixels of a request's pages together."""
    max_pages: int = option(10, at_least(1))
    """Pages of a PDF, TIFF or GIF that are worked on; that later ones were left out is said in the answer."""
    max_rows: int = option(200_000, at_least(1))
    """Rows of a request's table."""
    max_series: int = option(1000, at_least(1))
    """Series of a request's table, which are groups of its rows."""
    max_index_mb: float = option(1024.0, at_least(0))
    """MiB that all indexes together may take on disk which clients build (PP-ShiTuV2); what would pass it is 422."""
    formats: list[str] = option(["jpeg", "png", "bmp", "gif", "webp", "tiff", "pdf"], one_of(*FORMATS))
    """Formats of files that are read; those that are not on have readers with a history of faults, or few users."""
    decoders: int | None = option(None, at_least(1))
    """Processes in which files are decoded; null: one a core, 2 at least and 8 at most."""
    decode_seconds: float = option(10.0, above(0))
    """Seconds in which a page of a file must be decoded, all its pages in three times as many."""
    timeout_seconds: float = option(60.0, at_least(1))
    """Seconds from the first byte of a request to the last of its answer."""
    drain_seconds: float = option(30.0, at_least(0))
    """Seconds in which requests are finished after SIGTERM."""
    api_key_file: str | None = None
    """File whose first line is the key that clients must send, as the variable PLX_SERVE_API_KEY; null: no key."""
    allowed_hosts: list[str] = field(default_factory=list)
    """Names in the header Host that are answered to; others are 421. Empty: any."""
    fetch_urls: bool = False
    """Fetches files that clients name by URL, from public addresses."""
    fetch_seconds: float = option(20.0, above(0))
    """Seconds in which a URL must have been fetched, from its name to its last byte."""
    visualize: bool = True
    """Puts drawn images into answers whose requests don't say."""
    follow: bool = False
    """Takes over new versions of the aliases in use while it serves."""
    poll_seconds: float = option(10.0, at_least(1))
    """Seconds between looks at the registry, with `follow`."""
    sample: str | None = None
    """Image or table on which a new version is tried first; null: a made-up one."""
