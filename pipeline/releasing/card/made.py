"""The versions that made a release, in words; for its card and its page."""

MADE_WITH = {"filters": "Filter rules", "gate": "SampleGate", "rubrics": "Rubric", "templates": "Template"}


def made_with(manifest):
    """[(what in words, sha256 or "", rows)] of the versions that a release's manifest names; [] for older ones."""
    versions = manifest.get("versions", {})
    return [
        (_named(entry, what), entry.get("sha256", ""), entry["rows"])
        for key, what in MADE_WITH.items()
        for entry in versions.get(key, [])
    ]


def _named(entry, what):
    name = " ".join(part for part in (what, entry.get("name")) if part)
    if entry.get("judge"):
        name += f", read by {entry['judge']}"
    if entry["version"] is None:
        return f"{name}: {'came with the answer' if entry.get('imported') else 'no verdict'}"
    return f"{name} v{entry['version']}"
