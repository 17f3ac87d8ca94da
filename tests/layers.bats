# The rules that the source files keep among themselves.

load helper

setup() {
	cd "$top_srcdir" || return 1
}

# The folders of src/, from the lowest to the highest: the tree in HACKING.md.
folders() {
	sed -nE '/^    src\/$/,/^$/s/^      ([a-z]+)\/ .*/\1/p' HACKING.md
}

# "FROM TO" for each include of one source file by another, as FOLDER/NAME without .c and .h.
includes() {
	awk '
		FNR == 1 { from = FILENAME; sub(/^src\//, "", from); sub(/\.[ch]$/, "", from) }
		/^#include "/ {
			to = $2
			gsub(/"|\.h"/, "", to)
			if (to != "config" && to != from) print from, to
		}' src/*.[ch] src/*/*.[ch] | sort -u
}

@test "HACKING.md has every folder of src/, and src/ has every folder of HACKING.md" {
	diff <(folders | sort) <(cd src && printf '%s\n' */ | tr -d / | sort)
	[[ $(folders | wc -l) -gt 1 && $(cd src && echo *.[ch]) == main.c ]]
}

@test "a folder includes only from itself and from folders above it in the tree" {
	bad=$(includes | awk -v folders="$(folders | xargs)" '
		function apart(a, b) {
			return a == "sinks" && b == "postgres" || a == "check" && b == "control"
		}
		BEGIN { count = split(folders, list, " "); for (i in list) place[list[i]] = i + 0; place["main"] = count + 1 }
		{
			split($1, from, "/"); split($2, to, "/")
			if (!(from[1] in place) || !(to[1] in place) || to[2] == "") print $0 ": no such folder"
			else if (place[to[1]] > place[from[1]] || apart(from[1], to[1])) print
		}
		END { if (NR < 100) print "only", NR + 0, "includes were seen" }')
	echo "$bad"
	[[ -z $bad ]]
}

@test "a header *_internal.h is for its own folder alone" {
	bad=$(includes | awk '{ split($1, from, "/"); split($2, to, "/") } to[2] ~ /_internal$/ && from[1] != to[1]')
	echo "$bad"
	[[ -z $bad && $(includes) == *_internal* ]]
}

@test "inside of a folder the includes have no circle" {
	includes | awk '{ split($1, from, "/"); split($2, to, "/") } from[1] == to[1]' >"$TMP/edges"
	(($(wc -l <"$TMP/edges") > 50))
	tsort "$TMP/edges" >/dev/null
}

@test "every .c file starts with config.h, no file has over 500 lines, and no two have the same name" {
	for f in src/*.c src/*/*.c; do
		[[ $(grep -m1 '^#include' "$f") == '#include "config.h"' ]] || { echo "$f"; return 1; }
	done
	for f in src/*.[ch] src/*/*.[ch]; do
		(($(wc -l <"$f") <= 500)) || { wc -l "$f"; return 1; }
	done
	twice=$(for f in src/*.[ch] src/*/*.[ch]; do echo "${f##*/}"; done | sort | uniq -d)
	echo "$twice"
	[[ -z $twice ]]
}

@test "a call that configure looks for is only where there is another way" {
	calls=$(sed -nE 's/^ *AC_CHECK_FUNCS\(\[(.*)\]\).*/\1/p' configure.ac)
	for call in $calls close_range ttyname_r; do
		grep -lE "\b$call\(" src/*/*.c | grep -vx src/base/portable.c || true
	done >"$TMP/callers"
	# It has both ways.
	diff "$TMP/callers" <(echo src/base/fd_writer.c)
	[[ $(wc -w <<<"$calls") -gt 3 ]]
}

@test "every file that Makefile.am names is there, or is built from one" {
	missing=$(grep -oE '(^|[ 	/])(src|tests|bench|fuzz|man|completions|examples|packaging|tools|\.ci)/[A-Za-z0-9_./-]+' Makefile.am |
		sed 's/^[ 	/]*//' | sort -u | while read -r file; do
			[[ -e $file || -e $file.c || -e ${file%.so}.c ]] || echo "$file"
		done)
	echo "$missing"
	[[ -z $missing ]]
}

# What cannot fail, whatever it finds: "!" turns a status around that nobody looks at then; "run !" takes a command that
# could not do its work for one that says no, and "run -1" does not; [[ a && b || c ]] is true for c alone, and
# [[ a ]] && [[ b ]] ends nothing unless it is the last command of a function.
@test "no assertion of a test is without effect" {
	local found
	found=$(awk '
		FNR == 1 { list = "" }
		{
			command = $0
			sub(/^[ \t]+/, "", command)
			if (list && command !~ /^[})]/) print list
			list = ""
			if (command ~ /^#/) next
			whole = FILENAME ":" FNR ": " command
			if (command ~ /(^|[ \t;])run ! / || (command ~ /^! / && command !~ / \|\| /)) print whole
			while (match(command, /\$?\([^()]*\)/)) # nested ones from the inside
				command = substr(command, 1, RSTART - 1) "_" substr(command, RSTART + RLENGTH)
			while (match(command, /\[\[ ([^]]|\][^]])* \]\]/)) {
				inside = substr(command, RSTART, RLENGTH)
				if (inside ~ / && / && inside ~ / \|\| /) print whole
				command = substr(command, 1, RSTART - 1) "_" substr(command, RSTART + RLENGTH)
			}
			if (command ~ /^(_|(cmp|diff|grep|test|\[) )[^|]*&& ?[^|]*[^|&{\\]$/ && command !~ /&& (return|false)/) list = whole
			seen += command ~ /^_/
		}
		END { if (seen < 500) print "only", seen + 0, "assertions were seen" }' tests/*.bats tests/*.bash)
	echo "$found"
	[[ -z $found ]]
}
