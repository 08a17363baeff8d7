# Two images from one file: `docker build --target api .` without PyTorch, and `--target worker .`
# with it. The packages are a layer of their own, which only a change of the lock file makes anew:
# a change of source costs seconds, not the 6 GB of a worker.
ARG PYTHON=python:3.11.14-slim-bookworm

FROM ${PYTHON} AS tools
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/venv

FROM tools AS api-packages
COPY deploy/locks/api.lock /tmp/
RUN /opt/venv/bin/pip install --require-hashes --requirement /tmp/api.lock

FROM tools AS worker-packages
COPY deploy/locks/worker.lock /tmp/
RUN /opt/venv/bin/pip install --require-hashes --requirement /tmp/worker.lock

# Our own packages, which need no compiler and nothing of the above.
FROM tools AS source
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY catalog catalog
COPY imaging imaging
COPY jobs jobs
COPY service service
COPY workers workers
COPY retinoscope retinoscope
COPY client client
RUN /opt/venv/bin/pip install --no-deps --target /packages . ./client

FROM ${PYTHON} AS base
RUN useradd --uid 10001 --create-home retinoscope \
    && install -d -o retinoscope -g retinoscope /data /weights
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/retinoscope PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    RETINOSCOPE_DATA=/data
WORKDIR /
USER 10001:10001

FROM base AS api
COPY --from=api-packages /opt/venv /opt/venv
COPY --from=source /packages /opt/retinoscope
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# No shell: SIGTERM reaches the process itself.
ENTRYPOINT ["python", "-P", "-m", "retinoscope"]
CMD ["api", "--host", "0.0.0.0", "--port", "8000"]

FROM base AS worker
# What a worker fetches and finds out is kept where a volume belongs.
ENV TORCH_HOME=/weights/torch HF_HOME=/weights/huggingface RETINOSCOPE_CACHE=/weights/cache \
    MPLCONFIGDIR=/weights/matplotlib
COPY --from=worker-packages /opt/venv /opt/venv
COPY --from=source /packages /opt/retinoscope
HEALTHCHECK --interval=15s --timeout=10s --start-period=180s --retries=4 \
    CMD ["python", "-P", "-m", "workers.alive"]
ENTRYPOINT ["python", "-P", "-m", "retinoscope"]
CMD ["worker", "--queues", "slow,fast"]
