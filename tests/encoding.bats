#!/usr/bin/env bats
# Databases in other encodings: text comes out as UTF-8, and no payload ends pgwait.

load helper

setup_file() {
	local encoding
	for encoding in UTF8 SQL_ASCII LATIN1 LATIN9 WIN1252 WIN1255 WIN1258 KOI8R EUC_JP EUC_KR EUC_CN EUC_TW \
		EUC_JIS_2004 $(server_before 19 && echo MULE_INTERNAL); do
		sql -c "CREATE DATABASE \"$encoding\" ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
	done
}

has() {
	[[ $1 == *"$2"* ]] || {
		printf 'expected: %s\nin: %s\n' "$2" "$1"
		return 1
	}
}

# In these tests text goes to the server in UTF-8, whatever the database has.
text() {
	PGCLIENTENCODING=UTF8 notify "$2" "$3" -d "$1"
}

# bytes DATABASE CHANNEL HEX: exactly these, as far as the server knows them to be its own.
bytes() {
	sql -d "$1" -c "SELECT pg_notify('$2', convert_from('\\x$3', getdatabaseencoding()))" >/dev/null
}

hex() {
	od -An -v -tx1 "$@" | tr -d ' \n'
}

@test "text arrives as UTF-8" {
	local row db payload
	while IFS='|' read -r db payload; do
		start_pgwait -d "$db" -n 1 -f %p jobs
		text "$db" jobs "$payload"
		end_pgwait
		echo "$db: $(<"$OUT")"
		[[ $status -eq 0 && $(<"$OUT") == "$payload" ]]
	done <<-'END'
		UTF8|Größe € 漢字 😀
		SQL_ASCII|Größe € 漢字 😀
		LATIN1|Größe ÿ ÀÉ
		LATIN9|Größe €
		WIN1252|Größe € „Zitat“ – ™
		EUC_JP|日本語 テスト ｱｲｳ ～ ∥ － ￠ ￡ ￢ ① 丂 ascii
		EUC_KR|한국어 ascii
		EUC_CN|汉语 ascii
		EUC_TW|漢語 鍼 ascii
		EUC_JIS_2004|日本語 か゚ ① ascii
		KOI8R|Привет
	END
}

@test "every character of a one-byte encoding is as the server has it" {
	local db
	for db in LATIN1 LATIN9 KOI8R WIN1252; do
		start_pgwait -d "$db" -f %p jobs end
		# What the server itself calls them, where it can convert them at all.
		PGCLIENTENCODING=UTF8 sql -d "$db" >"$TMP/expected" <<-'END'
			CREATE FUNCTION pg_temp.can(b bytea) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
				PERFORM convert(b, getdatabaseencoding(), 'UTF8'); RETURN true;
			EXCEPTION WHEN OTHERS THEN RETURN false; END $$;
			SELECT convert_from(set_byte('\x00', 0, i), getdatabaseencoding()) FROM generate_series(160, 255) i
				WHERE pg_temp.can(set_byte('\x00', 0, i));
		END
		PGCLIENTENCODING=UTF8 sql -d "$db" >/dev/null <<-'END'
			SELECT pg_notify('jobs', convert_from(set_byte('\x00', 0, i), getdatabaseencoding()))
				FROM generate_series(160, 255) i;
			NOTIFY "end"
		END
		wait_for lines "$OUT" 97
		head -n 96 "$OUT" | diff "$TMP/expected" -
		kill "$PID"
		end_pgwait
	done
}

