"""The log files of embedded services: appended to, kept small, quoted in error messages."""

from pathlib import Path

LARGEST_BYTES = 10 * 1024 * 1024


def open_log(path: Path):
    """Open a log for appending; one that grew beyond LARGEST_BYTES first makes room, its content kept as NAME.1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LARGEST_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    return path.open("ab")


def last_lines(path: Path, count: int = 15) -> str:
    """Return the end of a log, for an error message."""
    if not path.exists():
        return "(nothing)"
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 20_000))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-count:]) or "(nothing)"
