"""The words of the domain: what can be varied and measured, what is done to it, and what says nothing.

Nouns are listed in the singular, verbs in their base form; the rules look for every form of them as whole words,
so that "ph" is not found in "phase", nor "rate" in "generative".
"""

from pipeline.filters.inflection import IRREGULAR, past_and_ing, spellings, third_person
from pipeline.filters.reading import words


def forms_of_verbs(verbs):
    """Every form of the verbs, in American and British spelling."""
    found = set()
    for verb in verbs.split():
        for spelling in spellings(verb):
            found |= {spelling, third_person(spelling), *past_and_ing(spelling), *IRREGULAR.get(spelling, [])}
    return frozenset(found)


def forms_of_nouns(nouns):
    """The nouns and their plurals."""
    found = set(nouns.split())
    return frozenset(found | {third_person(noun) for noun in found} | {"analyses", "syntheses", "hypotheses"} & found)


# Quantities: each can be varied, and each can be measured.
QUANTITIES = forms_of_nouns(
    """abundance absorbance absorption absorptivity accuracy acidity activation activity adhesion adsorption affinity
    age albedo alignment alkalinity amount amplitude anisotropy angle apoptosis area attenuation bandgap bandwidth bias
    biomass birefringence brightness capacitance capacity charge coercivity coherence collapse composition compression
    concentration conductance conductivity conductance content contrast conversion cooling correlation corrosion
    coverage current curvature damage damping decay deformation degradation delay density depth detectability
    deviation diameter differentiation diffusion diffusivity dispersion displacement dissipation distance distribution
    dose dosage drag drift ductility duration efficacy efficiency elasticity elongation emission emissivity energy
    enrichment enthalpy entropy error exposure expression extinction fatigue fidelity field film flow fluence
    fluorescence flux force fraction fracture freedom frequency friction gain germination glucose gradient growth
    hardness heat height heating homogeneity humidity hydration hydrophobicity illumination impedance incidence
    inclination index inductance inflammation infection inhibition insulin intensity interval ionization irradiance
    irradiation kinetic kinetics lactate latency layer length lethality level lifetime light linewidth load loading
    localization loss luminescence luminosity magnetisation magnetization magnetoresistance mass metabolism metallicity
    methylation migration misalignment mobility modulus moisture momentum morphology mortality motility noise number
    occupancy offset orientation oscillation oxidation oxygen pattern peak percentage performance permeability
    permittivity ph phosphorylation photocurrent photoluminescence piezoelectricity polarisation polarization
    population porosity potential power precipitation precision pressure prevalence probability productivity
    proliferation proportion purity quality radiation radius ratio rate reactivity recall recovery reflectance
    reflectivity refraction resistance resistivity resolution response roughness runtime salinity saturation scattering
    secretion selectivity sensitivity separation shear shift signal size slope solubility sparsity spacing spectrum
    speed spread stability stiffness strain strength stress structure supply survival susceptibility temperature
    tension thickness throughput time titer titre torque toughness toxicity transcription transmission transmittance
    transparency turbidity turbulence turnover uptake variability variance variation velocity viability viscosity
    visibility voltage volume wavelength weight width yield yields atp auc odds od600 redshift latitude longitude
    stoichiometry crystallinity dopant doping defect vacancy impurity additive nanoparticle surfactant electrolyte
    binder precursor solvent salt buffer nutrient nitrogen phosphorus carbon iron glucose sugar calcium magnesium zinc
    copper lithium sodium potassium hormone inhibitor activator agonist antagonist antibody ligand substrate receptor
    kinase enzyme protein gene mutation allele transcript mrna microrna sirna shrna promoter pathway catalyst
    antibiotic drug compound peptide lipid cytokine metabolite membrane parameter-count prior kernel regularization
    learning-rate sample-size""".replace("-", " ")
) - {"learning", "parameter", "count", "sample"}
# Of these, things that are varied rather than measured.
VARIED_ALONE = forms_of_nouns(
    """additive surfactant electrolyte binder precursor solvent salt buffer nutrient hormone inhibitor activator
    agonist antagonist antibody ligand substrate kernel prior antibiotic drug compound catalyst dopant film layer"""
)
MEASURED = (QUANTITIES - VARIED_ALONE) | forms_of_nouns("score count outcome-rate half-life iqr".replace("-", " ")) - {
    "outcome",
    "half",
    "life",
    "outcomes",
    "halfs",
    "lifes",
}

# A change that somebody makes, or that happens: "if X is raised", "Y will fall".
CHANGES = forms_of_verbs(
    """accelerate activate adjust affect alter amplify anneal apply attenuate block boost broaden change cool correct
    couple cut deactivate decelerate decline decrease delay delete deplete dilute diminish disrupt dope double drop
    elevate eliminate elongate enhance enlarge enrich exceed expand expose extend fall flip halve heat impair
    impede improve increase induce inhibit introduce inject irradiate knock lengthen limit lower maximize minimize
    mitigate modify modulate narrow overexpress prevent prolong promote quench raise reduce remove replace restrict
    reverse rise rotate shift shorten shrink silence slow stabilize stimulate strengthen substitute supplement
    suppress swap switch thicken thin treat triple tune upregulate downregulate vary weaken widen add grow gain
    lose scale stop"""
) | {
    "fell",
    "fallen",
    "rose",
    "risen",
    "cut",
    "lost",
    "grew",
    "grown",
    "higher",
    "lower",
    "longer",
    "shorter",
    "faster",
    "slower",
    "greater",
    "smaller",
    "larger",
    "fewer",
    "stronger",
    "weaker",
    "thicker",
    "thinner",
    "wider",
    "narrower",
}

# Nouns that name nothing: "if the conditions are altered, the results will change".
VAGUE = forms_of_nouns(
    """action alternative application approach aspect case change combination component condition consideration
    context data dataset design difference direction effect environment event example experiment factor feature
    field form framework function goal group hypothesis idea impact implication influence input issue item kind
    manner matter means mechanism method methodology model nature need object objective observation one option
    outcome output paper parameter part possibility problem procedure process product project property purpose
    question reason relationship research result role scenario setting setup situation solution sort source state
    step strategy study subject system task technique technology test thing theory topic treatment type use value
    variable version way work world criterion criteria likelihood chance"""
) | frozenset(
    [
        "it",
        "its",
        "this",
        "that",
        "these",
        "those",
        "they",
        "them",
        "their",
        "he",
        "she",
        "we",
        "i",
        "you",
        "there",
        "which",
        "who",
        "what",
    ]
)
SMALL = frozenset(
    """a about above across after certain depend depending depends different expected given old overall particular
    perform performed performs performing significant significantly single sufficient sufficiently undergo undergoes
    undergoing underwent use used uses using specific various whole all also an and any are as at be been before
    being below between both but by can could did do does down during each either else etc for from further had has
    have how if in into is its itself least less like made make making many may measure measured measures measuring
    might more most much must new no nor not of off on once only or original other our out over own per rather same
    shall should since so some such than the their then there through to too under until up upon varied varies vary
    very via was way well were when whenever where whether while will with within without would yet""".split()  # noqa: SIM905
)
SHORT = frozenset(("ph", "uv", "ir", "od"))


NAMELESS = SMALL | VAGUE | CHANGES


def content_words(text):
    """The words of `text` that say what is meant, in order, each once: none small, vague, of change, or a number."""
    told = dict.fromkeys(words(text.lower()))
    return [
        word
        for word in told
        if word not in NAMELESS and (len(word) > 2 or word in SHORT or not word.isalpha()) and not word.isdecimal()
    ]
