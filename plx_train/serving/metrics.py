"""What /metrics tells Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from plx_train.serving.served import ServedPipeline

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        at = self.registry
        self.requests = Counter("plx_requests_total", "Answers by path and status.", ["path", "status"], registry=at)
        self.seconds = Histogram(
            "plx_request_seconds",
            "From headers to the last byte of the answer.",
            ["path"],
            buckets=SECONDS,
            registry=at,
        )
        self.in_flight = Gauge(
            "plx_requests_in_flight", "Requests that are being read, waiting or worked on.", registry=at
        )
        self.connections = Gauge("plx_connections", "Connections that are open.", registry=at)
        self.closed = Counter(
            "plx_connections_closed_total",
            "Connections closed by a limit: of headers, idleness, bodies, answers, or of connections.",
            ["limit"],
            registry=at,
        )
        self.waiting = Gauge("plx_images_waiting", "Images that wait for a batch.", registry=at)
        self.batch_size = Histogram("plx_batch_size", "Images in a batch.", buckets=BATCH_SIZES, registry=at)
        self.batch_seconds = Histogram("plx_batch_seconds", "Prediction of one batch.", buckets=SECONDS, registry=at)
        self.decoders_lost = Counter(
            "plx_decoders_lost_total", "Decoders that a file ended, or that were too late.", ["how"], registry=at
        )
        self.swaps = Counter(
            "plx_version_changes_total", "New versions: accepted, refused, or unknown as the registry is silent.",
            ["outcome"], registry=at,
        )  # fmt: skip
        self.models = Gauge(
            "plx_model_info", "The models that answer.", ["part", "name", "version", "run_id", "sha256"], registry=at
        )
        for outcome in ("accepted", "refused", "unknown"):
            self.swaps.labels(outcome)
        for limit in ("headers", "idle", "body", "answer", "crowd", "refused"):
            self.closed.labels(limit)

        for how in ("ended", "late"):
            self.decoders_lost.labels(how)

    def show_models(self, pipeline: ServedPipeline) -> None:
        """Names the models in use in place of those before."""
        self.models.clear()
        for part, model in pipeline.models.items():
            self.models.labels(part, model.name, model.version or "", model.run_id or "", model.sha256).set(1)

    def text(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self.registry)
