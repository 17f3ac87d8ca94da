# What a notification costs, counted in instructions: no matter how fast the machine is.
#
# - The difference between two counts of notifications, so that starting and ending do not matter.
# - Instructions of pgwait's own object file only. Those of the C library differ between processors, for
#   which it has different memcpy() and strlen(), and libpq's are not ours to change.
# - It hardly matters where reads end: the server sends 8 KiB at once, and what a read costs besides its
#   notifications is less than 1 % of that.

load helper

FEW=2000 MANY=6000

setup() {
	[[ ${PGWAIT_SANITIZERS:-no} == no ]] || skip "valgrind cannot run a program with sanitizers"
	type -P valgrind >/dev/null || skip "valgrind is not installed"
}

# profile COUNT ARG...: pgwait takes COUNT notifications; what callgrind saw is in $TMP/COUNT.
profile() {
	local count=$1 ready=$TMP/ready.$RANDOM
	shift
	mkfifo "$ready"
	valgrind -q --tool=callgrind --callgrind-out-file="$TMP/$count" \
		"$PGWAIT" -n "$count" --ready-fd 9 "$@" cost >"$OUT" 2>"$ERR" 9>"$ready" 3>&- &
	PID=$!
	read -r -t "$((DEADLINE * 2))" _ <"$ready"
	sql -c "SELECT count(pg_notify('cost', lpad(i::text, 60, 'x'))) FROM generate_series(1, $count) i" >/dev/null
	DEADLINE=$((DEADLINE * 2)) wait_for gone "$PID"
	wait "$PID"
}

# counted FILE: "instructions allocations writes reads", the first three those of pgwait itself.
counted() {
	awk -v program="${PGWAIT##*/}" '
		function name(s) { # "(7) text" defines a name, "(7)" stands for it
			match(s, /^[^=]*=\([0-9]+\)/)
			id = substr(s, 1, RLENGTH); sub(/^c?[a-z]*=/, "", id)
			kind = s ~ /^c?ob=/ ? "o" : "f"
			if (length(s) > RLENGTH) names[kind id] = substr(s, RLENGTH + 2)
			return names[kind id]
		}
		/^ob=/ { n = split(name($0), path, "/"); own = path[n] == program }
		/^cob=/ { name($0) }
		/^fn=/ { name($0) }
		/^cfn=/ { callee = name($0) }
		/^calls=/ {
			calls = substr($1, 7)
			if (own && callee ~ /^(malloc|calloc|realloc)$/) allocations += calls
			if (own && callee == "write") writes += calls
			if (callee == "recv") reads += calls
			getline # what the calls cost, all in all
			next
		}
		/^[0-9+*-]/ { if (own) instructions += $2 }
		END { print instructions + 0, allocations + 0, writes + 0, reads + 0 }' "$1"
}

# measure ARG...: sets `instructions` for a notification. It must cost no allocation (but that a buffer
# may grow), and a read no more than one write.
measure() {
	local few many allocations writes reads
	profile $FEW "$@"
	profile $MANY "$@"
	read -r -a few < <(counted "$TMP/$FEW")
	read -r -a many < <(counted "$TMP/$MANY")
	instructions=$(((many[0] - few[0]) / (MANY - FEW)))
	allocations=$((many[1] - few[1])) writes=$((many[2] - few[2])) reads=$((many[3] - few[3]))
	echo "$instructions instructions for a notification; for $((MANY - FEW)) of them" \
		"$allocations allocations, $writes writes, $reads reads"
	((allocations < 20 && writes <= reads + 1))
}

budget() {
	sed -n "s/^$1 //p" "$top_srcdir/tests/cost.budget"
}

# Whether the budget is for this build.
applies() {
	[[ $(uname -m) == "$(budget machine)" && ${PGWAIT_DEFAULT_BUILD-} == yes ]] &&
		readelf -p .comment "$PGWAIT" | grep -qF "$(budget compiler)"
}

within_budget() { # NAME
	local allowed
	applies || {
		echo "# the budget is not for this build" >&3
		return
	}
	allowed=$(budget "$1")
	if ((instructions * 100 > allowed * 103)); then
		echo "$1: $instructions instructions for a notification, $allowed are allowed (tests/cost.budget)"
		callgrind_annotate --threshold=100 "$TMP/$MANY" | grep -F "[$PGWAIT]" | head -n 15
		return 1
	elif ((instructions * 100 < allowed * 97)); then
		echo "# $1: $instructions instructions for a notification: lower tests/cost.budget, which allows $allowed" >&3
	fi
}

@test "text: a notification costs what the budget allows, and no allocation" {
	measure
	within_budget text
}

@test "JSON: a notification costs what the budget allows, and no allocation" {
	measure -j
	within_budget json
}
