#!/bin/sh
# tapedrop-server, with the packages that lie beside it and no others.
set -eu
# By its real place, not by the link `current`: the processes that it starts later are of the same
# version, also when a newer one was installed meanwhile.
here=$(cd -P -- "${0%/*}" && pwd -P)
exec "$here/python3" -I -m server "$@"
