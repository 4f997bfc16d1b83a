"""Where the pictures for tests of many stand, and sets of them in every form that SOURCE may have."""

import io
import tarfile
from pathlib import Path

PICTURES = Path(__file__).parents[1] / "golden" / "pictures"
HOPPER, NO_FACE = (PICTURES / "hopper.jpg").read_bytes(), (PICTURES / "no-face.jpg").read_bytes()


def tar_of(members: dict[str, bytes], mode: str = "w") -> bytes:
    """A tar with these files, in their order."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def write_table(path: Path, columns: dict[str, list], **options) -> Path:
    """A Parquet file with these columns."""
    import pyarrow as arrow
    import pyarrow.parquet

    arrow.parquet.write_table(arrow.table(columns), path, **options)
    return path
