# The rules that the source files keep among themselves.

load helper

setup() {
	cd "$top_srcdir" || return 1
}

# "FILE LAYER" for each file of the table in HACKING.md.
table() {
	awk -F'|' '/^\| [0-9]+ \|/ {
		n = split($3, files, ",")
		for (i = 1; i <= n; i++) { gsub(/ /, "", files[i]); print files[i], $2 + 0 }
	}' HACKING.md
}

@test "every source file has its layer in HACKING.md, and every name there is a file" {
	diff <(table | cut -d' ' -f1 | sort) \
		<(for f in src/*.[ch]; do basename "${f%.*}"; done | sort -u)
}

@test "a file includes only what is below it" {
	declare -A layer
	while read -r file number; do layer[$file]=$number; done < <(table)
	bad=0
	while IFS=: read -r path include; do
		from=$(basename "${path%.*}")
		to=$(sed 's/.*"\(.*\)\.h".*/\1/' <<<"$include")
		[[ $to != config && $to != "$from" ]] || continue
		((layer[$to] < layer[$from])) || {
			echo "$path (layer ${layer[$from]}) includes $to.h (layer ${layer[$to]})"
			bad=1
		}
	done < <(grep '^#include "' src/*.[ch])
	[[ $bad -eq 0 && ${#layer[@]} -gt 20 ]]
}

@test "every .c file starts with config.h, and no file has over 500 lines" {
	for f in src/*.c; do
		[[ $(grep -m1 '^#include' "$f") == '#include "config.h"' ]] || { echo "$f"; return 1; }
	done
	for f in src/*; do
		(($(wc -l <"$f") <= 500)) || { wc -l "$f"; return 1; }
	done
}

@test "every file that Makefile.am names is there, or is built from one" {
	missing=$(grep -oE '(^|[ 	/])(src|tests|bench|fuzz|man|completions|examples|packaging|tools|\.ci)/[A-Za-z0-9_./-]+' Makefile.am |
		sed 's/^[ 	/]*//' | sort -u | while read -r file; do
			[[ -e $file || -e $file.c ]] || echo "$file"
		done)
	echo "$missing"
	[[ -z $missing ]]
}
