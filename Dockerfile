# One image for web, worker, clock, sender and migrations; what it does is said by the command. Not built in CI.
FROM python:3.12-slim-bookworm AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY requirements.lock /tmp/requirements.lock
RUN /venv/bin/pip install --require-hashes --requirement /tmp/requirements.lock

FROM python:3.12-slim-bookworm
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=advocacy.settings \
    BIND=0.0.0.0:8000 \
    MEDIA_ROOT=/media \
    PROMETHEUS_MULTIPROC_DIR=/tmp/metrics
RUN groupadd --gid 10001 portal && useradd --uid 10001 --gid portal --no-create-home --home-dir /tmp portal \
    && mkdir /media && chown portal:portal /media
COPY --from=packages /venv /venv
WORKDIR /portal
COPY . .
# Static files are collected into the image. The values are only for this step and reach nobody.
RUN ADVOCACY_MODE=production ALLOWED_HOSTS=build.invalid SITE_URL=https://build.invalid \
    SECRET_KEY=only-for-collecting-static-files-while-the-image-is-built-and-never-again \
    DATABASE_URL=postgres:///none EMAIL_URL=smtp://none:25 \
    python manage.py collectstatic --no-input
USER portal
VOLUME /media
EXPOSE 8000
# The check speaks as the proxy does: by a host the portal answers to, and as if by TLS.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os,urllib.request as u; u.urlopen(u.Request('http://127.0.0.1:8000/readyz', headers={'Host': os.environ['ALLOWED_HOSTS'].split(',')[0], 'X-Forwarded-Proto': 'https'}), timeout=4)"]
CMD ["gunicorn", "advocacy.wsgi"]
