"""Personal data, and the many numbers that are none."""

import pytest

from pipeline.filters import RULES, Answer

FOUND = [
    "Write to jane.doe@uni-bonn.de for the strain.",
    "Write to J.Doe+lab@cs.mit.edu.",
    "(a_b@lab.org)",
    "Call +49 228 73 1234 for access.",
    "Call +1 (555) 123-4567.",
    "Phone: 555-123-4567",
    "Tel. 0228 731234",
    "(555) 123-4567",
    "Reach us at 555.123.4567 today.",
    "1-800-555-0199 is free",
]
NONE = [
    "",
    "Write to [email].",
    "Write to user@example.org or a@b.example.",
    "Fe3O4@SiO2 and Au@Pd particles at 10 mA@0.5 V.",
    "doi 10.1000/182 and 10.1038/nature12373",
    "On 2021-03-04, and 04.05.2021, and 2021-03-04T10:00:00.",
    "Grant CHE-1234567 and award no. 123-456-7890.",
    "Catalogue number 555-123-4567 and Cat. No. 123.456.7890.",
    "CAS 7732-18-5, ORCID 0000-0002-1825-0097, ISBN 978-3-16-148410-0.",
    "The values 300 400 5000 and 120-330-450 nm.",
    "From +10 to +20 and +30 °C.",
    "Cell 12 345 and sequence 1234567890.",
    "Phone screens of 5 inches; call it 3.14159265.",
    "At 192.168.100.1000 and v1.2.3.4567",
    "NGC 1234-5678, RA 12 34 56.78, Dec +12 34 56.7",
    "1,234,567,890 cells",
]


@pytest.mark.parametrize("text", FOUND)
def test_personal_data(text):
    measured = RULES["ban_personal_data"].measure(Answer(text))
    assert not measured.ok
    assert measured.value == 1
    assert measured.note.startswith("Names “")


@pytest.mark.parametrize("text", NONE)
def test_what_only_looks_like_it(text):
    measured = RULES["ban_personal_data"].measure(Answer(text))
    assert measured.ok, measured.note
