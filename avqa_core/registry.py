"""One table per family of parts: completers, enhancers, backbones.

A part is one class, its frozen config, and the one line that registers them together, in a module
of the part's name. Being there enrols a part in the contract tests and in every table of the book.
"""

from __future__ import annotations

import difflib
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Generic, TypeVar

from avqa_core.errors import RegistryError

Part = TypeVar("Part")


class Registry(Generic[Part]):
    """Map a name to a part and to the config class that builds it.

    A module is imported when somebody asks for its part. A run thus imports what it uses, and since
    its numbers are as old as the modules it imported, a new part makes none of them stale, nor does
    an edit of a part that it does not use.

    Args:
        family: what such a part is called.
        package: where the modules of the parts are; None if all parts register themselves.
    """

    def __init__(self, family: str, package: str | None = None) -> None:
        self.family, self.package = family, package
        self._parts: dict[str, type[Part]] = {}
        self._configs: dict[str, type[Any]] = {}

    def register(self, name: str, config: type[Any]) -> Callable[[type[Part]], type[Part]]:
        """Return a class decorator that files the class under ``name`` with its config class.

        Raises:
            RegistryError: the name, or the config class, is taken already.
        """

        def decorate(part: type[Part]) -> type[Part]:
            if self._is_taken(name, part) or config in self._configs.values():
                raise RegistryError(
                    f"expected a new name and config for a {self.family}, got {name!r} with "
                    f"{config.__name__}, which is registered already: choose another name"
                )
            self._parts[name], self._configs[name] = part, config
            return part

        return decorate

    def build(self, config: Any, *run_time_facts: Any) -> Part:
        """Build the part that ``config`` belongs to."""
        part: Callable[..., Part] = self._parts[self.name_of(config)]
        return part(config, *run_time_facts)

    def config(self, name: str) -> type[Any]:
        """Return the config class registered under ``name``.

        Raises:
            RegistryError: nobody registered that name; the message lists the known ones. Or the
                module of that name cannot be imported; the message tells why.
        """
        self._look_for(name)
        if name not in self._configs:
            known = ", ".join(self)
            close = difflib.get_close_matches(name, self._configs, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            if name in self._modules():
                hint = f": {self.package}.{name} is there and registers no such name"
            raise RegistryError(f"expected a {self.family} out of {known}, got {name!r}{hint}")
        return self._configs[name]

    def name_of(self, config: Any) -> str:
        """Return the name under which the class of ``config`` was registered."""
        for name, known in self._configs.items():
            if type(config) is known:
                return name
        raise RegistryError(
            f"expected the config of a registered {self.family} ({', '.join(self)}), "
            f"got {type(config).__name__}: register its class first"
        )

    def unregister(self, name: str) -> None:
        """Forget ``name``, so that a notebook cell can be run twice."""
        self.config(name)
        del self._parts[name], self._configs[name]

    def __iter__(self) -> Iterator[str]:
        self._look_for(None)
        return iter(sorted(self._parts))

    def __contains__(self, name: object) -> bool:
        self._look_for(name)
        return name in self._parts

    def __len__(self) -> int:
        self._look_for(None)
        return len(self._parts)

    def _is_taken(self, name: str, part: type[Part]) -> bool:
        """Tell whether ``name`` has another part, imported or not yet."""
        has_module = name in self._modules() and part.__module__ != f"{self.package}.{name}"
        return name in self._parts or has_module

    def _look_for(self, name: object) -> None:
        """Import the module of ``name``, or all of them if there is none."""
        if name not in self._configs:
            modules = self._modules()
            for one in [name] if name in modules else modules:
                self._import(f"{self.package}.{one}")

    def _import(self, module: str) -> None:
        """Import a module of a part; a new one may be broken in any way."""
        try:
            import_module(module)
        except RegistryError:
            raise
        except Exception as error:
            raise RegistryError(
                f"expected a {self.family} in {module}, got {type(error).__name__}: {error}: "
                f"'python -c \"import {module}\"' shows where"
            ) from error

    def _modules(self) -> list[str]:
        if self.package is None:
            return []
        return [found.name for found in pkgutil.iter_modules(import_module(self.package).__path__)]
