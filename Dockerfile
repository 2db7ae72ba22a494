# Silhouette with its weights inside. It needs no network once it is built, and no place to write but /tmp.
#
#   docker build -t silhouette .                            CPU
#   docker build -t silhouette --build-arg DEVICE=cuda .    NVIDIA GPUs
#
# Any Debian-like base with python3 >= 3.11 and python3-venv will do. This one is python:3.12-slim of September 2026, for
# x86-64 and aarch64. To take a newer one: docker buildx imagetools inspect python:3.12-slim --format '{{.Manifest.Digest}}'
ARG BASE_IMAGE=python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea


# A virtual environment with torch and the other dependencies, and none of our code: it changes with the lock only. The pip
# that fills it stands outside it, so that it does not end up in the image.
FROM ${BASE_IMAGE} AS dependencies

ENV PATH=/opt/venv/bin:/opt/tools/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_PYTHON=/opt/venv/bin/python \
    PIP_ROOT_USER_ACTION=ignore

RUN python3 -m venv /opt/tools && python3 -m venv --without-pip /opt/venv

# cpu or cuda. PyPI's torch for Linux is a CUDA build, with 2 GB of libraries beside it; the CPU builds have an index of
# their own. TORCH_INDEX names another index: a mirror, or https://download.pytorch.org/whl/cu126 for an older driver,
# whose files and libraries the lock does not know, so that they are installed by version and without hashes. Empty, it
# leaves the choice to pip's own configuration. torch's headers and its own tests, 200 MB, serve those who compile.
ARG DEVICE=cpu
ARG TORCH_INDEX
COPY requirements/torch-cpu.txt requirements/torch-cuda.txt /build/requirements/
RUN cd /build/requirements && install="pip install --require-hashes --no-deps" \
    && case "$DEVICE" in \
        cpu) index="${TORCH_INDEX-https://download.pytorch.org/whl/cpu}" \
            && $install ${index:+--index-url "$index"} -r torch-cpu.txt ;; \
        cuda) if [ -n "$TORCH_INDEX" ]; \
            then pip install --index-url "$TORCH_INDEX" "$(grep -o '^torch==[^ ]*' torch-cuda.txt)"; \
            else $install -r torch-cuda.txt; fi ;; \
        *) echo "DEVICE is cpu or cuda, not '$DEVICE'" >&2; exit 2 ;; \
    esac \
    && cd /opt/venv/lib/python3*/site-packages/torch && rm -rf include test bin/*test_* bin/*Test bin/protoc*

# Of OpenVINO stays what computes on a CPU and reads ONNX: 100 MB of 180. What goes is its drivers of GPUs, its readers of
# other formats, headers and converters.
COPY requirements/runtime.txt /build/requirements/
RUN pip install --require-hashes --no-deps -r /build/requirements/runtime.txt \
    && pip check \
    && cd /opt/venv/lib/python3*/site-packages \
    && cd openvino && rm -rf include cmake tools torch frontend/pytorch frontend/paddle frontend/tensorflow frontend/jax \
    && cd libs && rm -f cache.json *_gpu_plugin.so *_npu_* *_auto_*.so *_hetero_plugin.so libopenvino_c.so* \
        *_gguf_* *_jax_* *_paddle_* *_pytorch_* *_tensorflow_* \
    && python -c "import sys, torch, openvino; came = 'cuda' if torch.version.cuda else 'cpu'; \
'CPU' in openvino.Core().available_devices or sys.exit('OpenVINO finds no CPU: too much of it was taken out'); \
sys.exit(came != '$DEVICE' and f'DEVICE=$DEVICE, but pip chose torch {torch.__version__}: set TORCH_INDEX')"


# Our code, in a folder of its own: a release that changes only code ships a layer of kilobytes, not of a gigabyte. It is
# built with the setuptools of the lock, which torch brings.
FROM dependencies AS code

COPY pyproject.toml README.md LICENSE NOTICE /build/
COPY service /build/service
RUN pip install --no-deps --no-build-isolation --target /opt/silhouette /build && chmod -R a+rX,go-w /opt/silhouette


# Cards, and weights that match them. What `silhouette models pull` brought to this folder before is taken along. What
# only a pull needs is installed here and goes no further.
FROM code AS weights

COPY requirements/pull.txt /build/requirements/
RUN pip install --require-hashes --no-deps -r /build/requirements/pull.txt

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
