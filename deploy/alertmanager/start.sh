#!/bin/sh
# start.sh PROGRAM [ARGUMENT...]: Alertmanager does not read the environment, so its configuration is made of it here.
#
#   ALERT_EMAIL_TO       who gets mail, separated by commas. Left out: nobody. Else there must be
#   ALERT_SMTP_HOST      host or host:port (587), and
#   ALERT_SMTP_FROM      the sender; there may be
#   ALERT_SMTP_USER, ALERT_SMTP_PASSWORD
#   ALERT_SMTP_TLS       0: without TLS, for a relay beside us
#   ALERT_WEBHOOK_URL    what gets a POST. Left out: nothing
#
# Secrets are in files that only this user reads, in no argument, no log, and not in the program's environment.
set -eu
umask 077
here=$(dirname "$0")

fail() {
  echo "alertmanager: $1" >&2
  exit 64
}

# said KEY NAME VALUE: a line of YAML, whatever the variable of that name holds.
said() {
  case $3 in *[[:cntrl:]]*) fail "$2 holds a control character." ;; esac
  printf "%s: '%s'\n" "$1" "$(printf '%s' "$3" | sed "s/'/''/g")"
}

email() {
  [ -n "${ALERT_SMTP_HOST:-}" ] || fail "ALERT_EMAIL_TO needs ALERT_SMTP_HOST."
  [ -n "${ALERT_SMTP_FROM:-}" ] || fail "ALERT_EMAIL_TO needs ALERT_SMTP_FROM."
  case $ALERT_SMTP_HOST in *:*) ;; *) ALERT_SMTP_HOST=$ALERT_SMTP_HOST:587 ;; esac
  echo "    email_configs:"
  said "      - to" ALERT_EMAIL_TO "$ALERT_EMAIL_TO"
  said "        from" ALERT_SMTP_FROM "$ALERT_SMTP_FROM"
  said "        smarthost" ALERT_SMTP_HOST "$ALERT_SMTP_HOST"
  echo "        require_tls: $([ "${ALERT_SMTP_TLS:-1}" = 0 ] && echo false || echo true)"
  echo "        send_resolved: true"
  if [ -n "${ALERT_SMTP_USER:-}" ]; then
    [ -n "${ALERT_SMTP_PASSWORD:-}" ] || fail "ALERT_SMTP_USER needs ALERT_SMTP_PASSWORD."
    printf '%s' "$ALERT_SMTP_PASSWORD" >"$folder/password"
    said "        auth_username" ALERT_SMTP_USER "$ALERT_SMTP_USER"
    echo "        auth_password_file: $folder/password"
  fi
}

# Before 0.26 there is no url_file; this file is as closed as that would be.
webhook() {
  case $ALERT_WEBHOOK_URL in http://?* | https://?*) ;; *) fail "ALERT_WEBHOOK_URL is no address that begins with http:// or https://." ;; esac
  echo "    webhook_configs:"
  said "      - url" ALERT_WEBHOOK_URL "$ALERT_WEBHOOK_URL"
  echo "        send_resolved: true"
}

configuration() {
  cat "$here/alertmanager.yml"
  echo "receivers:"
  echo "  - name: nobody"
  echo "  - name: people"
  if [ -n "${ALERT_EMAIL_TO:-}" ]; then email; fi
  if [ -n "${ALERT_WEBHOOK_URL:-}" ]; then webhook; fi
}

folder=$(mktemp -d)
configuration >"$folder/alertmanager.yml"
[ -n "${ALERT_EMAIL_TO:-}${ALERT_WEBHOOK_URL:-}" ] ||
  echo "alertmanager: neither ALERT_EMAIL_TO nor ALERT_WEBHOOK_URL is set: alerts are shown, and sent nowhere." >&2
unset ALERT_SMTP_PASSWORD ALERT_WEBHOOK_URL
exec "$@" --config.file="$folder/alertmanager.yml"
