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

# --- Growth: what is twice as much may cost twice as much, and a fifth more. Instructions of all objects count here, since
# what grows too fast is often strcmp() or memmove().

# spent ARG...: instructions of a whole run that ends by itself, with the status `ends` (0); standard input is its own.
spent() {
	valgrind -q --tool=callgrind --callgrind-out-file="$TMP/spent" "$PGWAIT" "$@" >"$OUT" 2>"$ERR" || {
		[[ $? -eq ${ends:-0} ]] || {
			cat "$ERR" >&2
			return 1
		}
	}
	total "$TMP/spent"
}

total() {
	sed -n 's/^totals: //p' "$1"
}

# grows_with WHAT SMALL COST LARGE COST: as much as it may, at most.
grows_with() {
	echo "$1: $2 cost $3, $4 cost $5, that is $(($5 * $2 * 100 / ($3 * $4))) %"
	(($5 * $2 * 100 <= $3 * $4 * 120))
}

# stays WHAT COST COST: the second is no more than a fifth above the first.
stays() {
	grows_with "$1" 1 "$2" 1 "$3"
}

# connections N: sets `list` to so many that are not the same.
connections() {
	mapfile -t list < <(seq -f 'application_name=c%.0f' 1 "$1")
}

# burst ARG...: sets `cost` for MANY - FEW notifications on the channel `cost`.
burst() {
	profile $FEW "$@"
	profile $MANY "$@"
	cost=$(($(total "$TMP/$MANY") - $(total "$TMP/$FEW")))
}

@test "growth: a notification costs the same with 1,000 channels" {
	local channels few
	mapfile -t channels < <(seq -f 'c%.0f' 1 1000)
	burst
	few=$cost
	burst "${channels[@]}"
	stays notifications "$few" "$cost"
}

@test "growth: a notification costs the same with 200 connections" {
	local list few
	connections 199
	burst
	few=$cost
	burst "${list[@]}" other application_name=last
	stays notifications "$few" "$cost"
}

@test "growth: the start with channels" {
	local sizes=(1 400 4000) costs=() i list
	for i in "${sizes[@]}"; do
		mapfile -t list < <(seq -f 'c%.0f' 1 "$i")
		costs+=("$(spent -t 0 "${list[@]}")")
	done
	grows_with channels 399 $((costs[1] - costs[0])) 3999 $((costs[2] - costs[0]))
}

@test "growth: connections of one label on the command line" {
	local sizes=(1 400 4000) costs=() i list
	for i in "${sizes[@]}"; do
		connections "$i"
		# Nothing but the channel is wrong, and is looked at last.
		costs+=("$(ends=1 spent "${list[@]}" jobs dbname=last '')")
		grep -qF 'channel name ""' "$ERR"
	done
	grows_with connections 399 $((costs[1] - costs[0])) 3999 $((costs[2] - costs[0]))
}

@test "growth: a drain with connections" {
	local sizes=(1 20 80) costs=() i list
	for i in "${sizes[@]}"; do
		connections "$i"
		costs+=("$(spent -t 0 "${list[@]}" jobs)")
	done
	grows_with connections 19 $((costs[1] - costs[0])) 79 $((costs[2] - costs[0]))
}

# control N TIMES COMMAND...: sets `cost` for each time that these commands run with N connections.
control() {
	local n=$1 times=$2 list i
	shift 2
	connections "$n"
	for i in 0 "$times"; do
		{
			for ((; i > 0; i--)); do printf '%s\n' "$@"; done
			echo quit
		} >"$TMP/commands"
		spent -q --control - "${list[@]}" jobs <"$TMP/commands"
	done >"$TMP/costs"
	cost=$(awk -v times="$times" '{ c[NR] = $1 } END { print int((c[2] - c[1]) / times) }' "$TMP/costs")
	start=$(head -n 1 "$TMP/costs")
}

@test "growth: the start, listen *, unlisten * and status with connections" {
	local start cost least few few_start
	control 1 20 'listen * x' 'unlisten * x' status
	least=$start
	control 20 20 'listen * x' 'unlisten * x' status
	few=$cost few_start=$((start - least))
	control 200 20 'listen * x' 'unlisten * x' status
	grows_with start 19 "$few_start" 199 $((start - least))
	grows_with commands 20 "$few" 200 "$cost"
}

