# The site in a container, as an unprivileged user, with its data in /data. See docs/self-hosting.md.
ARG PYTHON=docker.io/library/python:3.13-slim
FROM ${PYTHON}

WORKDIR /opt/imagesite
COPY requirements.txt ./
RUN python -m pip install --no-cache-dir --no-deps --require-hashes -r requirements.txt
RUN useradd --system --uid 10001 --home-dir /data --no-create-home imagesite && install -d -o imagesite -m 700 /data
COPY . .

ENV DATA_DIR=/data \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER imagesite
VOLUME /data
EXPOSE 8000
HEALTHCHECK --start-period=60s --interval=30s --timeout=10s CMD ["deploy/healthy"]
ENTRYPOINT ["deploy/run"]
CMD ["serve", "--host", "0.0.0.0"]
