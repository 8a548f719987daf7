"""A declaration says all there is to say about a setting."""

import pytest
from msgspec import NODEFAULT

from tests.config.kinds import CrmSettings, WebSettings
from trackside.config import Config, describe
from trackside.config.declarations import Setting, toml_text


def by_key(settings: tuple[Setting, ...]) -> dict[str, Setting]:
    return {setting.key: setting for setting in settings}


def test_every_setting_has_a_sentence() -> None:
    """No setting of Trackside's own is left unexplained, and a unit agrees with the name."""
    settings = describe(Config)
    assert len(settings) >= 20
    for setting in settings:
        assert setting.sentence.endswith("."), setting.key
        assert setting.key.endswith(f"_{setting.unit}") == bool(setting.unit) or setting.unit == "levels"


def test_nested_tables_have_dotted_keys() -> None:
    """A table within a kind is described with it."""
    settings = by_key(describe(CrmSettings, "destinations.crm."))
    retry = settings["destinations.crm.retry.wait_s"]
    assert (retry.type, retry.range, retry.unit, retry.default, retry.want) == (
        "number",
        "0.1 to 60",
        "s",
        5.0,
        "0.1 to 60 seconds",
    )


def test_required_and_secret() -> None:
    """What has to be set has no default; what is secret is known as such, declared or by its name."""
    key = by_key(describe(WebSettings))["write_key"]
    assert key.default is NODEFAULT
    assert key.default_text == "required"
    assert key.secret


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('a"b', '"a\\"b"'),
        (True, "true"),
        (1.5, "1.5"),
        (("a", 1), '["a", 1]'),
        ({"a": "b"}, '{"a" = "b"}'),
        (None, "not set"),
    ],
)
def test_toml_text(value: object, text: str) -> None:
    """Values are shown as the file would have them."""
    assert toml_text(value) == text
