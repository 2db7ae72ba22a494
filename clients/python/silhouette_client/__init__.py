"""Asks a Silhouette service for masks, cutouts and new backgrounds. `Client` is sync, `AsyncClient` is for asyncio.

    with Client("http://127.0.0.1:8000", key="sil_...") as silhouette:
        silhouette.remove_background("photo.jpg", format="webp").save("cutout.webp")
        classes = silhouette.segment(photo_bytes, output="masks", format="json").json()
        film = silhouette.wait(silhouette.send_video("talk.mp4"), on_progress=lambda job: print(job.done, job.total))
        silhouette.save_result(film, "talk.webm")

A picture is a path, its bytes, or a file opened for reading bytes. Options are those of the service, by their names;
its `/docs` describes them. What goes wrong is a SilhouetteError with `code`, `detail`, `status` and `request_id`:

    InputError          change the request (NoForeground: there is no subject in the picture)
    AccessError         the key is missing, unknown, or not good for this
    Busy                no room, or the key's quota is used up, for as long as the request could wait
    Late                no answer in time
    ServiceFault        the service failed
    ConnectionFailed    nobody answered
    JobFailed           a film has no result, and will have none

A busy service and a lost connection are asked again, after what `Retry-After` says, within the time of the request.
"""

from silhouette_client.answers import Job, Result
from silhouette_client.async_client import AsyncClient
from silhouette_client.calls import read_picture
from silhouette_client.client import Client
from silhouette_client.errors import (
    AccessError,
    Busy,
    ConnectionFailed,
    InputError,
    JobFailed,
    Late,
    NoForeground,
    ServiceFault,
    SilhouetteError,
)
from silhouette_client.operations import DEFAULT_TIMEOUT_S, DEFAULT_URL
from silhouette_client.options import (
    PICTURES,
    BlurBackgroundOptions,
    ColorPopOptions,
    EffectOptions,
    Fit,
    Hints,
    Operation,
    Options,
    Picture,
    PictureFormat,
    ProductShotOptions,
    RemoveBackgroundOptions,
    ReplaceBackgroundOptions,
    SegmentOptions,
    VideoOptions,
)
from silhouette_client.version import __version__

__all__ = [
    "DEFAULT_TIMEOUT_S",
    "DEFAULT_URL",
    "PICTURES",
    "AccessError",
    "AsyncClient",
    "BlurBackgroundOptions",
    "Busy",
    "Client",
    "ColorPopOptions",
    "ConnectionFailed",
    "EffectOptions",
    "Fit",
    "Hints",
    "InputError",
    "Job",
    "JobFailed",
    "Late",
    "NoForeground",
    "Operation",
    "Options",
    "Picture",
    "PictureFormat",
    "ProductShotOptions",
    "RemoveBackgroundOptions",
    "ReplaceBackgroundOptions",
    "Result",
    "SegmentOptions",
    "ServiceFault",
    "SilhouetteError",
    "VideoOptions",
    "__version__",
    "read_picture",
]
