# fish completion for pgwait

function __pgwait_databases
    set -lx PGCONNECT_TIMEOUT 2
    command -q psql
    and psql -XAtqw -d postgres -c 'SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1' 2>/dev/null
end

# What libpq finds by service=NAME, in the user's file and the system's. Names that need quoting are left out.
function __pgwait_services
    set -l file $PGSERVICEFILE
    test -n "$file"; or set file ~/.pg_service.conf
    set -l directory $PGSYSCONFDIR
    test -n "$directory"; or set directory (pg_config --sysconfdir 2>/dev/null)
    or set directory /etc/postgresql-common
    sed -n 's/^[[:space:]]*\[\([[:alnum:]_.+-]\{1,\}\)\].*/service=\1\tservice/p' $file $directory/pg_service.conf 2>/dev/null
end

complete -c pgwait -f -a '(__pgwait_services)'
complete -c pgwait -s d -l dbname -x -a '(__pgwait_databases; __pgwait_services)' -d 'database name or connection string'
complete -c pgwait -s h -l host -x -a '(__fish_print_hostnames)' -d 'host name or socket directory'
complete -c pgwait -s p -l port -x -d 'port of the server'
complete -c pgwait -s U -l username -x -a '(__fish_complete_users)' -d 'role to connect as'
complete -c pgwait -s w -l no-password -d 'never prompt for a password'
complete -c pgwait -s W -l password -d 'prompt for a password before connecting'
complete -c pgwait -s l -l listen -x -d 'listen on CHANNEL, even if it looks like a CONNINFO'
complete -c pgwait -l reconnect -x -a 'lost always never' -d 'when to reconnect'
complete -c pgwait -l heartbeat -x -d 'send a query every SECS, to notice a dead server'
complete -c pgwait -s n -l count -x -d 'end after N notifications'
complete -c pgwait -s e -l exit-idle -x -d 'end after SECS without a notification'
complete -c pgwait -s m -l max-time -x -d 'end SECS after the start'
complete -c pgwait -s t -l timeout -x -d 'make an idle event every SECS'
complete -c pgwait -l idle-restart -d 'restart the idle timer at every notification'
complete -c pgwait -s j -l json -d 'write one JSON object a line'
complete -c pgwait -s f -l format -x -d 'output format'
complete -c pgwait -s 0 -l null -d 'write channel, payload, pid, each followed by a NUL byte'
complete -c pgwait -l events -d 'write events too, as JSON objects'
complete -c pgwait -l buffer -x -d 'memory for what waits for slow readers and commands'
complete -c pgwait -l color -x -a 'auto always never' -d 'when to use colours'
complete -c pgwait -l overflow -x -a 'block drop exit' -d 'block, drop or exit when the buffer is full'
complete -c pgwait -l spool -r -F -d 'store notifications in FILE, for --from-spool'
complete -c pgwait -l from-spool -r -F -d 'write the notifications in FILE, remove them, and end'
complete -c pgwait -l notify-cmd -x -a '(__fish_complete_command)' -d 'run CMD for each notification, its payload on stdin'
complete -c pgwait -l batch-cmd -x -a '(__fish_complete_command)' -d 'run CMD for all notifications since its last run, on stdin'
complete -c pgwait -l batch-wait -x -d 'have a batch wait SECS for more notifications'
complete -c pgwait -l idle-cmd -x -a '(__fish_complete_command)' -d 'run CMD at each idle event'
complete -c pgwait -l listen-cmd -x -a '(__fish_complete_command)' -d 'run CMD when a connection listens, and when it listens again'
complete -c pgwait -l lost-cmd -x -a '(__fish_complete_command)' -d 'run CMD when a connection is lost'
complete -c pgwait -l cmd-timeout -x -d 'end a command that runs longer than SECS'
complete -c pgwait -l jobs -x -d 'run up to N commands of --notify-cmd at a time'
complete -c pgwait -l catchup-sql -x -d 'write the rows of SQL too whenever pgwait starts to listen'
complete -c pgwait -l work-sql -x -d 'write the rows of SQL whenever there may be some'
complete -c pgwait -l exclusive -x -d 'only one process with this KEY is active, the others wait'
complete -c pgwait -l print -d 'write notifications although a command or the spool gets them'
complete -c pgwait -l control -r -F -d 'take commands from the FIFO PATH, or - for standard input'
complete -c pgwait -l config -r -F -d 'read connections and channels from FILE, and again at SIGHUP'
complete -c pgwait -l ready-fd -x -d 'write a newline to FD once every connection listens'
complete -c pgwait -l check -d 'tell whether notifications get through, and end'
complete -c pgwait -l stats -d 'write a summary to stderr at the end'
complete -c pgwait -l status-file -r -F -d 'keep the status in FILE, as JSON, or as metrics'
complete -c pgwait -s q -l quiet -d 'write errors and warnings only'
complete -c pgwait -s v -l verbose -d 'write more about what pgwait does'
complete -c pgwait -s '?' -l help -d 'show this text'
complete -c pgwait -s V -l version -d 'show the versions of pgwait and its libraries'
