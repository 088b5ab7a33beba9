"""The filter columns of the earlier scripts' files, from today's measurements."""

COLUMNS = {
    "length_char_ok": {"empty", "min_char_length", "max_char_length"},
    "length_token_ok": {"min_token_length"},
    "action_verb_ok": {"require_action_verb"},
    "no_citations": {"ban_citations"},
}


def legacy_columns(failed_rules):
    """{column: bool}. A rule that is switched off counts as fine; passes_all and quality_pass speak of every rule."""
    failed_rules = set(failed_rules)
    columns = {column: not rules & failed_rules for column, rules in COLUMNS.items()}
    return columns | {"passes_all": not failed_rules, "quality_pass": not failed_rules}
