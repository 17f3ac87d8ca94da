# One system call, or one allocation, that fails (tests/faults.c): pgwait goes on, or says so and ends.
#
# Each run has the next call fail, until a run makes fewer. FAULT_STRIDE=1 tries every allocation.

load helper

setup() {
	needs_faults
	FAULTS=$TMP/faults.so
	# The build of tools/coverage writes what it counted, at the end, with memory of its own.
	! grep -qF .gcda "$PGWAIT" || skip 'pgwait is built with --enable-coverage'
	FAULT_LOG=$TMP/fault
	export FAULT_LOG
	if [[ ${PGWAIT_SANITIZERS:-no} != no ]]; then
		export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
	fi
}

# What is there before each run.
prepare() {
	:
}

# run_faulty FAULT: the program with `arguments`; 137 is the status of one that hangs.
run_faulty() {
	rm -f "$FAULT_LOG" "${RAN-}"
	prepare
	export RAN=$TMP/ran.$((++run)) # a command of the run before may still be at work
	status=0
	timeout -s KILL "$DEADLINE" env FAULT="$1" LD_PRELOAD="$FAULTS" "$PGWAIT" "${arguments[@]}" \
		>"$OUT" 2>"$ERR" </dev/null 3>&- || status=$?
}

wrong() { # TEXT
	echo "$fault, ${arguments[*]}: $1 (status $status)"
	echo '--- standard output:'
	cat "$OUT"
	echo '--- standard error:'
	cat "$ERR"
	echo '--- the call that failed:'
	cat "$FAULT_LOG"
	return 1
}

# A notification for which libpq finds no memory is dropped by it (getNotify()), and it tells nobody.
dropped_by_libpq() {
	[[ $fault == libpq_memory:* ]] && grep -qE 'PQ(notifies|isBusy|getResult)' "$FAULT_LOG"
}

# libpq 16 crashes by itself where it finds no memory for the list of a connection's hosts (freePGconn()); 17 does not.
crashed_by_libpq() {
	[[ $status == 139 && $fault == libpq_memory:* ]] && ! libpq_before 16 && libpq_before 17 &&
		grep -qF 'calloc' "$FAULT_LOG" && grep -qF 'PQconnectStartParams' "$FAULT_LOG"
}

explained() {
	[[ -s $ERR ]]
}

# Whatever fails: no crash, no hang, and no silence about what is missing.
judge() {
	case $status in
		0) complete || [[ -s $ERR ]] || dropped_by_libpq || wrong 'something is missing, and nothing says so' ;;
		1 | 2 | 3 | 124) explained || wrong 'an end without a reason' ;;
		137) wrong "it was still running after $DEADLINE s" ;;
		*) crashed_by_libpq || wrong 'an unexpected status' ;;
	esac
}

# each FUNCTION STRIDE [+]: the Nth call fails (and all after it), for every STRIDE-th N.
each() {
	local function=$1 stride=${FAULT_STRIDE:-$2} n reached=0 runs=0 begun=$SECONDS
	for ((n = 1; ; n += stride)); do
		fault=$function:$n${3-}
		run_faulty "$fault"
		[[ -s $FAULT_LOG ]] || break
		reached=$n runs=$((runs + 1))
		judge || ${FAULT_GO_ON:-return 1}
	done
	[[ $status == 0 && ! -s $ERR ]] && complete || wrong 'a run without a fault failed'
	echo "# $function${3-}: $runs of $reached calls, $((SECONDS - begun)) s" >&3
	((reached > 0))
}

# Five notifications, of the many that are sent, to standard output and a command.
receive() {
	arguments=(-q -n 5 -m 20 --print --notify-cmd 'cat >>"$RAN"; echo >>"$RAN"' jobs)
	sql -c 'CREATE SEQUENCE IF NOT EXISTS feed' >/dev/null
	psql -qAtX >/dev/null 2>&1 3>&- 4>&- <<<"SELECT pg_notify('jobs', nextval('feed')::text) \\watch 0.01" &
	feeder=$!
	complete() {
		local payloads
		payloads=$(cut -f 2 "$OUT")
		[[ $(wc -l <<<"$payloads") == 5 && $payloads == "$(seq "$(head -n 1 <<<"$payloads")" "$(tail -n 1 <<<"$payloads")")" ]] &&
			[[ $payloads == "$(cat "$RAN")" ]]
	}
}