@test "all output modes say the same of converted text" {
	start_pgwait -d LATIN1 -n 1 -f '%c|%p|%e|%l|%j' é
	text LATIN1 é 'ü\'
	end_pgwait
	IFS='|' read -r c p e l j <"$OUT"
	[[ "$c $l" == 'é 3' ]]
	[[ $(cut -d '|' -f 2,3 "$OUT") == 'ü\|ü\\' ]]
	[[ $(cut -d '|' -f 5 "$OUT" | jq -r '.channel + .payload') == 'éü\' ]]
	[[ $(cut -d '|' -f 5 "$OUT") != *base64* ]]
	start_pgwait -d LATIN1 -n 1 -0 é
	text LATIN1 é ü
	end_pgwait
	[[ $(hex "$OUT") == c3a900c3bc00* ]]
}

@test "C1 control characters of a one-byte encoding are escaped as those of UTF-8" {
	start_pgwait -d LATIN1 -n 1 -f %e jobs
	bytes LATIN1 jobs 859b
	end_pgwait
	[[ $(<"$OUT") == '\xc2\x85\xc2\x9b' ]]
}

@test "channel names in UTF-8 work in every encoding" {
	while IFS='|' read -r db channel; do
		start_pgwait -d "$db" -n 1 -f %c ascii "$channel"
		has "$(<"$ERR")" "$channel"
		text "$db" "$channel" x
		end_pgwait
		[[ $status -eq 0 && $(<"$OUT") == "$channel" ]]
	done <<-'END'
		UTF8|Größe漢😀
		SQL_ASCII|Größe漢😀
		LATIN1|Größe
		WIN1252|"€"
		EUC_JP|日本語 テスト
		EUC_KR|한국어
		KOI8R|Привет
	END
}

@test "a channel name of 63 bytes that gets shorter, or longer, in the server's encoding" {
	local name
	printf -v name 'é%.0s' {1..31}
	start_pgwait -d LATIN1 -n 1 -f %c "$name"
	text LATIN1 "$name" x
	end_pgwait
	[[ $(<"$OUT") == "$name" ]]
	# 32 of them would fit into LATIN1, but a name is judged as it is given.
	run_split timeout "$DEADLINE" "$PGWAIT" -d LATIN1 -t 0 "${name}é"
	[[ $status -eq 1 ]]
}

@test "a channel name that the server's encoding cannot have" {
	while IFS='|' read -r db channel; do
		run_split timeout "$DEADLINE" "$PGWAIT" -d "$db" jobs "$channel"
		echo "$status: $errors"
		[[ $status -eq 3 && -z $output ]]
		has "$errors" "pgwait: error: "
		has "$errors" "\"$channel\""
		has "$errors" "$db"
	done <<-'END'
		LATIN1|漢
		LATIN1|€
		LATIN1|’
		WIN1252|Ω
		EUC_JP|😀
		KOI8R|é
	END
}

@test "payloads that the server cannot convert to UTF-8 end nothing" {
	local i=0
	while IFS='|' read -r db hex text base64; do
		for setup in '' env conninfo options; do
			case $setup in
			env) PGCLIENTENCODING=UTF8 start_pgwait -d "$db" -n 3 -f '%e %j' jobs ;;
			conninfo) start_pgwait -d "dbname=$db client_encoding=UTF8" -n 3 -f '%e %j' jobs ;;
			options) PGOPTIONS='-c client_encoding=UTF8' start_pgwait -d "$db" -n 3 -f '%e %j' jobs ;;
			*) start_pgwait -d "$db" -n 3 -f '%e %j' jobs ;;
			esac
			sql -d "$db" -c "SELECT pg_notify('jobs', p) FROM unnest(ARRAY['before',
				convert_from('\\x$hex', getdatabaseencoding()), 'after']) p" >/dev/null
			end_pgwait
			echo "$db $setup: $status $(<"$ERR") $(<"$OUT")"
			[[ $status -eq 0 ]]
			[[ $(cut -d ' ' -f 1 "$OUT" | tr '\n' ' ') == "before $text after " ]]
			[[ $(sed -n '2s/^[^ ]* //p' "$OUT" | jq -r '.payload_base64 // ""' | base64 -d | hex) == "$hex" ]]
			iconv -f UTF-8 -t UTF-8 "$OUT" >/dev/null
		done
	done <<-'END'
		SQL_ASCII|61ff62|a\xffb
		SQL_ASCII|c3a9ff|é\xff
		WIN1252|618162|a\x81b
		WIN1252|e981|é\x81
	END
}

@test "two bytes without a meaning are no character of UTF-8" {
	# C9 A1 is user-defined in EUC_KR, and would be U+0261.
	start_pgwait -d EUC_KR -n 1 -f '%e %j' jobs
	bytes EUC_KR jobs 41c9a142
	end_pgwait
	cat "$OUT"
	[[ $(cut -d ' ' -f 1 "$OUT") == 'A\xc9\xa1B' ]]
	[[ $(cut -d ' ' -f 2 "$OUT" | jq -r .payload) == $'A\ufffd\ufffdB' ]]
	[[ $(cut -d ' ' -f 2 "$OUT" | jq -r .payload_base64 | base64 -d | hex) == 41c9a142 ]]
	# Row 110 of JIS X 0212 is empty: 8F EE A1, then a space A1 A1. EE A1 A1 would be U+E861.
	start_pgwait -d EUC_JP -n 1 -f '%e %j' jobs
	bytes EUC_JP jobs 8feea1a1a1
	end_pgwait
	cat "$OUT"
	[[ $(cut -d ' ' -f 1 "$OUT") != *$'\xee\xa1\xa1'* ]]
	[[ $(cut -d ' ' -f 2 "$OUT" | jq -r .payload_base64 | base64 -d | hex) == 8feea1a1a1 ]]
	# In WIN1252, of 81 8D 8F 90 9D none begins a character of UTF-8; e2 (â) 81 is no part of one either.
	start_pgwait -d WIN1252 -n 1 -f %e jobs
	bytes WIN1252 jobs e2818dc39d
	end_pgwait
	[[ $(<"$OUT") == 'â\x81\x8dÃ\x9d' ]]
}

@test "after an unknown character conversion goes on at the next one" {
	local db hex text
	while IFS='|' read -r db hex text; do
		start_pgwait -d "$db" -n 1 -f '%e %j' jobs
		bytes "$db" jobs "$hex"
		end_pgwait
		echo "$db: $(<"$OUT")"
		[[ $(cut -d ' ' -f 1 "$OUT") == "$text" ]]
		[[ $(cut -d ' ' -f 2 "$OUT" | jq -r .payload_base64 | base64 -d | hex) == "$hex" ]]
	done <<-'END'
		EUC_JP|8feea1c6fc|\x8f\xee\xa1日
		EUC_JP|a9a1c6fc41|\xa9\xa1日A
		EUC_JIS_2004|8fa2a1c6fc|\x8f\xa2\xa1日
		EUC_KR|c9a1c7d1|\xc9\xa1한
		EUC_CN|aaa1baba|\xaa\xa1汉
		EUC_TW|8ea2fefee9c7|\x8e\xa2\xfe\xfe漢
		EUC_TW|c2fec2fee9c7|\xc2\xfe\xc2\xfe漢
	END
}

