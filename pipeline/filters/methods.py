"""The rule on the five parts of a method: system, perturbation, control, readout, safety."""

import re

from pipeline.filters import kinds
from pipeline.filters.answer import Measurement
from pipeline.filters.lexicon import CHANGES, content_words, forms_of_nouns, forms_of_verbs
from pipeline.filters.registry import Setting, rule

SYSTEM = forms_of_nouns(
    """alloy animal bacterium bacteria battery bead biofilm biopsy blood bone brain catalyst cell ceramic chip
    chromosome clone coating code colony colloid column composite compound concrete coupon crop crystal culture
    database dataset detector device dna droplet drosophila electrode electrolyte embryo enzyme fiber fibre film
    fish flask fluid foam galaxy gas gel glass graph graphene grain hydrogel image laser leaf lattice lake larva
    larvae lens line lysate material matrix membrane mesh metal mice microarray microbe microcavity mineral mixture
    molecule monolayer mouse nanoparticle nanotube nanowire network neuron ocean oil optics organism organoid
    participant particle patient peptide phantom pixel plant plasma plasmid plate plot polymer population powder
    protein pulse qubit rat reactor resin rna robot rock root sample sand scaffold sediment seed semiconductor
    serum simulation slab slurry soil solution solvent specimen spectrum spectra star steel strain substrate
    surface suspension telescope tissue tree tube tumour tumor vacuum vessel virus volunteer wafer water waveguide
    well wheat worm yeast zebrafish zeolite circuit algorithm classifier software simulator dataset corpus survey
    user microcosm mesocosm panel beam bed bar disc disk pellet foil sheet sensor antenna cathode anode perovskite
    oxide liposome extract broth medium"""
)
PERTURBATION = (
    (CHANGES - forms_of_nouns("slow limit"))
    | forms_of_verbs(
        """add administer apply coat dope dose electroporate expose feed incubate infect inject irradiate knockdown
        knockout load mutate overexpress perturb stimulate sweep transfect transduce treat vary set titrate
        supplement spike anneal sinter quench pressurize compress stretch illuminate ramp step dissolve deposit mix
        immerse culture sow plant tilt bend fertilize flood drain starve fast feed wound graft cross mill grind
        polish etch coat charge discharge bias pump pulse excite scan rotate shake stir sonicate centrifuge seal
        open close place put set subject divide split halve spray soak age cure bake cast print dry wet oxidize
        reduce hydrogenate nitride carburize implant bombard strain press roll vibrate shock shield mask block bind
        label tag transplant ablate lesion train retrain fine prune resample subsample perturb simulate initialize"""
    )
    | frozenset(
        (
            "knockdown",
            "knockout",
            "perturbation",
            "perturbations",
            "treatment",
            "treatments",
            "inhibitor",
            "inhibitors",
            "dose",
            "doses",
            "voltage",
            "catalyst",
            "crispr",
            "sirna",
            "shrna",
            "mutant",
            "mutants",
            "intervention",
            "varied",
        )
    )
)
CONTROL = frozenset(
    """untreated unmodified undoped uncoated unexposed unaltered unperturbed unheated uninfected unstimulated
    unirradiated unloaded baseline baselines reference references placebo sham mock blank blanks wildtype pristine
    benchmark benchmarks vehicle control controls isogenic scrambled comparator""".split()  # noqa: SIM905  a list of words reads best as words
)
# "Control the temperature" and "the control system" speak of no control group.
NO_CONTROL = re.compile(
    r"\bcontrol(?:\s+(?:the|a|an|of|over|for|system|systems|strategy|strategies|loop|loops|theory|unit|units"
    r"|software|algorithm"
    r"|algorithms|parameter|parameters|law|panel|room|plane|field|knob|valve|flow|it|its|all|both|how|which)\b)"
    r"|\b(?:quality|to|can"
    r"|will|must|temperature|process|remote|flow|access|motor|under|version|in|feedback)\s+control\b"
    r"|\bcontrol(?:led|ling|ler)"
)
ANY_CONTROL = re.compile(
    r"\bcontrols?\b|\b(?:wild[- ]type|left (?:untreated|alone|as is|unchanged)|without (?:the |any )?(?:added "
    r"|adding )?\w+|no added"
    r"|zero[- ]dose|non-?treated)\b"
)
CONTROL_CUES = frozenset(("wild", "left", "without", "added", "zero", "non", "nontreated"))
READOUT = forms_of_verbs(
    """measure quantify assay record monitor detect determine count track log image read weigh titrate observe
    estimate calculate compute score sequence"""
) | forms_of_nouns(
    """measurement readout assay spectroscopy microscopy fluorescence absorbance spectrum spectra elisa qpcr pcr blot
    chromatography hplc nmr xrd sem tem afm xps ftir raman uv dsc tga cytometry luminescence impedance conductivity
    chronopotentiometry voltammetry sensor microscope spectrometer spectrophotometer oscilloscope accuracy runtime
    questionnaire"""
)
SAFETY = (
    forms_of_nouns(
        """glove goggle eyewear ppe bsl biosafety hazard ventilation respirator shield shielding interlock autoclave
        disinfectant bleach waste disposal sharps fume hood coat apron consent ethics"""
    )
    | forms_of_verbs("dispose autoclave disinfect decontaminate neutralize ventilate")
    | frozenset(
        (
            "safety",
            "safe",
            "safely",
            "protective",
            "protection",
            "biohazard",
            "biohazardous",
            "hazardous",
            "goggles",
            "iacuc",
            "irb",
        )
    )
)
PARTS = {"system": SYSTEM, "perturbation": PERTURBATION, "control": CONTROL, "readout": READOUT, "safety": SAFETY}
CALLED = {
    "system": "the experimental system",
    "perturbation": "the perturbation",
    "control": "the control",
    "readout": "the readout",
    "safety": "safety",
}


@rule(
    "min_method_parts",
    label="Parts of a method",
    help="Of system, perturbation, control, readout and safety the method names at least this many.",
    settings=[Setting("min_method_parts", kinds.count_between(1, 5), "limit", by_task={"methodology": 5})],
    bound="at least",
    unit="parts",
)
def min_method_parts(answer, *, limit):
    missing = missing_parts(answer)
    value = len(PARTS) - len(missing)
    ok = value >= limit
    note = f"Not named: {', '.join(CALLED[part] for part in missing)}." if missing else ""
    return Measurement("min_method_parts", value, limit, ok, note)


def missing_parts(answer):
    """The parts that neither the text names nor the fields of a structured answer."""
    return [part for part in PARTS if not _in_text(answer, part) and not _in_fields(answer, part)]


def _in_text(answer, part):
    if part == "control":
        return _control(answer)
    return not answer.word_set.isdisjoint(PARTS[part])


def _control(answer):
    """The word "control" counts only where it does not mean to steer."""
    found = answer.word_set & CONTROL
    if found - {"control"}:
        return True
    if not found and answer.word_set.isdisjoint(CONTROL_CUES):
        return False
    text = NO_CONTROL.sub(" ", answer.lower) if found else answer.lower
    return bool(ANY_CONTROL.search(text))


def _in_fields(answer, part):
    value = answer.parsed.get(part) if isinstance(answer.parsed, dict) else None
    return isinstance(value, str) and bool(content_words(value[:1000]))
