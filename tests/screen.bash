# What is needed of a terminal: tmux, whose screen is looked at. Loaded after helper: load screen

setup() {
	type -P tmux >/dev/null || skip "tmux is not installed"
	export PGWAIT TERM=screen-256color
	unset NO_COLOR
}

clean_up() {
	[[ -z ${BATS_ERROR_STATUS-} || $BATS_ERROR_STATUS == 0 ]] || screen || true
	local i
	for ((i = 1; i <= ${screens-0}; i++)); do
		tmux -S "$TMP/tmux.$i" kill-server 2>/dev/null || true
	done
	cat "$ERR" 2>/dev/null || true
	[[ -z ${PID-} ]] || kill -KILL "$PID" 2>/dev/null || true
}

# Each screen has a server of its own: one that is told to end still has its socket for a while.
t() {
	tmux -u -S "$TMP/tmux.${screens-0}" "$@"
}

# start_screen COLUMNS COMMAND: COMMAND for the shell, in a terminal of that width.
start_screen() {
	screens=$((${screens-0} + 1))
	# One command line: COMMAND may end before a second one is run.
	t -f /dev/null new-session -d -x "$1" -y 24 "$2" \; set-option -g remain-on-exit on 3>&- 4>&-
}

# The screen, without empty lines at its end. 2 where there is none.
screen() {
	local text
	text=$(t capture-pane -p "$@") || return 2
	[[ -z $text ]] || printf '%s\n' "$text"
}

shows() { # REGEX
	local text
	text=$(screen) || return
	grep -qE -- "$1" <<<"$text"
}
