"""JSON <-> frozen dataclass, strict both ways.

Configs are composed in Python (``replace(preset("paper", "book"), ...)``); JSON is what a run
writes. A config that belongs to a registry is written with its registered name beside its fields.
"""

from __future__ import annotations

import difflib
import json
import math
import types
import typing
from collections.abc import Iterable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

from avqa_core.errors import ConfigError
from avqa_core.registry import Registry

Config = TypeVar("Config")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartConfig:
    """Base of the configs of registered parts; a family sets ``registry`` on its own base."""

    registry: ClassVar[Registry[Any] | None] = None


def to_dict(config: Any, *, defaults: bool = True) -> dict[str, Any]:
    """Return ``config`` as plain JSON types; a registered part carries its ``name``.

    Args:
        config: a dataclass.
        defaults: also write fields that stand at their default; without them a new option with a
            default changes nothing that is written.
    """
    plain = {
        one.name: _encode(getattr(config, one.name), defaults)
        for one in fields(config)
        if defaults or getattr(config, one.name) != _default(one)
    }
    registry = getattr(type(config), "registry", None)
    return plain if registry is None else {"name": registry.name_of(config), **plain}


def _default(one: Field[Any]) -> Any:
    """Return the default of a field, ``MISSING`` if it has none."""
    return one.default if one.default_factory is MISSING else one.default_factory()


def _encode(value: Any, defaults: bool) -> Any:
    if is_dataclass(value):
        return to_dict(value, defaults=defaults)
    if isinstance(value, tuple):
        return [_encode(item, defaults) for item in value]
    return value


def from_dict(kind: type[Config], data: Any, where: str = "config") -> Config:
    """Build a ``kind`` from plain JSON types; unknown and missing keys are errors.

    Raises:
        ConfigError: names the key, where it stands and the closest known one.
    """
    if not isinstance(data, dict):
        raise ConfigError(
            f"{where}: expected an object with the fields of {kind.__name__}, "
            f"got {data!r}: compare with the config.json of a run"
        )
    data = dict(data)
    registry = getattr(kind, "registry", None)
    if registry is not None:
        if "name" not in data:
            raise ConfigError(f"{where}: expected a 'name', one of {', '.join(registry)}; got none")
        kind = registry.config(data.pop("name"))
    known = {one.name: one for one in fields(cast(Any, kind))}
    for key in data:
        if key not in known:
            raise ConfigError(unknown_key(key, known, where))
    hints = _hints(kind)
    values = {}
    for name, one in known.items():
        if name in data:
            values[name] = _decode(hints[name], data[name], f"{where}.{name}")
        elif one.default is MISSING and one.default_factory is MISSING:
            raise ConfigError(f"{where}: expected a value for {name!r}, got none: add it")
    return kind(**values)


def unknown_key(key: str, known: Iterable[str], where: str) -> str:
    """Return the message for a key nobody knows, with the closest known one."""
    known = list(known)
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{where}: expected one of {', '.join(known)}, got {key!r}{hint}"


def _hints(kind: Any) -> dict[str, Any]:
    return _cached_hints(kind)


@cache
def _cached_hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _decode(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        options = typing.get_args(hint)
        if value is None and type(None) in options:
            return None
        hint = next(option for option in options if option is not type(None))
        return _decode(hint, value, where)
    if origin is typing.Literal:
        if value not in typing.get_args(hint):
            raise ConfigError(f"{where}: expected one of {typing.get_args(hint)}, got {value!r}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{where}: expected a list, got {value!r}")
        (item_hint, *_) = typing.get_args(hint)
        return tuple(_decode(item_hint, item, where) for item in value)
    if is_dataclass(hint):
        return (
            value
            if isinstance(value, cast(Any, hint))
            else from_dict(cast(Any, hint), value, where)
        )
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ConfigError(f"{where}: expected a {hint.__name__}, got {value!r}")
    return value


def override(config: Config, path: str, value: Any) -> Config:
    """Return ``config`` with the field at a dotted ``path`` replaced, checked like JSON.

    Raises:
        ConfigError: no such field, or the value does not fit it.
    """
    head, _, rest = path.partition(".")
    known = [one.name for one in fields(cast(Any, config))]
    if head not in known:
        raise ConfigError(unknown_key(head, known, type(config).__name__))
    old = getattr(config, head)
    if rest:
        if not is_dataclass(old):
            raise ConfigError(f"{head}: expected a group of fields before '.{rest}', got {old!r}")
        new = override(old, rest, value)
    elif is_dataclass(old) and isinstance(value, str):
        new = _decode(_hints(type(config))[head], {"name": value}, head)
    else:
        new = _decode(_hints(type(config))[head], value, head)
    return replace(cast(Any, config), **{head: new})


def read(kind: type[Config], path: Path) -> Config:
    """Read a config that ``write`` wrote.

    Raises:
        ConfigError: unreadable, or not strictly a ``kind``.
    """
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"expected a JSON config at {path}, got {error}: check the path"
        ) from error
    return from_dict(kind, data, path.name)


def write(config: Any, path: Path) -> None:
    """Write ``config`` as readable JSON."""
    path.write_text(json.dumps(to_dict(config), indent=2) + "\n")


def require_valid(config: Any, where: str = "config") -> None:
    """Refuse what no config file could say, since Python itself checks no annotation.

    Raises:
        ConfigError: names the field and what it may be.
    """
    from_dict(type(config), to_dict(config), where)


def require(condition: bool, message: str) -> None:
    """Raise a ``ConfigError`` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise ConfigError(message)


def require_at_least(who: str, config: Any, least: float | int, *names: str) -> None:
    """Refuse fields of ``config`` that are below ``least`` or not finite.

    Raises:
        ConfigError: names whose field it is, the field and its value.
    """
    for name in names:
        value = getattr(config, name)
        require(
            math.isfinite(value) and value >= least,
            f"{who}: expected {name} >= {least}, got {value}",
        )


def require_dropout(who: str, config: Any) -> None:
    """Refuse a ``dropout`` that is no probability, or that drops everything.

    Raises:
        ConfigError: names whose dropout it is, and its value.
    """
    require(0.0 <= config.dropout < 1.0, f"{who}: expected 0 <= dropout < 1, got {config.dropout}")
