#!/bin/bash -eu
# Builds all targets for OSS-Fuzz and ClusterFuzzLite, which set SRC, OUT, SANITIZER, FUZZING_ENGINE and RUSTFLAGS.
# `scripts/fuzz --oss` calls it in the same way.
cd "$SRC/tunnelproof/fuzz"

[ "$FUZZING_ENGINE" = libfuzzer ] || { echo "build.sh: the engine $FUZZING_ENGINE is not supported" >&2; exit 1; }
host=$(rustc -vV | sed -n 's/^host: //p')
case $SANITIZER in
coverage)
  # RUSTFLAGS ask for the instrumentation; the wrapper of `cargo fuzz` in the image would leave the feature out.
  cargo build --bins --features libfuzzer --target "$host"
  profile=debug
  ;;
address | none)
  cargo fuzz build --release --sanitizer "$SANITIZER" --features libfuzzer
  profile=release
  ;;
*)
  echo "build.sh: the sanitizer $SANITIZER is not supported" >&2
  exit 1
  ;;
esac

for file in fuzz_targets/*.rs; do
  target=$(basename "$file" .rs)
  cp "${CARGO_TARGET_DIR:-target}/$host/$profile/$target" "$OUT/"
  (cd "corpus/$target" && zip --quiet -X "$OUT/${target}_seed_corpus.zip" -- *)
  {
    echo '[libfuzzer]'
    sed -n "s/.*name: \"$target\".*max_len: \([0-9]*\).*/max_len = \1/p" src/lib.rs
    if [ -f "dictionaries/$target.dict" ]; then
      cp "dictionaries/$target.dict" "$OUT/"
      echo "dict = $target.dict"
    fi
  } >"$OUT/$target.options"
done
