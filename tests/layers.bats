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
	bad=$(table | awk '
		FNR == NR { layer[$1] = $2; next }
		FNR == 1 { from = FILENAME; sub(/.*\//, "", from); sub(/\.[ch]$/, "", from) }
		/^#include "/ {
			to = $2
			gsub(/"|\.h/, "", to)
			if (to == "config" || to == from) next
			seen++
			if (!(to in layer) || !(from in layer) || layer[to] >= layer[from])
				printf "%s (layer %s) includes %s.h (layer %s)\n", FILENAME, layer[from], to, layer[to]
		}
		END { if (seen < 100) print "only", seen + 0, "lines were seen" }' - src/*.[ch])
	echo "$bad"
	[[ -z $bad ]]
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
			[[ -e $file || -e $file.c || -e ${file%.so}.c ]] || echo "$file"
		done)
	echo "$missing"
	[[ -z $missing ]]
}
