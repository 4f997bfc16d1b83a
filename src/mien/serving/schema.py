"""What OpenAPI says of bodies and answers, with an example of each."""

from typing import Any

from mien.emotions import EMOTIONS
from mien.results import SCHEMA, Box, Face, Result
from mien.serving.answers import SOURCE
from mien.serving.problems import MEDIA_TYPE, describe
from mien.serving.service import PICTURE_FAILED

Schema = dict[str, Any]


def _object(properties: Schema, *optional: str) -> Schema:
    return {"type": "object", "properties": properties, "required": [name for name in properties if name not in optional]}


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def _json(schema: Schema, example: Any, description: str, kind: str = "application/json", **more: Any) -> Schema:
    return {"description": description, "content": {kind: {"schema": schema, "example": example}}, **more}


_PROBS = dict.fromkeys(EMOTIONS, 0.01) | {"happiness": 0.93}
_FACE = Face(Box(210, 64, 120, 120), 0.98, _PROBS, "happiness", 0.93, False)
_RESULT = Result(SOURCE, 640, 480, (_FACE,), {"name": "mien", "sha256": "3fa83ab4…"}).to_dict()
_UNREAD = Result(SOURCE, 0, 0, (), _RESULT["model"], error="is empty, not a picture; fetch or save it again.").to_dict()
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_TEXT, _FLAG, _COUNT = {"type": "string"}, {"type": "boolean"}, {"type": "integer", "minimum": 0}
_NAMED = {"emotion": {"type": "string", "enum": [*EMOTIONS]}, "confidence": _SHARE, "ambiguous": _FLAG,
          "probs": _object(dict.fromkeys(EMOTIONS, _SHARE))}  # fmt: skip
_FACES = _object({"box": _object(dict.fromkeys(("x", "y", "width", "height"), _COUNT)), "score": _SHARE,
                  "track": {"type": "null"}, **_NAMED, "smoothed": {"type": "null"}})  # fmt: skip
_ONE = _object({"schema": {"type": "integer", "const": SCHEMA}, "source": _TEXT, "frame": _COUNT, "time_s": {"type": "number"},
                "width": _COUNT, "height": _COUNT, "model": _object({"name": _TEXT, "sha256": _TEXT}),
                "faces": _list(_FACES), "error": {"type": ["string", "null"]}})  # fmt: skip
_SEVERAL = _object({"results": _list(_ONE)})
_CROP = {key: _RESULT["faces"][0][key] for key in _NAMED}
_PICTURE = {"schema": {"type": "string", "format": "binary"}}
_KINDS = ("image/jpeg", "image/png", "image/webp", "image/*", "application/octet-stream")

_PREDICTED: Schema = {
    "description": "The result; of several pictures `results`, in their order, each with its own `error`.",
    "content": {"application/json": {"schema": {"anyOf": [_ONE, _SEVERAL]}, "examples": {
        "one": {"value": _RESULT}, "several": {"value": {"results": [_RESULT, _UNREAD]}}}}},
}  # fmt: skip
_CLASSIFIED = _json(
    _object({"faces": _list({"anyOf": [_object(_NAMED), _object({"error": _TEXT})]})}),
    {"faces": [_CROP]},
    "A face for each picture; of several, one that could not be read has `error` alone.",
)
_MODEL = _json(
    _object({"name": _TEXT, "sha256": _TEXT, "labels": _list(_TEXT), "input": {}, "parameters": _COUNT, "multiply_adds": _COUNT,
             "set_threshold": _SHARE, "files": {"type": "object"}, "scores": {"type": "object"}}),
    {"name": "mien", "sha256": "3fa83ab4…", "labels": [*EMOTIONS], "input": {"shape": [None, 48, 48, 1]}, "parameters": 174_000,
     "multiply_adds": 10_800_000, "set_threshold": 0.9, "files": {}, "scores": {}},
    "Name, checksums, labels, scores.",
)  # fmt: skip
_HEALTHY = _json(_object({"status": {"const": "ok"}}), {"status": "ok"}, "It lives.")
_READY = _json(_object({"status": {"const": "ready"}}), {"status": "ready"}, "It takes requests.")
_ENDING = _json(_object({"status": {"const": "ending"}}), {"status": "ending"}, "It is ending, and takes no new requests.")
_MEASURED = _json(_TEXT, "mien_queue 0.0\n", "Prometheus' text format.", "text/plain")

_PROBLEM = _object({"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT})
_WAIT = {"Retry-After": {"description": "Seconds.", "schema": _COUNT}}
_REASONS = {
    400: ("Not a picture, or a broken body.", "the picture is empty, not a picture; fetch or save it again."),
    401: ("No valid token.", "expected the header `Authorization: Bearer TOKEN` with a token of this service."),
    408: ("Sent too slowly.", "the body had not arrived after 15 s; send it faster, or smaller."),
    413: ("Too many bytes or pixels.", "the body is larger than 33,554,432 bytes; make the picture smaller."),
    415: (
        "Not a picture's content type.",
        "content type none: expected image/* or multipart/form-data with fields named image.",
    ),
    422: ("No picture in the fields, too many, or a parameter in the address.", "0 fields named image: expected 1 to 16."),
    429: ("Too many requests.", "more than 60 requests a minute; wait."),
    500: ("It failed at this request.", PICTURE_FAILED),
    503: ("Busy, or ending.", "the queue is full; ask again in 1 s."),
}


def _refusal(status: int) -> Schema:
    reason, detail = _REASONS[status]
    headers = {"headers": _WAIT} if status in (429, 503) else {}
    return _json(_PROBLEM, describe(status, detail), reason, MEDIA_TYPE, **headers)


SECURITY: Schema = {"bearer": {"type": "http", "scheme": "bearer", "description": "A token, where the service asks for one."}}
_PROBLEMS = {str(status): _refusal(status) for status in _REASONS}
_UNKNOWN = {"401": _PROBLEMS["401"]}
_OPERATIONS: dict[str, Schema] = {
    "predict": {"responses": {"200": _PREDICTED, **_PROBLEMS}},
    "classify": {"responses": {"200": _CLASSIFIED, **_PROBLEMS}},
    "model": {"responses": {"200": _MODEL, **_UNKNOWN}},
    "healthz": {"responses": {"200": _HEALTHY}},
    "readyz": {"responses": {"200": _READY, "503": _ENDING}},
    "metrics": {"responses": {"200": _MEASURED, **_UNKNOWN}},
}


def operation(name: str, closed: bool, most: int) -> Schema:
    """What an operation takes and answers, by its id. closed: a token is needed; most: pictures in one request."""
    known = dict(_OPERATIONS[name])
    if name in ("predict", "classify"):
        fields = _object({"image": _list(_PICTURE["schema"], minItems=1, maxItems=most)})
        known["requestBody"] = {
            "required": True,
            "description": "A picture, or several in fields named image.",
            "content": {**dict.fromkeys(_KINDS, _PICTURE), "multipart/form-data": {"schema": fields}},
        }
    if closed and "401" in known["responses"]:
        known["security"] = [{"bearer": []}]
    return known
