#!/bin/sh
# sources.mk lists what is in the folders, so that no source and no test is forgotten.
set -u
cd "${srcdir:-.}" || exit 99
if sh sources.sh . | diff sources.mk -; then
	echo '1 passed, 0 failed'
else
	echo 'sources.mk is out of date: sh sources.sh >sources.mk'
	echo '0 passed, 1 failed'
	exit 1
fi
