"""How a page may look, and what is wrong with it in a real browser."""

from axe_playwright_python.sync_playwright import Axe

LOOKS = {
    "wide and light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "narrow and dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}


def faults(page, path):
    """What is wrong with the page as it stands."""
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = [f"{path}: {too_wide} pixels wider than the window"] if too_wide > 0 else []
    for violation in Axe().run(page).response["violations"]:
        found.append(f"{path}: {violation['id']}: {violation['nodes'][0]['html'][:120]}")
    return found
