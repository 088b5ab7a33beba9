"""Made answers for bench_filter: about 150 words each, the same ones at every call; few cite, decline or are short."""

import random

SUBJECTS = (
    *(
        "the cobalt oxide film",
        "the lactate-fed Shewanella culture",
        "a washed yeast pellet",
        "the zeolite catalyst bed",
    ),
    *("each graphene electrode", "the HeLa monolayer", "our perovskite specimen", "the sputtered alumina coating"),
    *("a fresh enzyme extract", "the polymer membrane", "the untreated control group", "every replicate well"),
)
ACTIONS = (
    "Prepare {subject} at {number} °C for {small} hours and note its mass before the treatment begins.",
    "Incubate {subject} with {number} µM inhibitor, keeping {small} samples without it as the control group.",
    "Then {subject} is measured by absorbance at {number} nm, with {small} technical replicates for each condition.",
    "Record the current density of {subject} every {small} minutes until it falls below {number} mA/cm².",
    "The yield of {subject} will rise by at least {small} % if the pressure is raised to {number} kPa.",
    "Compare the mean of {subject} with that of the baseline by a two-sided t test, taking alpha as 0.05.",
    "Viability is expected to drop in {subject} once the concentration of copper exceeds {number} nM.",
    "Wear gloves and goggles, work in a fume hood, and collect the waste of {subject} for disposal.",
    "In the long run {subject} should show a shift of {small} mV, which fluorescence would make visible.",
    "A growth rate under {number} per hour would speak against the claim about {subject}.",
    "Simulating {subject} over {number} ns gives the expected conductivity within {small} per cent.",
    "The expression of the transporter in {subject} is quantified against two housekeeping genes.",
)
CITING = (" This follows earlier work [3, 4].", " (Smith et al., 2019)", " See doi:10.1000/xyz{number}.")
DECLINING = "I'm sorry, but I cannot assist with this request, since the source does not contain enough information."
SENTENCES = 9


def texts(rows):
    """Yield (task type, text, tokens) for so many answers: hypotheses in prose, methods in numbered steps."""
    dice = random.Random(4)
    for row in range(rows):
        task_type = "methodology" if row % 2 else "hypothesis"
        chosen = dice.choices(ACTIONS, k=2 if row % 50 == 7 else SENTENCES)
        lines = [
            line.format(subject=dice.choice(SUBJECTS), number=dice.randint(11, 900), small=dice.randint(2, 10))
            for line in chosen
        ]
        if row % 2:
            lines = [f"{step}. {line}" for step, line in enumerate(lines, 1)]
        text = ("\n" if row % 2 else " ").join(lines)
        if row % 20 == 3:
            text += dice.choice(CITING).format(number=row)
        if row % 100 == 11:
            text = DECLINING
        yield task_type, text, len(text) // 5
