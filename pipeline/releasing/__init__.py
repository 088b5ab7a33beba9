"""A release from what was accepted: chosen, read, written in every format, proved and checked. Knows no stage."""
