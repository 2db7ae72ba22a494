"""What keeps the service, or a command, from starting: the operator mends it."""

from typing import Self


class ConfigurationError(Exception):
    """The service cannot start like this. The message is one line that says what to change."""


class BadCard(ConfigurationError):
    """A card.toml is wrong; the message names the file and the field."""


class UnknownCard(ConfigurationError):
    """No card in the model store has this name."""


class MissingWeights(ConfigurationError):
    """A configured model was not pulled; the message is the command that pulls it."""


class BadWeights(ConfigurationError):
    """A weights file does not have the pinned sha256."""


class BadGraph(ConfigurationError):
    """An ONNX file that cannot be served."""


class BadLabels(ConfigurationError):
    """Names that do not fit the classes of a network."""


class MissingExtra(ConfigurationError):
    """What was asked for needs packages that are not installed; the message is how to install them."""

    @classmethod
    def of(cls, extra: str, what: str, *missing: str) -> Self:
        """`what`, the beginning of a sentence, needs it, and `missing` are the packages of it that are not there.

        It is installed from our folder: PyPI's `silhouette` is somebody else's.
        """
        absent = f"{what} needs the extra `{extra}`, and {', '.join(missing)} cannot be imported"
        return cls(f"{absent}: run `python -m pip install '.[{extra}]'` in Silhouette's folder")


class PullFailed(ConfigurationError):
    """No source gave the file with the pinned sha256."""


class CannotListen(ConfigurationError):
    """The address or the port cannot be had; the message says why, and which setting names another."""


class DeviceNotFound(ConfigurationError):
    """The configured device is not on this machine."""


class RecordingFailed(ConfigurationError):
    """CUDA graphs cannot be recorded; the message is the cause. A process without them may be well."""


class NoCompiledForm(ConfigurationError):
    """A network has an operation that is not known to the engine that computes on a CPU; the message names it."""


class CannotQuantize(ConfigurationError):
    """A graph that gains nothing in eight bits, or ranges that are not its own; the message says which."""


class WorkerFailed(ConfigurationError):
    """A worker could not load or warm up its models."""