@test "a letter and its accent are not made one where the server does not" {
	start_pgwait -d WIN1258 -n 1 -f %p jobs
	bytes WIN1258 jobs 61cc62d5
	end_pgwait
	[[ $(hex "$OUT") == 61cc8062c6a00a ]]
	start_pgwait -d WIN1255 -n 1 -f %p jobs
	bytes WIN1255 jobs f9d1e0c7
	end_pgwait
	[[ $(<"$OUT") == $'\u05e9\u05c1\u05d0\u05b7' ]]
}

@test "every character of EUC encodings is as the server has it" {
	local db
	for db in EUC_JP EUC_KR EUC_CN EUC_TW; do
		# A payload for each row of the table of two bytes, and of three in EUC_JP.
		PGCLIENTENCODING=UTF8 sql -d "$db" >"$TMP/expected" <<-'END'
			CREATE TEMP TABLE cell AS
				SELECT prefix, i, j, prefix || set_byte(set_byte('\x0000', 0, i), 1, j) AS bytes
				FROM unnest(ARRAY['\x'::bytea, '\x8f']) prefix, generate_series(161, 254) i, generate_series(161, 254) j
				WHERE prefix = '\x' OR getdatabaseencoding() = 'EUC_JP';
			CREATE FUNCTION pg_temp.text(b bytea) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
				PERFORM convert(b, getdatabaseencoding(), 'UTF8'); RETURN convert_from(b, getdatabaseencoding());
			EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$;
			SELECT string_agg(pg_temp.text(bytes), '' ORDER BY j) FROM cell WHERE pg_temp.text(bytes) IS NOT NULL
				GROUP BY prefix, i ORDER BY prefix, i
		END
		start_pgwait -d "$db" -f %p jobs
		PGCLIENTENCODING=UTF8 sql -d "$db" -v ON_ERROR_STOP=1 >/dev/null < <(sed "s/.*/NOTIFY jobs, '&';/" "$TMP/expected")
		wait_for lines "$OUT" "$(wc -l <"$TMP/expected")"
		diff "$TMP/expected" "$OUT"
		kill "$PID"
		end_pgwait
	done
}

@test "a stateful conversion keeps no character back, nor lends one to the next payload" {
	# In WIN1258 an accent may follow its letter.
	start_pgwait -d WIN1258 -n 4 -f '%p' jobs
	sql -d WIN1258 -c "SELECT pg_notify('jobs', convert_from(b, 'WIN1258'))
		FROM unnest(ARRAY['\\x41'::bytea, '\\xcc42', '\\x61', '\\x62']) b" >/dev/null
	end_pgwait
	[[ $status -eq 0 ]]
	[[ $(head -n 1 "$OUT") == A && $(tail -n 1 "$OUT") == b ]]
	[[ $(sed -n 2p "$OUT") == $'\xcc\x80B' ]]
}

@test "an encoding that iconv does not know passes as bytes" {
	server_before 19 || skip 'PostgreSQL 19 has no MULE_INTERNAL, and iconv knows all others'
	start_pgwait -d MULE_INTERNAL -n 2 -f %e jobs
	sql -d MULE_INTERNAL -c 'NOTIFY jobs, $$plain$$' >/dev/null
	bytes MULE_INTERNAL jobs 81e9
	end_pgwait
	[[ $status -eq 0 && $(<"$OUT") == $'plain\n\\x81\\xe9' ]]
}

@test "one process, several encodings" {
	start_pgwait -n 4 -f %p dbname=UTF8 dbname=LATIN1 dbname=SQL_ASCII dbname=EUC_JP jobs
	text UTF8 jobs é1
	text LATIN1 jobs é2
	text SQL_ASCII jobs é3
	text EUC_JP jobs 日4
	end_pgwait
	[[ $(LC_ALL=C sort "$OUT" | tr '\n' ' ') == 'é1 é2 é3 日4 ' ]]
}

@test "the longest payload that grows in conversion" {
	start_pgwait -d LATIN1 -n 1 -f '%l %p' jobs
	sql -d LATIN1 -c "SELECT pg_notify('jobs', repeat(chr(233), 7999))" >/dev/null
	end_pgwait
	[[ $(<"$OUT") == "15998 $(printf 'é%.0s' {1..7999})" ]]
	start_pgwait -d EUC_JP -n 1 -f '%l' jobs
	sql -d EUC_JP -c "SELECT pg_notify('jobs', repeat(convert_from('\\x8eb1', 'EUC_JP'), 3999))" >/dev/null
	end_pgwait
	[[ $(<"$OUT") == 11997 ]]
}
