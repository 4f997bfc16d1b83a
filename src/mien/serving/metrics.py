"""What Prometheus is told."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15)


class Metrics:
    """requests, their seconds, refusals, faces, batch sizes, the queue, crashes; each service has its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)  # memory, time and files of the service, without its workers
        self.requests = Counter("mien_requests", "Requests answered.", ("route", "status"), registry=self._registry)
        self.seconds = Histogram(
            "mien_request_seconds", "Time to the answer.", ("route",), buckets=SECONDS, registry=self._registry
        )
        self.refusals = Counter("mien_refusals", "Requests refused.", ("status",), registry=self._registry)
        self.faces = Counter("mien_faces", "Faces recognised.", registry=self._registry)
        self.batches = Histogram("mien_batch_size", "Pictures a batch.", buckets=(1, 2, 4, 8, 16), registry=self._registry)
        self.queue = Gauge("mien_queue", "Pictures that wait or are worked on.", registry=self._registry)
        self.crashes = Counter("mien_worker_crashes", "Workers that ended at a picture.", registry=self._registry)

    def text(self) -> bytes:
        """In Prometheus' own format."""
        return generate_latest(self._registry)
