"""Plots in a real browser: in the colours of the theme and the letters of the page, under the content policy."""

import pytest

from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
COLOURS = {"light": ("rgb(11, 92, 173)", "rgb(27, 31, 36)"), "dark": ("rgb(106, 174, 245)", "rgb(230, 233, 236)")}


@pytest.fixture
def project(transactional_db):
    project = factories.project("Films", managers=[factories.user("mia")])
    for task in ("hypothesis", "methodology"):
        for _ in range(3):
            prompt = factories.prompt(project, "to_review", task_type=task)
            factories.filter_result(prompt.current_response, failed=["ban_citations"])
    return project


@pytest.fixture
def page(chromium, live_server, project):
    """A browser of mia's that notes what it refuses."""
    session = factories.client(project.memberships.get().user).cookies["sessionid"].value
    with chromium.new_context(viewport={"width": 390, "height": 844}) as context:
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.refused = []
        page.on("console", lambda message: page.refused.append(message.text))
        yield page


def shown(plot):
    """(colour of the first bar, colour, family and height in pixels of its first word)."""
    return plot.evaluate(
        """svg => {
            const bar = getComputedStyle(svg.querySelector('path[fill^="var"]'))
            const word = svg.querySelector('text'), style = getComputedStyle(word)
            return [bar.fill, style.fill, style.fontFamily === getComputedStyle(document.body).fontFamily,
                    word.getBoundingClientRect().height]
        }"""
    )


@pytest.mark.parametrize("path", ["quality/", "quality/data/"])
def test_plots_follow_the_theme(page, project, live_server, path):
    for theme, (bar, ink) in COLOURS.items():
        page.emulate_media(color_scheme=theme)
        page.goto(f"{live_server.url}/p/{project.slug}/{path}")
        plot = page.locator("svg.plot").filter(has=page.locator('path[fill="var(--plot-1)"]')).first
        fill, words, inherited, height = shown(plot)
        assert (fill, words, inherited) == (bar, ink, True)
        assert height >= 9
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.refused == []
