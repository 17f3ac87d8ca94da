# The inputs that are kept for the fuzz targets.

load helper

setup() {
	corpus=$top_srcdir/tests/fuzz/corpus
}

@test "every fuzz target has inputs, and all of them hold" {
	targets=0
	for directory in "$corpus"/*/; do
		directory=${directory%/}
		target=$top_builddir/tests/fuzz/${directory##*/}
		[[ -x $target ]] || { echo "$directory is of no target"; return 1; }
		"$target" "$directory"/*
		targets=$((targets + 1))
	done
	[[ $targets -eq $(find "$top_builddir/tests/fuzz" -maxdepth 1 -type f -perm -u+x | wc -l) ]]
}