# What cron runs: catch up, drain, end; with a name that has to be resolved.
drain() {
	arguments=(-t 0 -j --events --exclusive drain --print --batch-cmd 'wc -l >>"$RAN"'
		--catchup-sql "SELECT 'jobs', i::text FROM generate_series(1, 5) i" host=localhost jobs)
	complete() {
		[[ $(jq -r '.payload // .event' "$OUT" | tr '\n' ' ') =~ listening.*'1 2 3 4 5'.*caught_up ]] && [[ $(cat "$RAN") == 5 ]]
	}
}

# Into a spool, with a command that is told of each. What it was told of is committed, whatever fails after that.
append() {
	receive
	arguments=(-q -n 5 -m 20 --spool "$TMP/spool" --notify-cmd 'cat >>"$RAN"; echo >>"$RAN"' jobs)
	prepare() { rm -f "$TMP/spool"*; }
	in_spool() { sqlite3 -batch "$TMP/spool" 'SELECT payload FROM record ORDER BY id'; }
	complete() {
		[[ $(wc -l <"$RAN") == 5 && $(cat "$RAN") == "$(in_spool)" ]]
	}
	explained() {
		[[ -s $ERR && ! -e $RAN ]] || { [[ -s $ERR ]] && ! grep -qvxFf <(in_spool) "$RAN"; }
	}
}

# Out of a spool that was not closed. What is neither there nor written is lost.
take() {
	sqlite3 -batch "$TMP/full" >/dev/null <<-END
		PRAGMA application_id = 1885828980; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;
		CREATE TABLE record (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, time INTEGER NOT NULL, connection TEXT,
			channel TEXT, payload, encoding TEXT, pid INTEGER, since INTEGER, gap INTEGER, count INTEGER);
		INSERT INTO record (kind, time, connection, channel, payload, pid)
			WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT 'notification', i, 'here', 'jobs', i, 1 FROM n;
	END
	arguments=(--from-spool "$TMP/spool" -f %p)
	prepare() {
		rm -f "$TMP/spool"*
		install -m 600 "$TMP/full" "$TMP/spool"
	}
	left() { sqlite3 -batch "$TMP/spool" 'SELECT payload FROM record'; }
	complete() { cmp "$OUT" <(seq 9) && [[ ! $(left) ]]; }
	explained() { [[ -s $ERR ]] && cmp <(seq 9) <(sort -nu <(left) "$OUT"); }
}

examine() {
	arguments=(--check)
	complete() { [[ $(cat "$OUT") == *'notifications get through'* ]]; }
	explained() { [[ -s $ERR || -s $OUT ]]; } # a report is its output
}

@test "memory" {
	receive
	each memory 29
	each memory 97 +
}

@test "memory of libpq" {
	receive
	each libpq_memory 5
}

@test "memory: drain" {
	# It leaves out the Kerberos library, libgssapi_krb5, which crashes without memory (gss_indicate_mechs(), as libpq
	# calls it for a host that is no socket; since 1.21).
	export PGGSSENCMODE=disable
	drain
	each memory 71
	each libpq_memory 13
}

@test "system calls" {
	receive
	for function in write send recv pipe socket connect epoll_create1 epoll_ctl epoll_wait fork open close; do
		each $function 1
	done
}

@test "system calls: drain" {
	drain
	for function in write send recv pipe socket connect epoll_ctl epoll_wait fork open close getaddrinfo pthread_create; do
		each $function 1
	done
}

with_sqlite() {
	"$PGWAIT" --help | grep -q -- --spool || skip 'pgwait is built without SQLite'
}

@test "into a spool" {
	with_sqlite
	append
	for function in pwrite pread sync open close; do
		each $function 2
	done
	for function in pwrite pread sync; do
		each $function 9 +
	done
	each memory 97
	each memory 197 +
}

@test "out of a spool" {
	with_sqlite
	take
	for function in pwrite pread sync open close; do
		each $function 1
		each $function 3 +
	done
	each memory 29
	each memory 97 +
}

@test "a line on standard error that could not be written is told as soon as one can" {
	arguments=(--nonsense)
	run_faulty write:1
	[[ $status -eq 1 && $(head -n 1 "$ERR") == 'pgwait: warning: 1 line is missing here: standard error did not take it' ]]
}

@test "the doctor" {
	examine
	for function in pipe socket epoll_create1 epoll_ctl epoll_wait; do
		each $function 1
	done
	each memory 61
}
