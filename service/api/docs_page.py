"""`/docs`: Swagger UI, from files that come with the service; dark where the reader's system is."""

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

FILES = "static-offline-docs"
"""Where fastapi-offline mounts Swagger UI, as seen from this page, whatever path a proxy puts in front."""

DARK_MODE = """<script>
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.classList.toggle("dark-mode", isDark);
    </script>"""
"""Its style sheet has a dark half, which nothing in the page turns on."""

router = APIRouter()


@router.get("/docs", include_in_schema=False)
async def page(request: Request) -> HTMLResponse:
    swagger = get_swagger_ui_html(
        openapi_url=str(request.app.openapi_url).lstrip("/"),
        title=request.app.title,
        swagger_js_url=f"{FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{FILES}/swagger-ui.css",
        swagger_favicon_url=f"{FILES}/favicon.png",
    )
    return HTMLResponse(bytes(swagger.body).decode().replace("<head>", f"<head>\n    {DARK_MODE}", 1))
