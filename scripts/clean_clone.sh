#!/usr/bin/env bash
# Clones this checkout's HEAD into an empty folder whose name holds a space, with empty caches; runs `make serve` there,
# sends one event with curl, sees it in tracking.log, stops the server and sees it end well.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
server=
cleanup() {
    [[ -z $server ]] || kill -- "-$server" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

git clone -q . "$work/a clean clone"
cd "$work/a clean clone"
mkdir "$work/cache"
export XDG_CACHE_HOME=$work/cache UV_CACHE_DIR=$work/cache/uv PIP_CACHE_DIR=$work/cache/pip
unset VIRTUAL_ENV PYTHONPATH

started=$(date +%s%N)
set -m # the server and what make starts get a process group of their own
make serve ARGS="--port 0" >"$work/out" 2>&1 &
server=$!
set +m

url=
for _ in $(seq 1200); do
    url=$(grep -om1 'http://127\.0\.0\.1:[0-9]*' "$work/out" || true)
    if [[ -n $url ]] && curl -fs "$url/readyz" >/dev/null; then
        break
    fi
    kill -0 "$server" 2>/dev/null || { cat "$work/out"; exit 1; }
    sleep 0.1
done
printf 'ready after %d ms\n' "$((($(date +%s%N) - started) / 1000000))"

key=$(sed -n 's/^write_key *= *"\(.*\)"/\1/p' data/trackside.toml)
curl -fsS -u "$key:" "$url/v1/track" -d '{"event": "Clean Clone", "userId": "1"}'
echo
for _ in $(seq 100); do
    grep -qs '"Clean Clone"' data/tracking.log && break
    sleep 0.1
done
grep -c '"Clean Clone"' data/tracking.log

kill -TERM -- "-$server"
wait "$server" && status=0 || status=$?
server=
# make itself ends with 130 or 143 when it is told to stop; what counts is that nothing listens any more
if curl -fs "$url/healthz" >/dev/null 2>&1; then
    echo "the server still answers after SIGTERM (make ended with $status)"
    exit 1
fi
echo "a clean clone serves"
