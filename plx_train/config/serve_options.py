"""What ``mode=serve`` can be told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class ServeOptions:
    """mode=serve"""

    host: str = "127.0.0.1"
    """Address to listen at; 0.0.0.0 for all of this machine."""
    port: int = 8080
    """0 takes a free one."""
    max_batch: int = 8
    """Images or series predicted together."""
    max_wait_ms: float = 5.0
    """How long an image waits for others to be predicted with."""
    queue_size: int = 64
    """Requests that are read, wait or are worked on at once; more are answered 503."""
    max_body_mb: float = 32.0
    """MiB of a request, or of a URL's content."""
    max_megapixels: float = 50.0
    """Million pixels of a request's pages together."""
    max_pages: int = 10
    """Pages of a PDF or TIFF that are worked on; later ones are left out."""
    max_rows: int = 200_000
    max_series: int = 1000
    """Rows, and groups of them, of a request's table."""
    timeout_seconds: float = 60.0
    """From the first byte of a request to the last of its answer."""
    drain_seconds: float = 30.0
    """How long requests are finished after SIGTERM."""
    api_key_file: str | None = None
    """File whose first line clients must send; PLX_SERVE_API_KEY does the same. null: no key."""
    fetch_urls: bool = False
    """Fetches files that clients name by URL, from public addresses."""
    visualize: bool = True
    """Drawn images in answers whose requests don't say."""
    follow: bool = False
    """Takes over new versions of the aliases in use while it serves."""
    poll_seconds: float = 10.0
    """Between looks at the registry, with `follow`."""
    sample: str | None = None
    """Image or table on which a new version is tried first; null: a made-up one."""
