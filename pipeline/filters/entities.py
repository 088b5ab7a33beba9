"""The rule on names that the source does not contain: acronyms, formulas, genes, capitalised names."""

import re

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement, quoted
from pipeline.filters.lexicon import NAMELESS
from pipeline.filters.registry import Setting, rule

# MoS2, TP53, VMX, Mentor-1001; Zeta Potential Analyzer. A capital at the start of a sentence alone says nothing.
CODE = re.compile(
    r"(?:[A-Za-z]*[A-Z]{2,}[A-Za-z0-9]*|[A-Za-z]+[0-9]+[A-Za-z0-9]*"
    r"|[A-Z][a-z]{3,}(?=-[0-9]{2}))(?:-[A-Za-z]{0,3}[0-9]+)*"
)
NAMED = re.compile(r"[A-Z](?<=[a-z,] .)[a-z]{2,}(?:-[A-Z]?[a-z0-9]+)?(?: (?:of |the |and )?[A-Z][a-z]{2,})+")
AROUND = ".,;:!?()[]{}<>\"'“”’*_`$=/|"
USUAL = frozenset(
    """ac adc afm ai anova atp auc bca bet bh bsa bsl cad ccd cd cdna cfu cfd ci cmos co2 cpu cv dapi dc dft dls dmem
    dmso dna dox dsc dtt ecg edta edx eeg eis elisa em fbs fdr fe fem fft fov ftir gc gfp gpu h2 h2o h2o2 hcl hepes
    hepa hplc hz iacuc icp ic50 id ir irb ird iso kcl kpi lc lcd lcms lc50 ld50 led ml mri mrna ms msds n2 n95 nacl
    naoh nir nist nmr no2 o2 o3 od od600 ok pbs pc pca pcr pid ph ph7 ppe ppm psf ptfe pvc qc qpcr ram rcf rfp rh
    rms rmse rna roc ros rpm rpmi rt rtpcr sd sds sdspage sem sem-edx si snr sop spss std tem tga thf ttest tv ui
    uk us usa usb uv uvvis vis v0 v1 vpn wt xps xrd xrf 2d 3d t1 t2 ii iii iv vi vii viii ix th st nd rd not and or
    if then all no kg hepg2 triton-x100 x100 i2 r2 c18 ca2 mg2 na2 k2 gcms ir2 nh3 nh4 so4 po4""".split()  # noqa: SIM905
)
NOT_ALNUM = re.compile(r"[\W_]+")
NO_SIGNS = {code: None for code in range(128) if not chr(code).isalnum()}


@rule(
    "max_new_names",
    label="Names not in the source",
    help="At most this many acronyms, formulas, genes or proper names of the answer are nowhere in its source.",
    settings=[Setting("max_new_names", kinds.count_from(0), "limit", by_task={"hypothesis": 4})],
    unit="names",
)
def max_new_names(answer, *, limit):
    """Without a source nothing is measured: 0. Usual names of a laboratory (DNA, PBS, SEM) are left out."""
    found = new_names(answer)
    ok = len(found) <= limit
    return Measurement(
        "max_new_names", len(found), limit, ok, "" if ok else f"Not in the source: {quoted(found, most=6)}."
    )


def new_names(answer):
    """The names in the answer that neither its source has nor the usual ones are, as written, each once."""
    if not answer.context.strip():
        return []
    told = _codes(answer.text) + [match[0] for match in NAMED.finditer(answer.text)]
    if not told:
        return []
    source = f"{answer.context}\n{answer.hypothesis}".lower()
    plain, initials, found = _plain(source), None, {}
    for name in dict.fromkeys(told):
        key = _plain(name.lower())
        if (
            not key
            or name.lower() in NAMELESS
            or name.lower() in USUAL
            or key in USUAL
            or key in plain
            or key.removesuffix("s") in plain
        ):
            continue
        if " " in name and all(word in source for word in name.lower().split()):
            continue
        initials = initials or "".join([word[0] for word in answer.context_words])
        if name.isalpha() and name.rstrip("s").lower() in initials:
            continue
        found.setdefault(key, name)
    return list(found.values())


def _codes(text):
    """The words of `text` that are written as acronyms, formulas and genes are."""
    found = []
    for word in text.split():
        if word.islower() or word[1:].islower() and word.strip(AROUND).isalpha():
            continue
        word = word.strip(AROUND)
        if CODE.fullmatch(word) and not word.islower():
            found.append(word)
    return found


def _plain(text):
    """Letters and digits alone, so that CO$_2$, CO_{2} and CO2 are one."""
    return text.translate(NO_SIGNS) if text.isascii() else NOT_ALNUM.sub("", text)
