FROM python:3.11-slim
RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY . .
# The URL says that Redis runs elsewhere: where there is no wheel of it (ARM), `make` asks for one.
RUN RETINOSCOPE_REDIS_URL=redis://redis make install && useradd --create-home retinoscope && mkdir /data && chown retinoscope /data
USER retinoscope
ENV PATH=/app/.venv/bin:$PATH RETINOSCOPE_DATA=/data
