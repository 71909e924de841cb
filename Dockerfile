# One file for every image of the repository.
#
#   docker build --build-arg PROJECT=bankchurn --target serve .    answers; no training, no compiler, no pandas
#   docker build --build-arg PROJECT=bankchurn --target full .     can train as well
#   docker build --target full .                                   every project at once: trainer, MLflow server
#   docker build --build-arg PROJECT=bankchurn --target release .  serve, with the champion baked in (make docker-release)
#   docker build --target dashboard .
#
# What changes seldom comes first: a change of code builds nothing but the last layers. The libraries are compiled to
# bytecode here, because a container with a read-only filesystem could not keep it.
ARG BASE=official

FROM python:3.11-slim-bookworm AS official

# Another image: --build-arg BASE=registry.example/python:3.11
FROM ${BASE} AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# libgomp is LightGBM's; the official base image is without it
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt,sharing=locked \
    apt-get update -qq \
    && apt-get install -qq --no-install-recommends libgomp1 >/dev/null \
    && groupadd --gid 10001 portfolio \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /bin/bash portfolio

FROM base AS installer
WORKDIR /build
ENV XDG_CACHE_HOME=/var/cache/packages
COPY requirements/build.txt requirements/
RUN --mount=type=cache,target=/var/cache/packages \
    python -m venv /opt/installer \
    && /opt/installer/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
        --requirement requirements/build.txt \
    && python -m venv --without-pip /opt/venv
ENV UV_PYTHON=/opt/venv UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_NO_PROGRESS=1

FROM installer AS serve-libraries
COPY requirements/serve.txt requirements/
RUN --mount=type=cache,target=/var/cache/packages \
    /opt/installer/bin/uv pip sync --require-hashes --only-binary :all: requirements/serve.txt

FROM installer AS full-libraries
COPY requirements/train.txt requirements/
RUN --mount=type=cache,target=/var/cache/packages \
    /opt/installer/bin/uv pip sync --require-hashes --only-binary :all: requirements/train.txt

FROM installer AS dashboard-libraries
COPY requirements/dashboard.txt requirements/
RUN --mount=type=cache,target=/var/cache/packages \
    /opt/installer/bin/uv pip sync --require-hashes --only-binary :all: requirements/dashboard.txt

# The repository's own packages, installed in place: an image has the same folders as a checkout. What a service writes
# lies in folders of the unprivileged user, which volumes take over.
FROM installer AS packages
ARG PROJECT=""
WORKDIR /app
COPY Procfile ./
COPY shared/pyproject.toml shared/
COPY shared/src shared/src/
COPY projects/${PROJECT} projects/${PROJECT}
RUN for package in shared projects/*/; do \
        (cd "$package" && /opt/installer/bin/python -c "from hatchling.build import build_editable; build_editable('/wheels')") || exit 1; \
    done \
    && /opt/installer/bin/uv pip install --quiet --offline --no-deps --prefix /packages /wheels/*.whl \
    && python -m compileall -q --invalidation-mode unchecked-hash shared projects \
    && install --directory --owner 10001 --group 10001 store monitoring \
    && for project in projects/*/; do \
        install --directory --owner 10001 --group 10001 "$project"data/raw "$project"models "$project"cache "$project"journal; \
    done

FROM base AS service
ENV HOME=/tmp \
    MPLCONFIGDIR=/tmp \
    MLFLOW_TRACKING_URI="" \
    ALLOW_UNSIGNED=0
WORKDIR /app
COPY deploy/healthy.py ./
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-IS", "/app/healthy.py", "http://127.0.0.1:8000/health"]
CMD ["portfolio", "serve", "--host", "0.0.0.0", "--port", "8000"]

FROM service AS full
ARG PROJECT=""
COPY --from=full-libraries /opt/venv /opt/venv
COPY --from=packages /app /app
COPY --from=packages /packages /opt/venv
WORKDIR /app/projects/${PROJECT}
USER 10001:10001
ARG VERSION=unknown
ARG REVISION=unknown
ENV GIT_COMMIT=${REVISION}
LABEL org.opencontainers.image.title="${PROJECT:-portfolio}, with training" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="Portfolio of model APIs"

FROM service AS serve
ARG PROJECT=""
COPY --from=serve-libraries /opt/venv /opt/venv
COPY --from=packages /app /app
COPY --from=packages /packages /opt/venv
WORKDIR /app/projects/${PROJECT}
USER 10001:10001
ARG VERSION=unknown
ARG REVISION=unknown
ENV GIT_COMMIT=${REVISION}
LABEL org.opencontainers.image.title="${PROJECT}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="Portfolio of model APIs"

# The champion and the key that it is verified with, put beside the context's other files by scripts/docker-release.sh.
FROM serve AS release
ARG PROJECT
COPY --chown=10001:10001 .release/${PROJECT}/models models/
COPY .release/${PROJECT}/bundle.pub /app/keys/bundle.pub

FROM base AS dashboard
ENV HOME=/tmp
COPY deploy/healthy.py /app/
WORKDIR /app/dashboard
EXPOSE 8501
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-IS", "/app/healthy.py", "http://127.0.0.1:8501/_stcore/health"]
CMD ["streamlit", "run", "app.py", "--server.port=8501", "--server.address=0.0.0.0"]
COPY --from=dashboard-libraries /opt/venv /opt/venv
COPY dashboard ./
RUN python -m compileall -q --invalidation-mode unchecked-hash .
USER 10001:10001
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="portfolio dashboard" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="Portfolio of model APIs"
