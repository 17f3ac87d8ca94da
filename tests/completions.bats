# The completions, in the shells that they are for: a command line is typed, and TAB is pressed. That they have the
# options of --help is in tests/docs.bats.

load helper
load screen

completions=$top_srcdir/completions

setup() {
	export HOME=$TMP/home XDG_CONFIG_HOME=$TMP/home XDG_DATA_HOME=$TMP/home
	export TMP PGSERVICEFILE=$TMP/services PGSYSCONFDIR=$TMP/system completions TERM=screen-256color
	mkdir "$HOME" "$PGSYSCONFDIR" "$TMP/here" "$TMP/bin"
	printf '# mine\n[billing]\nhost=x\n  [archive]\n[two words]\n' >"$PGSERVICEFILE"
	printf '[of-all]\ndbname=x\n' >"$PGSYSCONFDIR/pg_service.conf"
	printf '[of-home]\ndbname=x\n' >"$HOME/.pg_service.conf"
	touch "$TMP/here/jobs.conf"
	printf '#!/bin/sh\n' >"$TMP/bin/handle-every-job"
	chmod +x "$TMP/bin/handle-every-job"
	PATH=$TMP/bin:$PATH
	cd "$TMP/here" || return
}

need() {
	type -P "$1" >/dev/null || skip "$1 is not installed"
}

# --- bash

start_bash() {
	need tmux
	cat >"$TMP/bashrc" <<-'END'
		PS1='ready> '
		source "$completions/pgwait"
		bind -x '"\C-xd": printf "%s\n" "$READLINE_LINE" >"$TMP/line.new"; mv "$TMP/line.new" "$TMP/line"' 2>/dev/null
	END
	start_screen 100 "exec bash --noprofile --rcfile '$TMP/bashrc' -i"
	wait_for shows '^ready>'
}

type_bash() {
	t send-keys -l -- "$1"
	t send-keys Tab C-x d
	wait_for test -e "$TMP/line"
	t send-keys C-e C-u
}

# --- zsh, in a terminal of its own module

type_zsh() {
	zsh -fs - "$1" 3>&- 4>&- <<-'END'
		zmodload zsh/zpty
		zpty shell "TERM=vt100 PS1='ready> ' zsh -fi"
		# Nothing is typed before the shell reads it with its own editor.
		zpty -r shell seen '*ready> *' || exit
		zpty -w shell 'fpath=($completions $fpath); autoload -Uz compinit; compinit -C -d $BATS_FILE_TMPDIR/compdump'
		zpty -w shell 'line() { print -r -- "$BUFFER" >$TMP/line.new; mv $TMP/line.new $TMP/line }'
		zpty -w shell 'zle -N line; bindkey "^Xd" line; bindkey "^I" complete-word; PS1="go""on> "'
		zpty -r shell seen '*goon> *' || exit
		zpty -wn shell "$1"$'\t\C-xd'
		end=$((SECONDS + ${DEADLINE:-60}))
		while [[ ! -e $TMP/line ]] && ((SECONDS < end)); do
			zpty -rt shell seen || sleep 0.02
		done
		zpty -d shell
	END
}

# --- fish: it has a command that says what TAB would offer

