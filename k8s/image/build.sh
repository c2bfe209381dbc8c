#!/usr/bin/env bash
# Builds the container image `ballast` as a tar, without a daemon, a registry or a base image: Jib puts together a JDK cut by jlink, the
# C library and its kin of this machine, the program and the models. Linux only; the image is of this machine's architecture.
# `./mesh image` calls it after the build. Prints the tar's path.
#   JAVA_HOME  the JDK that is cut      MAVEN  the mvn that has Jib      IMAGE  name and tag, ballast:0.1.0 by default
set -euo pipefail

ROOT=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly ROOT
readonly APP="$ROOT/standalone/target/quarkus-app"
readonly OUT="$ROOT/k8s/target/image"
# what our classes and those of our libraries need, the compiler of programmable rewards, and jcmd for whoever looks into a pod
readonly MODULES=java.se,jdk.attach,jdk.charsets,jdk.compiler,jdk.crypto.ec,jdk.incubator.vector,jdk.jcmd,jdk.jfr,jdk.localedata,jdk.management,jdk.management.agent,jdk.naming.dns,jdk.net,jdk.security.auth,jdk.security.jgss,jdk.unsupported,jdk.zipfs

say() { printf 'image: %s\n' "$*" >&2; }

fail() {
  say "$@"
  exit 1
}

[ "$(uname -s)" = Linux ] || fail "the image has the C library of the machine that builds it, and this is $(uname -s): build it on Linux"
[ -f "$APP/quarkus-run.jar" ] || fail "nothing is built yet: ./mesh build"

# The loader and the libraries that natives look for: of the JDK and of each jar that brings some for this machine.
copy_libraries() { # $1: the root of the image
  local natives="$OUT/natives" jar library
  mkdir -p "$natives"
  for jar in "$APP"/lib/main/*.jar; do
    # shellcheck disable=SC2046 # names in jars have no spaces
    set -- "$1" $(unzip -Z1 "$jar" | grep -E "(linux|Linux)[-_/]*(x86_64|x64|amd64|aarch64|aarch_64).*\.so(\.[0-9]+)*$" || true)
    if [ $# -gt 1 ]; then
      unzip -qqo "$jar" "${@:2}" -d "$natives"
    fi
  done
  # windows and sound are left out; what ldd cannot read is of another architecture
  { find "$natives" "$OUT/java" -type f \( -name '*.so' -o -name '*.so.*' -o -path '*/bin/java' \) \
    -not -name 'libawt_xawt.so' -not -name 'libjawt.so' -not -name 'libsplashscreen.so' -not -name 'libjsound.so' -exec ldd {} + 2>/dev/null || true; } \
    | sed -n 's/.*=> \(\/[^ ]*\) (.*/\1/p; s/^[[:space:]]*\(\/[^ ]*ld-[^ ]*\) (.*/\1/p' | grep -vF "$OUT/" | sort -u >"$OUT/libraries"
  # asked for by name alone, when a host is looked up
  for library in libnss_dns.so.2 libnss_files.so.2 libresolv.so.2; do
    sed -n "s/libc\.so\.6\$/$library/p" "$OUT/libraries"
  done >"$OUT/lookups"
  while IFS= read -r library; do
    mkdir -p "$1${library%/*}"
    cp -L "$library" "$1$library"
  done < <(sort -u "$OUT/libraries" "$OUT/lookups")
  rm -rf "$natives"
}

rm -rf "$OUT"
mkdir -p "$OUT/root/etc" "$OUT/root/usr/lib/locale" "$OUT/app" "$ROOT/k8s/target/classes"
say "cutting a JDK"
"$JAVA_HOME/bin/jlink" --add-modules "$MODULES" --no-header-files --no-man-pages --output "$OUT/java" 2>"$OUT/jlink.log" || fail "jlink: $(tail -n 1 "$OUT/jlink.log")"
copy_libraries "$OUT/root"
[ ! -d /usr/lib/locale/C.utf8 ] || cp -rL /usr/lib/locale/C.utf8 "$OUT/root/usr/lib/locale/"
printf 'root:x:0:0:root:/root:/none\nballast:x:10001:10001:ballast:/tmp:/none\n' >"$OUT/root/etc/passwd"
printf 'root:x:0:\nballast:x:10001:\n' >"$OUT/root/etc/group"
printf 'hosts: files dns\n' >"$OUT/root/etc/nsswitch.conf"
cp "$APP/quarkus-run.jar" "$ROOT/LICENSE" "$OUT/app"
# The heap's size is said by JDK_JAVA_OPTIONS, which whoever runs the image may set anew: what stands on the command line, and so in
# jvm.options, would win over it.
sed '/^-Xm[sx]/d' "$ROOT/standalone/jvm.options" >"$OUT/app/jvm.options"
heap=$(grep '^-Xm[sx]' "$ROOT/standalone/jvm.options" | paste -sd' ' -)

case $(uname -m) in
  x86_64) architecture=amd64 ;;
  aarch64) architecture=arm64 ;;
  *) architecture=$(uname -m) ;;
esac
say "putting the image together"
(cd "$ROOT" && "$MAVEN" -B -q ${BALLAST_MAVEN_OPTIONS:-} -pl k8s jib:buildTar -Dimage="${IMAGE:-ballast:0.1.0}" -Dimage.architecture="$architecture" \
  -Djib.container.environment="LANG=C.UTF-8,JDK_JAVA_OPTIONS=$heap,$(grep '^[A-Z]' "$ROOT/standalone/environment" | paste -sd, -)") >"$OUT/jib.log" 2>&1 \
  || fail "$(grep -m1 ERROR "$OUT/jib.log"); all words are in $OUT/jib.log"
printf '%s\n' "$OUT/ballast.tar"
