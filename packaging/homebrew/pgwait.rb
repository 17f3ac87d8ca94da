# Not tested, neither on macOS nor with brew.
# tools/release-files puts in the url and the sha256 of a release.
class Pgwait < Formula
  desc "Wait for PostgreSQL notifications at the command-line"
  homepage "https://pgwait.example.org/"
  url "https://pgwait.example.org/pgwait-0.1.0.tar.xz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "PostgreSQL"

  depends_on "pkgconf" => :build
  depends_on "argtable"
  depends_on "libevent"
  depends_on "libpq"

  uses_from_macos "sqlite"

  def install
    system "./configure", "--with-bash-completion-dir=#{bash_completion}",
                          "--with-zsh-completion-dir=#{zsh_completion}",
                          *std_configure_args
    system "make", "install"
    pkgshare.install "examples"
  end

  test do
    assert_match "pgwait #{version} ", shell_output("#{bin}/pgwait --version")
    # No server is there: status 2.
    output = shell_output("#{bin}/pgwait --reconnect never #{testpath} jobs 2>&1", 2)
    assert_match "could not connect", output
  end
end
