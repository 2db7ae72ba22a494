"""What the client of a session wants to see: an effect of the table of operations, with its options."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from service.errors import BadOption
from service.operations import LIVE_EFFECTS
from service.operations.effect import Effect
from service.operations.operation import Picture
from service.operations.options import EffectOptions, parse_options
from service.stream.protocol import Hello, Output, Update

LIVE_DEFAULTS = {"quality": 80, "refine": "off", "decontaminate": "false"}
"""Of composed frames. Quality: 60 kB instead of 130 for a frame of 640 x 480. The edge as
the network has it: refining takes longer than the network, and its edge moves from frame to frame."""


@dataclass(frozen=True)
class Choice:
    """What the client wants to see."""

    effect: Effect[Any]
    options: EffectOptions
    output: Output
    smoothing: float

    @classmethod
    def of(cls, hello: Hello) -> "Choice":
        """Raises BadOption."""
        return cls.named(hello.effect, hello.options, hello.output, hello.smoothing)

    @classmethod
    def named(cls, effect_name: str, options: Mapping[str, Any], output: Output, smoothing: float) -> "Choice":
        """Of an effect of `LIVE_EFFECTS`. Raises BadOption."""
        effect = LIVE_EFFECTS[effect_name]
        return cls(effect, _parsed(effect, options), output, smoothing)

    def updated(self, update: Update) -> "Choice":
        """Options that are given replace all of the former ones; another effect begins with its defaults."""
        effect = LIVE_EFFECTS[update.effect] if update.effect else self.effect
        options = self.options
        if update.options is not None or effect != self.effect:
            options = _parsed(effect, update.options or {})
        smoothing = self.smoothing if update.smoothing is None else update.smoothing
        return Choice(effect, options, update.output or self.output, smoothing)

    @property
    def composes(self) -> bool:
        return self.output != "matte"

    @property
    def picture(self) -> Picture | None:
        """What a background that the client sends is to this effect; None where it has no use for one."""
        return next((picture for picture in self.effect.pictures if picture.name == "background"), None)

    def is_given(self, option: str | None) -> bool:
        """Whether the option has a value."""
        return option is not None and getattr(self.options, option) is not None

    def without(self, option: str | None) -> "Choice":
        """The same, without a value for the option."""
        return self if option is None else replace(self, options=self.options.model_copy(update={option: None}))


def _parsed(effect: Effect[Any], given: Mapping[str, Any]) -> EffectOptions:
    """Raises BadOption, also for what makes no sense here."""
    if "model" in given:
        raise BadOption("model: it stands in the hello, beside `options`")
    fields = effect.options.model_fields
    defaults = {name: value for name, value in LIVE_DEFAULTS.items() if name in fields}
    options: EffectOptions = parse_options(effect.options, {**defaults, **given})
    if options.effort != "fast":
        raise BadOption("effort: there is time for one look at each frame")
    if options.hints is not None:
        raise BadOption("hints: nobody can point at what moves; a photo can be corrected")
    if options.format == "png":
        raise BadOption("format: frames come as jpeg or webp")
    return options
