# Sends without end until it is killed; then a second one does.
pass() { tombolo-exercise channel --side spoke --kind ring --name death --count 4000000 --timeout 120 --death-after 10; }
if pass; then exit 1; fi
pass
