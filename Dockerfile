# The image. `make image` builds the last stage with buildah. With Docker, all of it:
#
#     docker build --build-arg REVISION="$(git rev-parse HEAD)" --tag portcullis .

FROM docker.io/library/rust:1.95-bookworm AS build
ARG SOURCE_DATE_EPOCH=0
WORKDIR /portcullis
COPY . .
RUN image/root /root-of-image

# From here on image/build reads.
FROM scratch
COPY --from=build /root-of-image/ /
ARG REVISION=""
LABEL org.opencontainers.image.title="portcullis" \
      org.opencontainers.image.description="Admission and policy enforcement for Kubernetes: Rego policies decide, over TLS and in CI, through one pure function" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION"
# A host of its own: a container that listened on its loopback would answer nobody. Errors of
# the Rego engine are cheap without backtraces; panics have theirs on RUST_BACKTRACE=1.
ENV PORTCULLIS_ADDRESS="0.0.0.0:8443" \
    PORTCULLIS_OPERATIONS_ADDRESS="0.0.0.0:9443" \
    RUST_LIB_BACKTRACE="0" \
    SSL_CERT_FILE="/etc/ssl/certs/ca-certificates.crt"
EXPOSE 8443 9443
USER 65532:65532
ENTRYPOINT ["/policy"]
CMD ["serve"]
