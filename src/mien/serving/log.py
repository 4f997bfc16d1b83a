"""Logs as JSON, a line each."""

import json
import logging
import sys
import time
from typing import TextIO


class JsonFormatter(logging.Formatter):
    """time (UTC), level, logger, message, what `extra={"fields": {...}}` gives, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up(stream: TextIO | None = None) -> None:
    """Sends the service's logs, and its libraries' warnings, to stderr, or that stream."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("mien.serve").setLevel(logging.INFO)
