FROM python:3.11-slim
RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY . .
RUN make install && useradd --create-home retinoscope && mkdir /data && chown retinoscope /data
USER retinoscope
ENV PATH=/app/.venv/bin:$PATH RETINOSCOPE_DATA=/data
