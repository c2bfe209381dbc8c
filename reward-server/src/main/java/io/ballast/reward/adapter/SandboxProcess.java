package io.ballast.reward.adapter;

import io.ballast.reward.component.JavaTestSettings;
import io.ballast.reward.component.JavaTestSettings.Isolation;
import io.ballast.reward.sandbox.TestHarness;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The command that runs {@link TestHarness} apart from this process: another JVM, without this
 * one's environment, in namespaces of its own if it is so isolated.
 */
final class SandboxProcess {
  /** What its process has from the start, not counting its heap. */
  static final int JVM_MEGABYTES = 192;

  /**
   * A root that holds the system's libraries and the JDK, read-only, and an empty folder in memory.
   * $1: a folder to mount it on; $2: the JDK; $3: the harness's classes; the rest: the command. The
   * shell stays the first process of its namespace, since the kernel lets no limit end that one.
   */
  private static final String ENTER =
      """
      set -e
      PATH=/usr/sbin:/usr/bin:/sbin:/bin
      root=$1 jdk=$2 harness=$3
      shift 3
      mount -t tmpfs -o size=16m,mode=755 none "$root"
      show() { mkdir -p "$root$2"; mount --bind "$1" "$root$2"; mount -o remount,bind,ro "$root$2"; }
      show /usr /usr
      for each in bin lib lib32 lib64; do
        if [ -L "/$each" ]; then cp -P "/$each" "$root/$each"; elif [ -d "/$each" ]; then show "/$each" "/$each"; fi
      done
      for each in /etc/java*; do if [ -d "$each" ]; then show "$each" "$each"; fi; done
      case $jdk in /usr/*) ;; *) show "$jdk" "$jdk" ;; esac
      show "$harness" /harness
      mkdir "$root/own" "$root/dev"
      for each in null zero urandom random; do : >"$root/dev/$each"; mount --bind "/dev/$each" "$root/dev/$each"; done
      set +e
      env -i LD_LIBRARY_PATH="$jdk/lib" "$(command -v chroot)" "$root" /usr/bin/setpriv --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
      exit $?
      """;

  private static final String LIMITS =
      "ulimit -S -t \"$1\"; ulimit -H -t $(($1 + 2)); ulimit -f 32768; ulimit -c 0; shift; exec"
          + " \"$@\"";

  private final JavaTestSettings settings;
  private final Path root;
  private final Path classes;
  private final Path work;

  /**
   * Writes what the process needs below {@code folder}, which stays its owner's.
   *
   * @throws IOException if that cannot be written
   */
  SandboxProcess(JavaTestSettings settings, Path folder) throws IOException {
    this.settings = settings;
    this.root = Files.createDirectories(folder.resolve("root"));
    this.work = Files.createDirectories(folder.resolve("work"));
    this.classes = Files.createDirectories(folder.resolve("harness"));
    for (Class<?> each :
        Stream.concat(
                Stream.of(TestHarness.class), Stream.of(TestHarness.class.getDeclaredClasses()))
            .toList()) {
      write(each);
    }
  }

  private void write(Class<?> type) throws IOException {
    String name = type.getName().replace('.', '/') + ".class";
    try (InputStream in = TestHarness.class.getResourceAsStream("/" + name)) {
      if (in == null) {
        throw new IOException(name + ": not among the server's classes");
      }
      Path file = classes.resolve(name);
      Files.createDirectories(file.getParent());
      Files.write(file, in.readAllBytes());
    }
  }

  /**
   * One that runs.
   *
   * @param folder to be deleted after it; empty if nothing of it is on a disk
   */
  record Started(Process process, Optional<Path> folder) {}

  /** Starts one; its folder is empty. */
  Started start() throws IOException {
    boolean apart = settings.isolation() == Isolation.NAMESPACES;
    String jdk = Path.of(System.getProperty("java.home")).toRealPath().toString();
    Path own = apart ? work : Files.createTempDirectory(work, "run-");
    List<String> command = new ArrayList<>();
    command.addAll(
        List.of("/bin/sh", "-c", LIMITS, "sh", Long.toString(settings.cpuTime().toSeconds())));
    if (apart) {
      command.addAll(
          List.of(
              "/usr/bin/unshare",
              "--user",
              "--map-root-user",
              "--mount",
              "--net",
              "--pid",
              "--ipc",
              "--uts",
              "--fork",
              "--kill-child",
              "/bin/sh",
              "-c",
              ENTER,
              "sh",
              root.toString(),
              jdk,
              classes.toString()));
    }
    command.addAll(
        java(jdk, apart ? "/own" : own.toString(), apart ? "/harness" : classes.toString()));
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(own.toFile()).redirectErrorStream(true);
    builder.environment().clear();
    return new Started(builder.start(), apart ? Optional.empty() : Optional.of(own));
  }

  private List<String> java(String jdk, String folder, String harness) {
    return List.of(
        jdk + "/bin/java",
        "-Xmx" + settings.memoryMegabytes() + "m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:-UsePerfData",
        "-XX:+DisableAttachMechanism",
        "-XX:MaxMetaspaceSize=96m",
        "-XX:MaxDirectMemorySize=16m",
        "-XX:ErrorFile=/dev/null",
        "--illegal-native-access=deny",
        "-Djava.io.tmpdir=" + folder,
        "-Duser.home=" + folder,
        "-cp",
        harness,
        TestHarness.class.getName());
  }
}
