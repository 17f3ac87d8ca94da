# The release tarball, and what packages are made of it. What takes long to install (lintian, rpm, ruby) is not among
# the packages of tools/check, and its tests are skipped there; tools/try-package has it all.

load helper

# A package is built here.
export BATS_TEST_TIMEOUT=600

version=$(sed -nE 's/^AC_INIT\(\[pgwait\], \[([0-9.]+)\].*/\1/p' "$top_srcdir/configure.ac")
packaging=$top_srcdir/packaging
tarball=$BATS_FILE_TMPDIR/pgwait-$version.tar.xz

setup() {
	# This is no part of the make that may have called.
	unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR CC CFLAGS CPPFLAGS LDFLAGS
	export DEB_BUILD_OPTIONS='nocheck parallel=2'
}

need() {
	type -P "$1" >/dev/null || skip "$1 is not installed"
}

# usage: quietly COMMAND...: its output is for its failure only.
quietly() {
	"$@" >"$TMP/log" 2>&1 </dev/null 3>&- || {
		tail -n 25 "$TMP/log"
		return 1
	}
}

make_dist() {
	[[ ! -e $tarball ]] || return 0
	SOURCE_DATE_EPOCH=$(date +%s) quietly make -C "$top_builddir" dist
	cp "$top_builddir/${tarball##*/}" "$tarball"
}

make_deb() {
	need dpkg-buildpackage
	need dh
	run dpkg-checkbuilddeps "$packaging/debian/control"
	[ "$status" -eq 0 ] || skip "$output"
	deb=$BATS_FILE_TMPDIR/deb
	[[ ! -e $deb/made ]] || return 0
	make_dist
	quietly "$top_srcdir/tools/make-deb" "$tarball" "$deb"
	touch "$deb/made"
}

# What `make install` puts below a prefix, but for documents.
installed='bin/pgwait
share/bash-completion/completions/pgwait
share/fish/vendor_completions.d/pgwait.fish
share/man/man1/pgwait.1
share/zsh/site-functions/_pgwait'

files_below() {
	(cd "$1" && find . -type f | sed 's|^\./||; s/\.gz$//' | grep -v '^share/\(doc\|lintian\)/' | sort)
}

@test "all packages have the version of configure.ac" {
	[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]]
	[[ $("$PGWAIT" --version) == "pgwait $version "* ]]
	sed -n 1p "$packaging/debian/changelog" | grep -qE "^pgwait \(${version//./\\.}-[1-9][0-9]*\) "
	grep -qxF "Version:        $version" "$packaging/rpm/pgwait.spec"
	grep -qE "^\* .* - ${version//./\\.}-[1-9][0-9]*\$" "$packaging/rpm/pgwait.spec"
	grep -qE "^  url \".*/pgwait-${version//./\\.}\.tar\.xz\"\$" "$packaging/homebrew/pgwait.rb"
	grep -qxF "pkgver=$version" "$packaging/alpine/APKBUILD"
	grep -qE "^[0-9a-f]{128}  pgwait-${version//./\\.}\.tar\.xz\$" "$packaging/alpine/APKBUILD"
	grep -qE "^## ${version//./\\.} " "$top_srcdir/NEWS.md"
}

@test "the release is built and installed without autoconf and automake" {
	make_dist
	mkdir "$TMP/bin"
	for name in autoconf autoheader autom4te autoreconf aclocal automake {aclocal,automake}-1.{16,17,18}; do
		printf '#!/bin/sh\necho "$0 $*" >>"%s"\nexit 1\n' "$TMP/called" >"$TMP/bin/$name"
	done
	chmod +x "$TMP"/bin/*
	PATH=$TMP/bin:$PATH
	tar -xf "$tarball" -C "$TMP"
	cd "$TMP/pgwait-$version"
	quietly ./configure --prefix=/usr CFLAGS=-O0
	quietly make -j2
	quietly make install DESTDIR="$TMP/root"
	[ ! -e "$TMP/called" ]
	[ "$(files_below "$TMP/root/usr")" = "$installed" ]
	[[ $("$TMP/root/usr/bin/pgwait" --version) == "pgwait $version "* ]]
}

@test "the Debian package is built, and a notification arrives" {
	make_deb
	dpkg -x "$deb/pgwait_$version-1_$(dpkg --print-architecture).deb" "$TMP/root"
	[ "$(files_below "$TMP/root/usr")" = "${installed/site-functions/vendor-completions}" ]
	for file in README.md changelog copyright examples/worker; do
		ls "$TMP/root/usr/share/doc/pgwait/$file"* >/dev/null
	done
	grep -q '^ExecStart=/usr/bin/pgwait ' "$TMP/root/usr/share/doc/pgwait/examples/pgwait.service"
	PATH=$TMP/root/usr/bin:$PATH
	[ "$(type -P pgwait)" = "$TMP/root/usr/bin/pgwait" ]
	run "$packaging/debian/tests/notification"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == "pgwait $version "* && $output == *'received: jobs'* ]]
}

@test "lintian has nothing to say about the Debian package" {
	need lintian
	make_deb
	run lintian --allow-root --pedantic --display-info --fail-on error,warning,info,pedantic "$deb"/*.changes
	echo "$output"
	[ "$status" -eq 0 ]
	# It names the number of overrides, and nothing else.
	run -1 grep -E '^[EWIP]: ' <<<"$output"
}

@test "the RPM package is built, and a notification arrives" {
	need rpmbuild
	need rpm2cpio
	need cpio
	make_dist
	quietly rpmbuild --nodeps -ba --nocheck --define "_topdir $TMP/rpm" --define "_sourcedir $BATS_FILE_TMPDIR" \
		--define '_smp_mflags -j2' "$packaging/rpm/pgwait.spec"
	mkdir "$TMP/root"
	(cd "$TMP/root" && rpm2cpio "$TMP"/rpm/RPMS/*/pgwait-"$version"-1*.rpm | cpio -idm --quiet)
	[ "$(files_below "$TMP/root/usr" | grep -v -e ^lib/ -e ^share/licenses/)" = "$installed" ]
	ls "$TMP"/root/usr/share/licenses/*/LICENSE "$TMP"/root/usr/share/doc/*/{README.md,NEWS.md,examples/worker}
	PATH=$TMP/root/usr/bin:$PATH "$packaging/debian/tests/notification"
}

