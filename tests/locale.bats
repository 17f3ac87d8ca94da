# Output knows no locale: what goes to a pipe is the same, whatever LC_ALL says and whatever the system has.

load helper

@test "a pipe gets the same in every locale" {
	local mode locale
	for mode in '' -0 -j '-f%c\t%e' '-j -0'; do
		for locale in C.UTF-8 C POSIX de_DE.ISO-8859-1 no-such-locale; do
			# shellcheck disable=SC2086 # several options
			env LC_ALL="$locale" "$PGWAIT" -n 3 --ready-fd 9 $mode 'grün' >"$TMP/$locale" 2>"$ERR" 9>"$TMP/ready" 3>&- &
			PID=$!
			wait_for test -s "$TMP/ready"
			sql >/dev/null <<-'END'
				SELECT pg_notify('grün', 'äöü € 😀'), pg_notify('grün', E'\x01\u0085\\ "'), pg_notify('grün', '1.5');
			END
			end_pgwait
			[[ $status -eq 0 ]]
			grep -q 'listening on grün' "$ERR"
			# The notifier's number and the time are others each time.
			sed -i -E 's/"time":"[^"]*"|\b[0-9]{3,}\b//g' "$TMP/$locale"
			cmp "$TMP/C.UTF-8" "$TMP/$locale"
			rm "$TMP/ready"
		done
	done
}

@test "errors are the same too, and quote what they mean" {
	run_split env LC_ALL=C "$PGWAIT" -t 'fünf' jobs
	[[ $status -eq 1 && $errors == *'"fünf"'* && -z $output ]]
}

@test "--check and a catch-up without a locale" {
	run_split env LC_ALL=C "$PGWAIT" --check
	[[ $status -eq 0 && $output == *'notifications get through'* ]]
	run_split env LC_ALL=C "$PGWAIT" -q -t 0 --catchup-sql "SELECT 'grün', 'ä'" 'grün'
	[[ $status -eq 0 && $output == $'grün\tä\t0' ]]
}
