# PAGE=on: every request of the service gets a page and 503 (its own page, where $home/maintenance.html is one); off: as before.
# Without a lock: it has to work also while a run holds it.
if [ "${SLUICE_PAGE:-off}" = on ]; then
  serving=$(current)
  if [ -z "$serving" ] || ! proxied "$(release_folder "$serving")"; then
    fail MAINTENANCE_WITHOUT_PROXY "service=$service" "environment=$environment"
  fi
  page=$home/maintenance.html
  if [ ! -s "$page" ]; then
    page=$home/run/maintenance.$$
    mkdir -p "$home/run"
    trap 'rm -f "$page"' EXIT
    cat >"$page" <<'PAGE'
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Maintenance</title>
<body style="font: 1.2em system-ui; margin: 20vh auto; max-width: 30em; padding: 0 1em">
<h1>We will be back soon</h1>
<p>This service is being worked on. Please try again in a few minutes.</p>
PAGE
  fi
  proxy_maintenance "$page"
else
  proxy_maintenance ''
fi
fact maintenance "${SLUICE_PAGE:-off}"
