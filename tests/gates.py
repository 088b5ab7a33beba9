"""What tests of SampleGate share: which prompts are in the share that is accepted without a person."""

from pipeline.stages.gating import drawn


def let_in(*prompts):
    """Have their project accept 99 of 100 without a person, by a seed that draws all of these."""
    _draw(prompts, 99, lambda prompt: drawn(prompt))


def keep_out(*prompts):
    """Have their project accept half without a person, by a seed that draws none of these."""
    _draw(prompts, 50, lambda prompt: not drawn(prompt))


def _draw(prompts, percent, wanted):
    project = prompts[0].project
    project.auto_accept_percent = percent
    for prompt in prompts:
        prompt.project = project
    for number in range(1000):
        project.split_seed = f"seed {number}"
        if all(map(wanted, prompts)):
            project.save()
            return
    raise AssertionError("No seed of a thousand draws so.")
