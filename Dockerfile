# routed-rl on the CPU, with the pinned versions:
#
#   docker build -t routed-rl .
#   docker run --rm -v "$PWD/runs:/experiments/runs" routed-rl train --out runs/demo
#
# The folder of the runs has to be one in which the user 1000 may write; another user: --user "$(id -u)".
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
WORKDIR /source
RUN python -m venv /venv
# PyTorch at the pinned version. What stands in pip's usual index for Linux brings CUDA with it; the
# build for the CPU is a tenth of that: --build-arg TORCH_INDEX=the address that PyTorch's page names.
ARG TORCH_INDEX=
COPY constraints.txt ./
RUN /venv/bin/pip install --no-cache-dir ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} -c constraints.txt torch
COPY requirements requirements
RUN /venv/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements/base.txt
COPY . .
# The version, for there is no history here: docker build --build-arg VERSION=0.2.0
ARG VERSION=0.2.0.dev0
RUN PIP_BUILD_CONSTRAINT=constraints.txt PIP_CONSTRAINT=constraints.txt \
    SETUPTOOLS_SCM_PRETEND_VERSION="$VERSION" \
    /venv/bin/pip install --no-cache-dir --no-deps .

FROM python:${PYTHON}-slim
COPY --from=build /venv /venv
RUN mkdir /experiments && chown 1000 /experiments
USER 1000
WORKDIR /experiments
# Libraries keep their caches where anyone may write, whoever the user is.
ENV PATH=/venv/bin:$PATH HOME=/tmp MPLBACKEND=agg SDL_VIDEODRIVER=dummy
ENTRYPOINT ["routed-rl"]
CMD ["--help"]
