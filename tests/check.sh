# SPDX-License-Identifier: MIT
# For suites in bash: source this, define functions test_Subject_Condition_Outcome, end with run_tests.
# A test fails when a command in it fails, or when it calls fail; what it printed is then shown.
# shellcheck shell=bash
fail() { printf '%s\n' "$*"; exit 1; }
expect() { # expect TEXT FILE: the file holds the text
  grep -qF -- "$1" "$2" || { printf 'expected "%s" in:\n' "$1"; cat "$2"; exit 1; }
}
expect_no() { # expect_no TEXT FILE
  ! grep -qF -- "$1" "$2" || { printf 'did not expect "%s" in:\n' "$1"; cat "$2"; exit 1; }
}
run_tests() {
  local passed=0 failed=0 name output status
  for name in $(declare -F | awk '$3 ~ /^test_/ { print $3 }'); do
    # Not "if output=$(...)": in a condition, bash would forget -e inside.
    set +e
    output=$(set -e; "$name" 2>&1)
    status=$?
    set -e
    if [[ $status -eq 0 ]]; then
      passed=$((passed + 1))
      printf 'ok      %s%s\n' "${name#test_}" "${output:+  ($(tail -n 1 <<<"$output"))}"
    else
      failed=$((failed + 1))
      printf 'FAILED  %s\n%s\n' "${name#test_}" "$output"
    fi
  done
  echo "$passed passed, $failed failed"
  [[ $failed -eq 0 ]]
}
