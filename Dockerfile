# Silhouette with its weights inside. It needs no network once it is built, and no place to write but /tmp.
#
#   docker build -t silhouette .                            CPU
#   docker build -t silhouette --build-arg DEVICE=cuda .    NVIDIA GPUs
#
# Any Debian-like base with python3 >= 3.11 and python3-venv will do.
ARG BASE_IMAGE=python:3.12-slim


# A virtual environment with torch and the other dependencies, and none of our code: it changes with pyproject.toml only.
FROM ${BASE_IMAGE} AS dependencies

ENV PATH=/opt/venv/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

RUN python3 -m venv /opt/venv && pip install "pip>=24.1"

# cpu or cuda. PyPI's torch for Linux on x86-64 is a CUDA build with 3 GB of libraries; the CPU builds have an index of
# their own. TORCH_INDEX names another index, such as https://download.pytorch.org/whl/cu126 for an older driver.
# Empty, it leaves the choice to pip's own configuration. The build fails where what came is not what DEVICE asked for.
ARG DEVICE=cpu
ARG TORCH_INDEX
RUN case "$DEVICE" in \
        cpu) index="${TORCH_INDEX-https://download.pytorch.org/whl/cpu}" ;; \
        cuda) index="${TORCH_INDEX-}" ;; \
        *) echo "DEVICE is cpu or cuda, not '$DEVICE'" >&2; exit 2 ;; \
    esac \
    && pip install ${index:+--index-url "$index"} "torch>=2.10,<2.14" \
    && python -c "import sys, torch; came = 'cuda' if torch.version.cuda else 'cpu'; \
sys.exit(came != '$DEVICE' and f'DEVICE=$DEVICE, but pip chose torch {torch.__version__}: set TORCH_INDEX')"

COPY pyproject.toml /build/
RUN python -c "import tomllib; \
print(*tomllib.load(open('/build/pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > /build/requirements.txt \
    && pip install -r /build/requirements.txt


# Our code, in a folder of its own: a release that changes only code ships a layer of kilobytes, not of a gigabyte.
FROM dependencies AS code

COPY pyproject.toml README.md LICENSE NOTICE /build/
COPY service /build/service
RUN pip install --no-deps --target /opt/silhouette /build && chmod -R a+rX,go-w /opt/silhouette


# Cards, and weights that match them. What `silhouette models pull` brought to this folder before is taken along.
FROM code AS weights

ENV PATH=/opt/silhouette/bin:$PATH \
    PYTHONPATH=/opt/silhouette

# A folder or base URL with the models' original files, asked before the public addresses.
ARG SILHOUETTE_MIRROR
COPY model_store /opt/silhouette/model_store
RUN silhouette models pull \
    && silhouette models verify \
    && rm -rf /opt/silhouette/model_store/*/.pull \
    && chmod -R a+rX,go-w /opt/silhouette/model_store


FROM ${BASE_IMAGE} AS runtime

LABEL org.opencontainers.image.title="Silhouette" \
      org.opencontainers.image.description="A self-hosted segmentation service: class masks, label maps, cutouts and new backgrounds over HTTP." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"

RUN groupadd --gid 10001 silhouette \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin silhouette

# What changes least comes first.
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=weights /opt/silhouette/model_store /opt/silhouette/model_store
COPY --from=code /opt/silhouette /opt/silhouette

# HOME is set so that a library which wants a cache finds /tmp, whoever the container runs as.
ENV HOME=/tmp \
    PATH=/opt/silhouette/bin:/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/opt/silhouette \
    PYTHONUNBUFFERED=1 \
    SILHOUETTE_MODEL_STORE=/opt/silhouette/model_store

WORKDIR /opt/silhouette
# A number, so that Kubernetes can check runAsNonRoot.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM

# Is the process up and its loop turning? http.client, because urlopen would ask a configured HTTP proxy for localhost.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client, sys; probe = http.client.HTTPConnection('127.0.0.1', 8000, timeout=4); probe.request('GET', '/livez'); sys.exit(probe.getresponse().status != 200)"]

ENTRYPOINT ["silhouette"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