type_fish() {
	local offered
	fish --no-config -c 'source $completions/pgwait.fish; complete -C $argv[1]' "$1" </dev/null 3>&- >"$TMP/offered"
	offered=$(cut -f1 <"$TMP/offered")
	# "pgwait -d ", and what replaces the word
	printf '%s%s\n' "${1%"${1##* }"}" "${offered:-${1##* }}" >"$TMP/line"
}

# becomes LINE COMPLETED: what stands there after TAB, without a space at its end.
becomes() {
	rm -f "$TMP/line"
	"type_$shell" "$1"
	line=$(sed 's/ *$//' "$TMP/line")
	[[ $line == "$2" ]] || {
		printf '%s: "%s" became "%s", and not "%s"\n' "$shell" "$1" "$line" "$2"
		return 1
	}
}

# What all shells do.
complete_all() {
	becomes 'pgwait --idle-r' 'pgwait --idle-restart'
	becomes 'pgwait --reconnect n' 'pgwait --reconnect never'
	becomes 'pgwait --reconnect=al' 'pgwait --reconnect=always'
	becomes 'pgwait --overflow d' 'pgwait --overflow drop'
	becomes 'pgwait --color au' 'pgwait --color auto'
	becomes 'pgwait jobs service=bil' 'pgwait jobs service=billing'
	becomes 'pgwait service=arc' 'pgwait service=archive'
	becomes 'pgwait service=of-' 'pgwait service=of-all'
	becomes 'pgwait -d service=bil' 'pgwait -d service=billing'
	becomes 'pgwait --dbname=service=bil' 'pgwait --dbname=service=billing'
	becomes 'pgwait -d postg' 'pgwait -d postgres'
	becomes 'pgwait --config job' 'pgwait --config jobs.conf'
	becomes 'pgwait --control job' 'pgwait --control jobs.conf'
	becomes 'pgwait --notify-cmd handle-ev' 'pgwait --notify-cmd handle-every-job'
	becomes 'pgwait --lost-cmd handle-ev' 'pgwait --lost-cmd handle-every-job'
	becomes 'pgwait jo' 'pgwait jo'
	becomes 'pgwait --port bil' 'pgwait --port bil'
}

@test "bash: TAB completes options, words, services, files and commands" {
	shell=bash
	start_bash
	complete_all
	becomes "pgwait 'service=bil" "pgwait 'service=billing'"
	becomes "pgwait --batch-cmd 'handle-ev" "pgwait --batch-cmd 'handle-every-job'"
	becomes 'pgwait bil' 'pgwait bil'
	t send-keys -l 'COMP_WORDBREAKS=${COMP_WORDBREAKS//=}'
	t send-keys Enter
	becomes 'pgwait service=bil' 'pgwait service=billing'
	becomes 'pgwait --dbname=service=bil' 'pgwait --dbname=service=billing'
	becomes 'pgwait --color=ne' 'pgwait --color=never'
}

@test "zsh: TAB completes options, words, services, files and commands" {
	need zsh
	shell=zsh
	complete_all
}

@test "fish: completes options, words, services, files and commands" {
	need fish
	shell=fish
	complete_all
}

# --- What is offered, in bash by a call of the function as bash makes it

# offer_bash WORD...: what is offered for the last of these words of a command line.
offer_bash() {
	bash --norc --noprofile -c '
		if [[ $1 == with && -r /usr/share/bash-completion/bash_completion ]]; then
			source /usr/share/bash-completion/bash_completion
		fi
		source "$completions/pgwait"
		shift
		function_name=$(complete -p pgwait)
		[[ $function_name == *"-F _pgwait "* ]]
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
		_pgwait pgwait "${!#}" "${@: -2:1}"
		printf "%s\n" "${COMPREPLY[@]}"' - "$with" "$@" 3>&-
}

@test "bash: all that can follow is offered, with and without bash-completion" {
	for with in with without; do
		[ "$(offer_bash pgwait --ti)" = --timeout ]
		[ "$(offer_bash pgwait --reconnect '')" = $'lost\nalways\nnever' ]
		[ "$(offer_bash pgwait --reconnect = a)" = always ]
		[ "$(offer_bash pgwait --color '')" = $'auto\nalways\nnever' ]
		[ "$(offer_bash pgwait --overflow '')" = $'block\ndrop\nexit' ]
		[ "$(offer_bash pgwait service =)" = $'archive\nbilling\nof-all' ]
		[ "$(offer_bash pgwait jobs '')" = $'service=archive\nservice=billing\nservice=of-all' ]
		[ "$(offer_bash pgwait -d service = b)" = billing ]
		[ "$(offer_bash pgwait --dbname = postg)" = postgres ]
		[ "$(offer_bash pgwait --catchup-sql '')" = '' ]
	done
}

@test "without PGSERVICEFILE the services are those of the home directory" {
	unset PGSERVICEFILE
	with=without
	[ "$(offer_bash pgwait service = of-h)" = of-home ]
	shell=fish
	! type -P fish >/dev/null || becomes 'pgwait service=of-h' 'pgwait service=of-home'
	shell=zsh
	! type -P zsh >/dev/null || becomes 'pgwait service=of-h' 'pgwait service=of-home'
}

@test "without PGSYSCONFDIR the services of the system are those of pg_config --sysconfdir" {
	unset PGSYSCONFDIR
	mkdir "$TMP/etc"
	printf '[from-etc]\ndbname=x\n' >"$TMP/etc/pg_service.conf"
	printf '#!/bin/sh\n[ "$1" = --sysconfdir ] && echo "%s"\n' "$TMP/etc" >"$TMP/bin/pg_config"
	chmod +x "$TMP/bin/pg_config"
	with=without
	[ "$(offer_bash pgwait service = from)" = from-etc ]
	shell=fish
	! type -P fish >/dev/null || becomes 'pgwait service=from' 'pgwait service=from-etc'
	shell=zsh
	! type -P zsh >/dev/null || becomes 'pgwait service=from' 'pgwait service=from-etc'
}

# An option that is forgotten in the completion would have its argument taken for an operand.
@test "no service is offered where an option has another argument" {
	with=without
	"$PGWAIT" --help | sed -nE 's/^  (-.,)? +(--[a-z-]+) [A-Z].*/\2/p' | grep -vx -e --dbname >"$TMP/valued"
	[ "$(wc -l <"$TMP/valued")" -ge 20 ]
	while read -r option; do
		run offer_bash pgwait "$option" serv
		[[ $output != *service=* ]]
		if type -P fish >/dev/null; then
			type_fish "pgwait $option serv"
			run -1 grep service= "$TMP/line"
		fi
	done <"$TMP/valued"
}

@test "a service that is offered is one that pgwait finds" {
	printf '[billing]\nhost=%s\nport=%s\ndbname=postgres\n' "$PGHOST" "$PGPORT" >"$PGSERVICEFILE"
	with=without
	offered=$(offer_bash pgwait bil service = b)
	start_pgwait "service=$offered" jobs
	kill "$PID"
	end_pgwait
	[ "$status" -eq 0 ]
}
