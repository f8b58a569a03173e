# syntax=docker/dockerfile:1
# Builds the binary, then keeps it and nothing else: no shell tools beyond Debian's slim base, no root.

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev make && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --profile dist --locked --package bugle-server && cp target/dist/bugle /usr/local/bin/bugle

FROM debian:bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin bugle \
    && install --directory --owner=bugle --group=bugle --mode=0700 /data
COPY --from=build /usr/local/bin/bugle /usr/local/bin/bugle
USER bugle
VOLUME /data
EXPOSE 9000
ENV BUGLE_LISTEN=0.0.0.0:9000 BUGLE_DATA=/data BUGLE_LOG_FORMAT=json
HEALTHCHECK --interval=15s --timeout=6s --start-period=10s CMD ["bugle", "healthcheck"]
# SIGTERM finishes the batch that is being stored; it takes at most 10 seconds.
STOPSIGNAL SIGTERM
ENTRYPOINT ["bugle"]
CMD ["serve"]
