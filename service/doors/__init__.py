"""Other people's contracts: their clients work by changing one address. One file a door, and one row here."""

from collections.abc import Sequence

from service.configuration_errors import ConfigurationError
from service.doors.door import Door
from service.doors.huggingface import HUGGINGFACE
from service.doors.inference import INFERENCE
from service.doors.label_studio import LABEL_STUDIO
from service.doors.mcp import MCP
from service.doors.openai import OPENAI
from service.doors.rembg import REMBG
from service.doors.removebg import REMOVEBG
from service.doors.roboflow import ROBOFLOW
from service.doors.withoutbg import WITHOUTBG
from service.doors.x_anylabeling import X_ANYLABELING

DOORS: dict[str, Door] = {
    "removebg": REMOVEBG,
    "rembg": REMBG,
    "withoutbg": WITHOUTBG,
    "huggingface": HUGGINGFACE,
    "openai": OPENAI,
    "inference": INFERENCE,
    "label-studio": LABEL_STUDIO,
    "x-anylabeling": X_ANYLABELING,
    "roboflow": ROBOFLOW,
    "mcp": MCP,
}


def opened(names: Sequence[str] | None) -> list[Door]:
    """The doors of these names, or all of them for None. Raises ConfigurationError for a name that is none."""
    if names is None:
        return list(DOORS.values())
    if unknown := [name for name in names if name not in DOORS]:
        known = ", ".join(DOORS)
        raise ConfigurationError(f"SILHOUETTE_DOORS: there is no door {unknown[0]!r}; the doors are {known}, or none")
    return [DOORS[name] for name in names]
