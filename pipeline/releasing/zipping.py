"""Files as one ZIP archive, made piece by piece while it is sent."""

import zipfile

PIECE = 1 << 20  # bytes read at once
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same files make the same archive


class _Sink:
    """A file that cannot be read back or rewound: what was written to it is taken out at once."""

    def __init__(self):
        self.pieces, self.written = [], 0

    def write(self, piece):
        self.pieces.append(bytes(piece))
        self.written += len(piece)
        return len(piece)

    def tell(self):
        return self.written

    def flush(self):
        pass

    def take(self):
        taken, self.pieces = b"".join(self.pieces), []
        return taken


def stream(files):
    """Bytes of an archive of [(name in it, path)], uncompressed: Parquet is compressed already."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, path in files:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            with open(path, "rb") as file, archive.open(entry, "w", force_zip64=True) as member:
                while piece := file.read(PIECE):
                    member.write(piece)
                    yield sink.take()
            yield sink.take()
    yield sink.take()
