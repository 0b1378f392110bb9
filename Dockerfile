# The app for a container: no compiler, nothing of CUDA, no library that only training needs, not root.
FROM python:3.11-slim AS libraries
# the address of PyTorch's packages for CPUs, as its page of installation says: docker build --build-arg TORCH_INDEX=...
ARG TORCH_INDEX
COPY requirements-serve.lock deploy/slim.sh /
RUN python -m venv /libraries \
    && /libraries/bin/pip install --no-cache-dir --require-hashes \
        --extra-index-url "${TORCH_INDEX:?}" -r /requirements-serve.lock \
    && sh /slim.sh /libraries/lib/python3.11/site-packages

FROM python:3.11-slim
RUN useradd --uid 1000 --create-home visitor
COPY --from=libraries /libraries /libraries
COPY --chown=root:root .streamlit /app/.streamlit
COPY --chown=root:root app.py /app/
COPY --chown=root:root cvae /app/cvae
COPY --chown=root:root ui /app/ui
COPY --chown=root:root pages /app/pages
COPY --chown=root:root checkpoints /app/checkpoints
WORKDIR /app
USER 1000
# PORT is what several hosts set; OMP_NUM_THREADS: the app shares the cores out itself
ENV PATH=/libraries/bin:$PATH \
    PORT=8501 \
    OMP_NUM_THREADS=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    CVAE_DATA_DIR=/tmp/data
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", \
    "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}' + ('/' + os.environ.get('STREAMLIT_SERVER_BASE_URL_PATH', '').strip('/')).rstrip('/') + '/_stcore/health', timeout=2)"]
CMD ["sh", "-c", "exec streamlit run app.py --server.headless true --server.address 0.0.0.0 --server.port \"$PORT\""]
