#!/bin/sh
# Take out of a folder of installed packages what the app never reads: slim.sh .../site-packages
set -eu
cd "$1"
find . -type d \( -name tests -o -name test \) -path "*/*/*" -prune -exec rm -rf {} +
find torch/bin -type f ! -name torch_shm_manager -delete
rm -rf torch/include pip pip-* pyarrow/include
rm -rf pydeck/nbextension ../../../share/jupyter # of notebooks
rm -f pyarrow/*flight* pyarrow/*substrait*
find . -name "*.a" -delete
for rare in sympy networkx plotly torch/_inductor torch/_dynamo torch/distributed torch/testing torch/onnx; do
    find "$rare" -name __pycache__ -prune -exec rm -rf {} + # compiled code that no page runs
done