@test "growth: status alone, which is the cheapest of the commands, with connections" {
	local start cost few
	control 20 20 status
	few=$cost
	control 200 20 status
	grows_with status 20 "$few" 200 "$cost"
}

# reloads N: sets `cost` for 5 times that a file with N connections is read again.
reloads() {
	local n=$1 times i costs=()
	{
		for ((i = 1; i <= n; i++)); do echo "connect c$i application_name=c$i"; done
		for ((i = 1; i <= n; i++)); do echo "listen c$i jobs a$i"; done
	} >"$TMP/file"
	for times in 1 6; do
		mkfifo "$TMP/ready.$n.$times"
		valgrind -q --tool=callgrind --callgrind-out-file="$TMP/spent" \
			"$PGWAIT" -v --config "$TMP/file" --ready-fd 9 >"$OUT" 2>"$ERR" 9>"$TMP/ready.$n.$times" 3>&- &
		PID=$!
		read -r -t "$((DEADLINE * 2))" _ <"$TMP/ready.$n.$times"
		for ((i = 1; i <= times; i++)); do
			kill -HUP "$PID"
			wait_for read_again "$i"
		done
		kill "$PID"
		DEADLINE=$((DEADLINE * 2)) wait_for gone "$PID"
		costs+=("$(total "$TMP/spent")")
	done
	cost=$((costs[1] - costs[0]))
}

read_again() {
	(($(grep -c ' again$' "$ERR") >= $1))
}

@test "growth: to read a file again that has not changed" {
	local few
	reloads 50
	few=$cost
	reloads 500
	grows_with connections 50 "$few" 500 "$cost"
}

# queued N: sets `cost` of a run in which so many notifications wait for a command.
queued() {
	local ready=$TMP/ready.$RANDOM
	mkfifo "$ready"
	valgrind -q --tool=callgrind --callgrind-out-file="$TMP/spent" \
		"$PGWAIT" --notify-cmd "echo >>'$TMP/begun'; exec sleep 1000" --stats --ready-fd 9 cost >"$OUT" 2>"$ERR" 9>"$ready" 3>&- &
	PID=$!
	read -r -t "$((DEADLINE * 2))" _ <"$ready"
	sql -c "SELECT count(pg_notify('cost', lpad(i::text, 60, 'x'))) FROM generate_series(1, $1) i" >/dev/null
	wait_for all_read
	kill "$PID"
	wait_for signals_taken "$PID"
	kill "$PID"
	DEADLINE=$((DEADLINE * 2)) wait_for gone "$PID"
	[[ $(grep -o '[0-9]* notifications* ' "$ERR" | head -n 1) ]]
	cost=$(total "$TMP/spent")
}

@test "growth: a notification costs the same while 10,000 wait for a command" {
	local costs=() n
	for n in 1 2001 10001 12001; do
		queued "$n"
		costs+=("$cost")
	done
	stays notifications $((costs[1] - costs[0])) $((costs[3] - costs[2]))
}

@test "growth: a row costs the same with 20,000 in the spool, in and out" {
	local costs=() into=() n size
	"$PGWAIT" --help | grep -q -- --spool || skip 'pgwait is built without SQLite'
	for size in 0 20000; do
		rm -f "$TMP/spool"*
		if ((size)); then
			start_pgwait -q -n "$size" --spool "$TMP/spool" cost
			sql -c "SELECT count(pg_notify('cost', lpad(i::text, 60, 'x'))) FROM generate_series(1, $size) i" >/dev/null
			end_pgwait
		fi
		burst --spool "$TMP/spool"
		into+=("$cost")
		for n in 500 2500; do
			costs+=("$(spent --from-spool "$TMP/spool" -n "$n")")
		done
	done
	stays 'rows into the spool' "${into[0]}" "${into[1]}"
	stays 'rows out of the spool' $((costs[1] - costs[0])) $((costs[3] - costs[2]))
}
