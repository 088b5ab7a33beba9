"""Guidelines are Markdown written by managers: rendered, then cleaned of everything that could act."""

import nh3
from markdown_it import MarkdownIt

_RENDERER = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code"),
    *("em", "strong", "a", "table", "thead", "tbody", "tr", "th", "td"),
}


def _lower_headings(state):
    """A heading of the text stands below the page's own: # becomes h3."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"


_RENDERER.core.ruler.push("lower_headings", _lower_headings)


def to_html(text):
    """HTML of `text` with headings, lists, tables, code and links; no image, script or raw HTML survives."""
    return nh3.clean(
        _RENDERER.render(text),
        tags=_TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
