"""The three kinds of question that a build is asked: a request, a live session, a command. Data, no behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Server = Literal["usual", "strict"]
"""`usual` has every model. `strict` has one model, one place for a request and one for a camera, and short timeouts."""

Moment = Literal["ready", "starting", "crowded", "draining"]
"""When it is asked: of a service that is ready, that loads its models, whose only place is taken, that stops."""

Reading = Literal["exact", "structure", "nothing"]
"""How a body is compared. `exact`: byte for byte. `structure`: what was there is still there, and more may be.
`nothing`: only the status and the headers are."""


@dataclass(frozen=True)
class Ask:
    """One HTTP request. Its pictures are names of `pictures.py`."""

    name: str
    path: str
    picture: str | None = None
    """Goes as the form's file `image`; as the whole body where there is a `content_type`."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Of the form."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Further files of the form: field name -> picture."""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    method: str = "POST"
    server: Server = "usual"
    moment: Moment = "ready"
    revalidated: bool = False
    """Asked twice, the second time with the first answer's entity tag; the second answer counts."""
    unfinished: bool = False
    """Its body is announced and never comes."""
    body: Reading = "exact"


@dataclass(frozen=True)
class Session:
    """One live session: each step is sent, and one message awaited.

    A step is a JSON text; with `picture` in it, it is the header of a binary message that carries this picture; with
    `raw`, that text as it is; without anything, only the wait for a message.
    """

    name: str
    steps: tuple[Mapping[str, Any], ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    server: Server = "usual"
    moment: Moment = "ready"
    body: Reading = "exact"


@dataclass(frozen=True)
class Command:
    """One `silhouette` command, in a folder that has every picture in `in/` and, where `own_store`, a copy of the
    model store in `store/`. Its output and what it writes into `out/` and `store/` is kept."""

    name: str
    arguments: tuple[str, ...]
    own_store: bool = False
    body: Reading = "exact"


Question = Ask | Session | Command
