"""Settings: one order of precedence, every mistake at once, nothing secret in a message."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from authmw import ConfigurationError
from authmw.local import LocalSettings
from authmw.local.settings import place_of, without_secrets
from authmw.local.sources import LOCAL, SECRETS

# In the order of precedence. The last is the default, which no source gives.
SOURCES = ("argument", "config", "environment", "file", "default")
DEFAULTS = {name: getattr(LocalSettings(), name) for name in LOCAL}


def value_for(name: str, source: str) -> str:
    return f"https://{source}.example/auth" if name == "issuer" else f"{source}-{name}"


def read(given: set[tuple[str, str]], folder: Path) -> LocalSettings:
    """The settings, if the sources give these (name, source)."""

    def of(source: str) -> dict[str, str]:
        return {name: value_for(name, source) for name, where in given if where == source}

    lines = [f'{name} = "{value}"' for name, value in of("file").items()]
    (folder / "authmw.toml").write_text("\n".join(lines))
    return LocalSettings.read(
        of("argument"),
        {f"AUTHMW_{name.upper()}": value for name, value in of("config").items()},
        {f"AUTHMW_{name.upper()}": value for name, value in of("environment").items()},
    )


@pytest.mark.parametrize("name", LOCAL)
def test_the_first_source_that_has_a_setting_decides(name: str, folder: Path) -> None:
    for chosen in product([False, True], repeat=4):
        given = {(name, source) for source, has in zip(SOURCES, chosen, strict=False) if has}
        settings = read(given, folder)
        first = next((source for source in SOURCES if (name, source) in given), "default")
        expected: Any = DEFAULTS[name] if first == "default" else value_for(name, first)
        expected = Path(expected) if name == "keys" else expected
        expected = (expected,) if name == "audience" and first != "default" else expected
        assert getattr(settings, name) == expected, given
        assert (name in settings.assumed) is (first == "default")


@pytest.mark.parametrize("name", sorted(SECRETS & set(LOCAL)))
def test_a_secret_may_be_in_a_file_of_its_own(name: str, folder: Path) -> None:
    (folder / "secret").write_text("postgresql://app:pw@db/shop\n")
    variable = f"AUTHMW_{name.upper()}"
    settings = LocalSettings.read(environ={f"{variable}_FILE": str(folder / "secret")})
    assert getattr(settings, name) == "postgresql://app:pw@db/shop"
    assert "pw" not in repr(settings)
    with pytest.raises(ConfigurationError, match=f"{variable} and {variable}_FILE are both set") as raised:
        LocalSettings.read(
            environ={variable: "postgresql://app:pw@db/shop", f"{variable}_FILE": str(folder / "secret")}
        )
    assert "pw@" not in str(raised.value)
    with pytest.raises(ConfigurationError, match=f"{variable}_FILE='gone' cannot be read: No such file"):
        LocalSettings.read(environ={f"{variable}_FILE": "gone"})


def test_every_mistake_is_said_at_once_with_its_mend(folder: Path) -> None:
    (folder / "authmw.toml").write_text('isuer = "https://shop.example/auth"\n')
    with pytest.raises(ConfigurationError) as raised:
        LocalSettings.read(
            {"keys": 7, "audience": [], "issuer": "https://shop.example/"},
            environ={"AUTHMW_AUDIANCE": "shop", "AUTHMW_ENV": "prod"},
        )
    assert raised.value.mistakes == (
        "AUTHMW_AUDIANCE is no setting of authmw: did you mean AUTHMW_AUDIENCE?",
        "AUTHMW_ENV='prod': write production or development",
        "isuer in authmw.toml is no setting: did you mean issuer?",
        "keys= has to be text, as 'keys.json', not int",
        "audience= is empty: give it a value, or leave it out",
        "issuer= is 'https://shop.example/', but the token service is at /auth: write 'https://shop.example/auth'",
    )


@pytest.mark.parametrize(
    "given, mended",
    [
        ("https://shop.example/auth/", "https://shop.example/auth"),
        ("https://shop.example", "https://shop.example/auth"),
        ("https://shop.example/v1", "https://shop.example/v1/auth"),
        ("shop", "https://shop.example/auth"),
    ],
)
def test_a_wrong_issuer_is_answered_with_a_right_one(given: str, mended: str) -> None:
    with pytest.raises(ConfigurationError, match=f"AUTHMW_ISSUER is '{given}', .* write '{mended}'$"):
        LocalSettings.read(environ={"AUTHMW_ISSUER": given})
    assert LocalSettings.read(environ={"AUTHMW_ISSUER": mended}).issuer == mended


def test_production_assumes_nothing() -> None:
    given = {
        "AUTHMW_ISSUER": "https://shop.example/auth",
        "AUTHMW_AUDIENCE": "shop",
        "AUTHMW_DATABASE": "sqlite:///shop.db",
        "AUTHMW_KEYS": "shop.json",
    }
    with pytest.raises(ConfigurationError) as raised:
        LocalSettings.read(environ={"AUTHMW_ENV": "production"})
    assert [mistake.split()[2] for mistake in raised.value.mistakes] == [*_in_order(given)]
    for left_out in given:
        environ = {name: value for name, value in given.items() if name != left_out}
        with pytest.raises(ConfigurationError, match=f"^AUTHMW_ENV=production: set {left_out} .*$"):
            LocalSettings.read(environ={**environ, "AUTHMW_ENV": "production"})
    assert LocalSettings.read(environ={**given, "AUTHMW_ENV": "production"}).unsaid == []


def _in_order(given: dict[str, str]) -> list[str]:
    return [name for name in (f"AUTHMW_{name.upper()}" for name in LOCAL) if name in given]


def test_another_file_may_be_named(folder: Path) -> None:
    (folder / "authmw.toml").write_text('realm = "here"\n')
    (folder / "other.toml").write_text('realm = "there"\naudience = ["a", "b"]\n')
    settings = LocalSettings.read(environ={"AUTHMW_CONFIG": "other.toml"})
    assert (settings.realm, settings.audience) == ("there", ("a", "b"))
    with pytest.raises(ConfigurationError, match=r"AUTHMW_CONFIG='gone.toml' cannot be read"):
        LocalSettings.read(environ={"AUTHMW_CONFIG": "gone.toml"})
    (folder / "other.toml").write_text("realm = there\n")
    with pytest.raises(ConfigurationError, match=r"other\.toml is no TOML"):
        LocalSettings.read(environ={"AUTHMW_CONFIG": "other.toml"})


def test_places_are_compared_as_absolute_places(folder: Path) -> None:
    assert place_of("sqlite:///app.db") == place_of(f"sqlite:///{folder}/app.db") == f"sqlite:///{folder}/app.db"
    assert place_of(Path("keys.json")) == str(folder / "keys.json")
    assert place_of("sqlite:///app.db") != place_of("sqlite:///other.db")


@pytest.mark.parametrize(
    "url, shown",
    [
        ("postgresql+psycopg://shop:hunter2@db:5432/shop", "postgresql+psycopg://db:5432/shop"),
        ("postgresql+psycopg://127.0.0.1/shop?user=shop&password=hunter2", "postgresql+psycopg://127.0.0.1/shop"),
        ("postgresql://shop:hunter2@db/shop?sslpassword=hunter2", "postgresql://db/shop"),
        ("postgresql://db/shop?user=shop@x&password=hunter2", "postgresql://…"),
        ("postgresql://shop:h?hunter2@db/shop", "postgresql://…"),
        ("postgresql://shop:hunter2#h@db/shop", "postgresql://…"),
        ("postgresql://shop:hunter2/h@db/shop", "postgresql://db/shop"),
        ("postgresql://shop:hunter2@h@db/shop", "postgresql://db/shop"),
        ("postgresql://db/shop#hunter2", "postgresql://db/shop"),
        ("postgresql:///shop", "postgresql:///shop"),
        ("redis://:hunter2@cache:6379/0", "redis://cache:6379/0"),
        ("sqlite:////srv/a@b/app.db?key=hunter2", "sqlite:////srv/a@b/app.db"),
    ],
)
def test_log_1_a_url_is_logged_without_anything_that_may_be_secret(url: str, shown: str) -> None:
    assert without_secrets(url) == shown
    assert "hunter2" not in shown
