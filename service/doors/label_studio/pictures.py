"""Where a task's picture comes from: the task itself, a URL, or Label Studio with the operator's token."""

import re
from base64 import urlsafe_b64encode

from fastapi import Request

from service.api.fetching import fetch_picture
from service.api.state import Service
from service.doors.reading import decode_base64
from service.errors import NotOffered, UrlRefused
from service.fetch import is_url

KEPT_THERE = re.compile(r"/(data|storage-data|tasks/[0-9]+/(resolve|presign))/[^\\#]*")
"""Where it has pictures: uploads, local files, and storages that it signs for. The token is for nothing else."""

IN_A_STORAGE = re.compile(r"(s3|s3s|gs|azure-blob|azure_spi)://.+")

NOT_THERE = "it lies in Label Studio: SILHOUETTE_LABEL_STUDIO_URL and ..._TOKEN on the service let it be fetched there"


async def picture_of(request: Request, service: Service, task_id: int | str | None, value: str) -> bytes:
    """The bytes of the picture that a field of a task names.

    Raises NotOffered for a place that we do not reach, or what `decode_base64` and `fetch_picture` raise.
    """
    if value.startswith("data:"):
        return await decode_base64(request, value)
    if is_url(value):
        return await fetch_picture(request, service, value)
    if IN_A_STORAGE.fullmatch(value) and task_id is not None:
        value = f"/tasks/{task_id}/presign/?fileuri={urlsafe_b64encode(value.encode()).decode()}"
    return await _from_label_studio(request, service, value)


async def _from_label_studio(request: Request, service: Service, path: str) -> bytes:
    settings = service.settings
    if settings.label_studio_url is None or settings.label_studio_token is None:
        raise NotOffered(NOT_THERE)
    if not KEPT_THERE.fullmatch(path) or ".." in path:
        raise UrlRefused("Label Studio has no pictures under this path")
    authorization = f"Token {settings.label_studio_token.get_secret_value()}"
    return await fetch_picture(request, service, settings.label_studio_url + path, authorization)
