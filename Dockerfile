# The site in one image: web, worker, beat and every management command (see deploy/image/start).
#
#   docker build --tag helloagents .
#
# Without an image registry, and without a network: put wheels for the base's Python, and pip's own, into wheels/ (see
# deploy/dev/app_image.py, which does it) and name a base that has Python 3.11 or newer:
#
#   docker build --network none --build-arg BASE_IMAGE=python-base:local --build-arg POSTGRES_TOOLS= --tag helloagents .
#
# Then it has no pg_dump, which is fetched from Debian's archive, and cannot back up a PostgreSQL.
ARG BASE_IMAGE=python:3.12-slim

# --- Packages, translations, static files: what is only needed to make them stays here ----------------
FROM ${BASE_IMAGE} AS build
# Bytecode is written once, below, and not by each start of a container.
ENV PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3 -m venv --without-pip /opt/venv

# The wheels are optional: the pattern then matches nothing.
COPY requirements.txt wheel[s] /build/
RUN cd /build \
    && if ls *.whl >/dev/null 2>&1; \
       then pip="python3 $(ls pip-*.whl)/pip"; from="--no-index --find-links /build"; \
       else pip="python3 -m pip"; from=""; fi \
    && $pip --python /opt/venv/bin/python install --only-binary :all: --require-hashes $from -r requirements.txt \
    # Packages of courses are fetched with it; see `manage.py build_sandbox_image`.
    && $pip --python /opt/venv/bin/python install $from pip

COPY . /app
WORKDIR /app
# The key signs nothing: it only lets the settings load.
RUN SECRET_KEY=$(python3 -c "import secrets; print(secrets.token_urlsafe(50))") VAR_DIR=/tmp/build \
        STATIC_ROOT=/app/collected /opt/venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && rm -rf wheels /tmp/build \
    && python3 -m compileall -q -j 0 helloagents lessons progress sandbox tutor

# --- What runs ----------------------------------------------------------------------------------------
FROM ${BASE_IMAGE}
# For `backup` and `restore`: these two alone, for the whole package brings Perl along.
ARG POSTGRES_TOOLS="pg_dump pg_restore"
RUN if [ -n "$POSTGRES_TOOLS" ]; then \
        apt-get update --quiet=2 \
        && apt-get install --quiet=2 --yes --no-install-recommends libpq5 \
        && cd /tmp && apt-get download --quiet=2 \
            "$(apt-cache depends postgresql-client | sed --quiet 's/^ *Depends: //p' | head --lines 1)" \
        && dpkg-deb --extract postgresql-client-*.deb client \
        && for tool in $POSTGRES_TOOLS; do cp client/usr/lib/postgresql/*/bin/$tool /usr/local/bin/ && $tool --version; done \
        && rm -rf /tmp/* /var/lib/apt/lists/* /var/cache/apt/*; \
    fi
RUN mkdir -p /data && chown 10001:10001 /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    VAR_DIR=/data \
    STATIC_ROOT=/app/collected \
    ALIVE_FILE=/tmp/alive
WORKDIR /app
# A number, so that Kubernetes can tell that it is not root. /data is all it writes to, beside /tmp.
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["deploy/image/is-healthy"]
ENTRYPOINT ["deploy/image/start"]
CMD ["web"]
