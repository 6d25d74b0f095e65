#!/bin/bash -eu
# ClusterFuzzLite builds as OSS-Fuzz does.
exec bash -eu "$SRC/tunnelproof/fuzz/oss-fuzz/build.sh"