@test "the Homebrew formula and the APKBUILD are valid, and get a release's checksum" {
	make_dist
	sh -n "$packaging/alpine/APKBUILD"
	from=https://releases.example.org/v/${tarball##*/}
	"$top_srcdir/tools/release-files" "$tarball" "$from" "$TMP/files"
	(
		pkgname='' pkgver='' source='' sha512sums=''
		. "$TMP/files/APKBUILD"
		[ "$pkgname $pkgver $source" = "pgwait $version $from" ]
		cd "$BATS_FILE_TMPDIR"
		grep . <<<"$sha512sums" | sha512sum -c -
		for name in build check package; do
			declare -F "$name"
		done
	)
	grep -qxF "  url \"$from\"" "$TMP/files/pgwait.rb"
	grep -qxF "  sha256 \"$(sha256sum <"$tarball" | cut -d' ' -f1)\"" "$TMP/files/pgwait.rb"
	run -1 grep -E '0{32}' "$TMP/files/pgwait.rb" "$TMP/files/APKBUILD"

	for url in http://x/pgwait-$version.tar.xz https://x/other 'https://x/"/'"${tarball##*/}"; do
		run "$top_srcdir/tools/release-files" "$tarball" "$url" "$TMP/files"
		[ "$status" -eq 1 ]
		[[ $output == *"\"$url\" is no https:// URL"* ]]
	done
}

@test "the Homebrew formula is Ruby" {
	need ruby
	[ "$(ruby -c "$packaging/homebrew/pgwait.rb")" = 'Syntax OK' ]
}

# tools/packages says what building needs; each package says it in its own words.
@test "all packages need the libraries that configure needs" {
	for library in $(sed -nE 's/^ *PGWAIT_LIBRARY\(\[[A-Z]+\], \[([a-z0-9_]+).*/\1/p' "$top_srcdir/configure.ac"); do
		case $library in
			libpq) names=(libpq-dev 'libpq' libpq libpq-dev) ;;
			libevent_core) names=(libevent-dev libevent libevent libevent-dev) ;;
			argtable2) names=(libargtable2-dev argtable2 argtable argtable2-dev) ;;
			sqlite3) names=(libsqlite3-dev sqlite3 sqlite sqlite-dev) ;;
			*)
				echo "the packages do not know $library"
				return 1
				;;
		esac
		grep -qE "^(Build-Depends:)? .*${names[0]}" "$packaging/debian/control"
		grep -qF "pkgconfig(${names[1]})" "$packaging/rpm/pgwait.spec"
		grep -qE "^  (depends_on|uses_from_macos) \"${names[2]}\"" "$packaging/homebrew/pgwait.rb"
		grep -qE "^makedepends=.*\b${names[3]}\b" "$packaging/alpine/APKBUILD"
	done
}

# configure_with MODULE LINE: with this line in the library's file for pkg-config.
configure_with() {
	local file
	mkdir -p "$TMP/pc"
	file=$(pkg-config --variable=pcfiledir "$1")/$1.pc
	sed "s|^${2%%:*}:.*||" "$file" >"$TMP/pc/$1.pc"
	echo "$2" >>"$TMP/pc/$1.pc"
	cd "$TMP" || return
	run env PKG_CONFIG_PATH="$TMP/pc" "$top_srcdir/configure" --without-sqlite
}

@test "configure refuses a library that is too old in one line, and takes one whose own needs are not there" {
	type -P pkg-config >/dev/null || skip 'pkg-config is not installed'
	configure_with libpq 'Version: 13.22'
	[[ $status -eq 1 && ${lines[-1]} == *"error: PostgreSQL's client library (libpq) of version 14 or later is needed: libpq is 13.22" ]]
	configure_with libpq 'Requires.private: no-such-library'
	[[ $status -eq 0 ]]
	grep -qE '^LIBPQ_LIBS = .*-lpq$' "$TMP/Makefile"
}
