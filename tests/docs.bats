# --help, manual page, completions and README say the same, and what they show works.

load helper

# The options of --help, short and long, one a line.
options() {
	"$PGWAIT" --help | grep -E '^ +-' | grep -oE '(^|[ ,])--?[a-zA-Z0-9?][a-z-]*' | tr -d ' ,' |
		grep -vE '^-[a-z]+[a-z]$' | sort -u
}

same() {
	diff <(options) <(sort -u)
}

@test "the manual page has the options of --help, no others" {
	sed -n '/^\.Sh OPTIONS/,/^\.Sh OUTPUT/p' "$top_srcdir/man/pgwait.1" | grep '^\.It Fl' | sed 's/\\&//g' |
		tr -d ',' | awk '{ for (i = 2; i < NF; i++) if ($i == "Fl") print "-" $(i + 1) }' | same
}

@test "README has the text of --help" {
	"$PGWAIT" --help >"$TMP/help"
	sed -n '/^<!-- help -->/,$p' "$top_srcdir/README.md" | sed -n '/^```text/,/^```$/p' | sed '1d;$d' |
		diff "$TMP/help" -
}

@test "bash completion has the options of --help, and completes" {
	bash -c '. "$1"; COMP_WORDS=(pgwait -); COMP_CWORD=1; _pgwait; printf "%s\n" "${COMPREPLY[@]}"' - \
		"$top_srcdir/completions/pgwait" | same
	run -0 bash -c '. "$1"; COMP_WORDS=(pgwait --ti); COMP_CWORD=1; _pgwait; echo "${COMPREPLY[*]}"' - \
		"$top_srcdir/completions/pgwait"
	[[ $output == --timeout ]]
}

@test "zsh completion has the options of --help" {
	zsh -n "$top_srcdir/completions/_pgwait"
	sed -E "s/\[[^]]*\]//g" "$top_srcdir/completions/_pgwait" | tr -d "\\\\'" | grep -v '^#' |
		sed -E 's/_arguments -s -S//; s/^[\t *]*\([^)]*\)//; s/:.*//' | grep -oE -- '--?[a-zA-Z0-9?][a-z-]*' | same
}

@test "fish completion has the options of --help" {
	fish -n "$top_srcdir/completions/pgwait.fish"
	grep -oE -- "-[sl] '?[A-Za-z0-9?-]+" "$top_srcdir/completions/pgwait.fish" | tr -d "'" |
		sed 's/^-s /-/; s/^-l /--/' | same
}

@test "the manual page has no mistake that mandoc knows" {
	run -0 mandoc -W style -T lint "$top_srcdir/man/pgwait.1"
	[[ -z $(grep -v 'outdated mandoc.db\|not found: Xr' <<<"$output") ]]
}

@test "the version is the same everywhere" {
	version=$("$PGWAIT" --version)
	version=$(sed -n 's/^pgwait \([0-9.]*\) .*/\1/p' <<<"$version")
	[[ -n $version ]]
	grep -q "^## $version" "$top_srcdir/NEWS.md"
}

# Runs a script of the documentation with pgwait in PATH, while notifications come all the time.
run_example() {
	mkdir -p "$TMP/bin"
	ln -sf "$PGWAIT" "$TMP/bin/pgwait"
	printf '%s\n' "$1" >"$TMP/example"
	(
		exec 3>&-
		while :; do
			notify jobs $'a\tb'
			notify jobs ''
			sleep 0.05
		done
	) &
	local notifier=$!
	status=0
	PATH=$TMP/bin:$PATH timeout "$DEADLINE" bash -o pipefail "$TMP/example" >"$OUT" 2>"$ERR" 3>&- || status=$?
	kill "$notifier"
	wait "$notifier" || true
	echo "--- $1"
	cat "$OUT" "$ERR"
	[[ $status -eq 0 ]] && [[ -s $OUT || -s $ERR || $1 == *"-t 0"* ]]
}

# Splits what is between the lines START and END into one example for each.
each_example() {
	local example= count=0 inside=
	while IFS= read -r line; do
		if [[ -n $inside && $line == "$2" ]]; then
			run_example "${example//$'\e'/\\}" || return 1
			inside='' count=$((count + 1))
		elif [[ -n $inside ]]; then
			example+=$line$'\n'
		elif [[ $line == "$1" ]]; then
			inside=1 example=''
		fi
	done
	examples=$count
}

@test "README's recipes work" {
	each_example '```sh' '```' <"$top_srcdir/README.md"
	[[ $examples -ge 6 ]]
}

@test "the manual page's examples work" {
	each_example '.Bd -literal -offset indent' '.Ed' < <(sed 's/\\e/\\/g' "$top_srcdir/man/pgwait.1")
	[[ $examples -ge 5 ]]
}

@test "the systemd unit starts what pgwait accepts" {
	unit=$top_srcdir/examples/pgwait.service
	grep -qx 'Type=notify' "$unit"
	format=$(sed -n "s/^ExecStart=.*-f '\([^']*\)'.*/\1/p" "$unit" | sed 's/%%/%/g; s/\\\\/\\/g')
	[[ $format == '%c\t%i\t%e' ]]
	"$PGWAIT" -t 0 -f "$format" jobs
}
