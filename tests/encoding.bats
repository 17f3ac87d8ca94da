# Databases in other encodings: UTF-8 comes out, and no payload ends a session.

load helper

setup_file() {
	for encoding in UTF8 SQL_ASCII LATIN1 WIN1252 EUC_JP; do
		createdb -E "$encoding" -T template0 --locale=C "db_${encoding,,}"
	done
}

# send DATABASE CHANNEL HEX: these very bytes, converted by nobody.
send() {
	PGCLIENTENCODING=SQL_ASCII sql -d "$1" >/dev/null <<<"SELECT pg_notify('$2', E'$(sed 's/../\\x&/g' <<<"$3")')"
}

@test "UTF8, LATIN1, WIN1252 and EUC_JP come out as UTF-8, the last notification too" {
	start_pgwait -n 5 -f '%d %e' dbname=db_utf8 dbname=db_latin1 dbname=db_win1252 dbname=db_euc_jp jobs
	PGCLIENTENCODING=UTF8 notify jobs 'é' -d db_utf8
	PGCLIENTENCODING=UTF8 notify jobs 'é' -d db_latin1
	PGCLIENTENCODING=UTF8 notify jobs '€' -d db_win1252
	PGCLIENTENCODING=UTF8 notify jobs '日本' -d db_euc_jp
	wait_for lines "$OUT" 4
	notify jobs end -d db_utf8
	end_pgwait
	at=@$PGHOST:$PGPORT
	[[ $(sort "$OUT") == "$(printf '%s\n' "db_euc_jp$at 日本" "db_latin1$at é" "db_utf8$at end" "db_utf8$at é" \
		"db_win1252$at €" | sort)" ]]
}

@test "-0 and JSON are UTF-8 as well" {
	start_pgwait -0 -n 1 dbname=db_latin1 jobs
	send db_latin1 jobs e9
	end_pgwait
	[[ $(tr '\0' ' ' <"$OUT") == "jobs é "* ]]
	start_pgwait -j -n 1 dbname=db_latin1 jobs
	send db_latin1 jobs e922
	end_pgwait
	[[ $(jq -r .payload "$OUT") == 'é"' && $(jq 'has("payload_base64")' "$OUT") == false ]]
}

@test "bytes without a meaning stay as they are: SQL_ASCII, WIN1252, EUC_JP" {
	start_pgwait -n 3 -f '%e' dbname=db_sql_ascii dbname=db_win1252 dbname=db_euc_jp jobs
	send db_sql_ascii jobs 61ff62
	wait_for lines "$OUT" 1
	send db_win1252 jobs 618162
	wait_for lines "$OUT" 2
	notify jobs end -d db_euc_jp
	end_pgwait
	[[ $(<"$OUT") == $'a\\xffb\na\\x81b\nend' ]]
}

@test "poison payloads end nothing, whatever encoding the client asks for" {
	PGCLIENTENCODING=UTF8 start_pgwait -n 4 -j "dbname=db_sql_ascii client_encoding=UTF8" \
		"dbname=db_win1252 client_encoding=LATIN1" jobs
	send db_sql_ascii jobs ff
	send db_win1252 jobs 81
	wait_for lines "$OUT" 2
	send db_sql_ascii jobs 61
	send db_win1252 jobs 62
	end_pgwait
	[[ $status -eq 0 ]]
	[[ $(jq -r 'select(.connection | startswith("db_sql")) | .payload_base64' "$OUT" | head -n 1) == /w== ]]
	[[ $(jq -r 'select(.connection | startswith("db_win")) | .payload_base64' "$OUT" | head -n 1) == gQ== ]]
	[[ $(jq -r .payload "$OUT" | sort | tail -n 2 | tr -d '\n') == *'�'* ]]
}

@test "channel names in the server's encoding" {
	start_pgwait -n 2 -f '%c' dbname=db_latin1 café dbname=db_euc_jp 日本
	PGCLIENTENCODING=UTF8 notify café '' -d db_latin1
	wait_for lines "$OUT" 1
	PGCLIENTENCODING=UTF8 notify 日本 '' -d db_euc_jp
	end_pgwait
	[[ $(<"$OUT") == $'café\n日本' ]]
}

@test "a channel name that the server's encoding does not have" {
	run_split "$PGWAIT" -t 0 dbname=db_latin1 日本
	[[ $status -eq 3 && $output == '' ]]
	[[ $errors == *'channel "日本" cannot be a name in the server'\''s encoding LATIN1'* ]]
}

@test "a channel name is measured in the server's encoding too" {
	# 32 characters of two bytes in UTF-8 are too long; 31 are not.
	name=$(printf 'é%.0s' {1..32})
	run_split "$PGWAIT" -t 0 dbname=db_latin1 "$name"
	[[ $status -eq 1 ]]
	run_split "$PGWAIT" -t 0 dbname=db_latin1 "${name#é}"
	[[ $status -eq 0 ]]
}
