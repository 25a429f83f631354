#!/usr/bin/env bash
# Debian's prometheus scrapes the broker for a minute under a light load, without a warning; promtool finds nothing to
# say about the page. ODRADEK_SCRAPE_SECONDS changes the minute.
set -euo pipefail
source "$(dirname "$0")/peer.sh"
if ! command -v prometheus > /dev/null || ! command -v promtool > /dev/null; then
  echo "SKIP prometheus: not installed (scripts/setup compat installs it)"; exit 0
fi
seconds=${ODRADEK_SCRAPE_SECONDS:-60}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
page() { curl --silent --show-error --fail "http://127.0.0.1:$http$1"; }
ask() { curl --silent --show-error --fail --get "http://127.0.0.1:$prometheus/api/v1/query" --data-urlencode "query=$1"; }
value() { ask "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"]["result"][0]["value"][1])'; }

http=$(free_port) prometheus=$(free_port)
start_broker "odradek.http.listeners=http://127.0.0.1:$http"
seq 1000 | kcat -b "$bootstrap" -P -t load -p 0
kcat -b "$bootstrap" -G readers load -e -q -X auto.offset.reset=earliest > /dev/null
cat > "$work/prometheus.yml" << END
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs: [{job_name: odradek, static_configs: [{targets: ["127.0.0.1:$http"]}]}]
END
checked() { page /metrics > "$work/page" && promtool check metrics < "$work/page" > "$work/said" 2>&1 && cat "$work/said" && [ ! -s "$work/said" ]; }
check "promtool check metrics has nothing to say" checked

prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" --web.listen-address="127.0.0.1:$prometheus" \
  > "$work/prometheus.log" 2>&1 &
watcher=$!
trap 'kill -9 "$watcher" ${broker:+"$broker"} 2> /dev/null || true; wait 2> /dev/null || true; rm -rf "$work"' EXIT
end=$((SECONDS + seconds))
while [ $SECONDS -lt $end ]; do seq 100 | kcat -b "$bootstrap" -P -t load -p 0; sleep 1; done

holds "the target is up" "$(value 'up{job="odradek"}')" '^1$'
holds "it was up at every scrape" "$(value "min_over_time(up{job=\"odradek\"}[${seconds}s])")" '^1$'
holds "the rate of produced records is what was sent" "$(value 'rate(odradek_produced_records_total[30s])')" '^[1-9][0-9]'
holds "what a group lags is what was sent since it read" "$(value 'sum by (group) (odradek_group_lag{group="readers"})')" '^[1-9][0-9]{2,}$'
holds "the group has no members" "$(value 'odradek_group_members{group="readers"}')" '^0$'
holds "its commits are counted" "$(value odradek_group_offset_commits_total)" '^[1-9]'
holds "a quantile of the latency can be had" \
  "$(value 'histogram_quantile(0.99, rate(odradek_request_duration_seconds_bucket{api="Produce"}[30s]))')" '^[0-9.e-]+$'
quiet() { ! grep -E 'level=(warn|error)' "$work/prometheus.log"; }
check "prometheus logged no warning and no error in $seconds s" quiet
holds "it scraped all the time" "$(value 'scrape_samples_scraped')" '^[1-9][0-9]{2}'
kill -TERM "$watcher"; wait "$watcher" || true
stop_broker
finish
