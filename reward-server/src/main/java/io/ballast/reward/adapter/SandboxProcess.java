package io.ballast.reward.adapter;

import io.ballast.reward.component.JavaTestSettings;
import io.ballast.reward.component.JavaTestSettings.Isolation;
import io.ballast.reward.sandbox.TestHarness;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.attribute.ModuleAttribute;
import java.lang.classfile.attribute.ModuleRequireInfo;
import java.lang.constant.ModuleDesc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The command that runs {@link TestHarness} apart from this process: another JVM, without this
 * one's environment, with few of the JDK's modules, in namespaces of its own if it is so isolated.
 */
final class SandboxProcess {
  /** What its process has from the start, not counting its heap. */
  static final int JVM_MEGABYTES = 192;

  /**
   * A root that holds the system's libraries and the JDK, read-only, and an empty folder in memory.
   * $1: a folder to mount it on; $2: the JDK; $3: the harness's module; the rest: the command. The
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
      for each in lib lib32 lib64; do if [ -d "/usr/$each" ]; then show "/usr/$each" "/usr/$each"; fi; done
      mkdir "$root/usr/bin"; : >"$root/usr/bin/setpriv"; mount --bind /usr/bin/setpriv "$root/usr/bin/setpriv"
      mount -o remount,bind,ro "$root/usr/bin/setpriv"
      for each in lib lib32 lib64; do
        if [ -L "/$each" ]; then cp -P "/$each" "$root/$each"; elif [ -d "/$each" ]; then show "/$each" "/$each"; fi
      done
      for each in /etc/java*; do if [ -d "$each" ]; then show "$each" "$each"; fi; done
      case $jdk in /usr/lib/*) ;; *) show "$jdk" "$jdk" ;; esac
      show "$harness" /harness
      mkdir "$root/own" "$root/dev"
      for each in null zero urandom random; do : >"$root/dev/$each"; mount --bind "/dev/$each" "$root/dev/$each"; done
      mount -t tmpfs -o size=16m,mode=755 none "$root/own"
      mount -o remount,bind,ro "$root"
      set +e
      env -i LD_LIBRARY_PATH="$jdk/lib" "$(command -v chroot)" "$root" /usr/bin/setpriv --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
      exit $?
      """;

  private static final String LIMITS =
      "ulimit -S -t \"$1\"; ulimit -H -t $(($1 + 2)); ulimit -f 32768; ulimit -c 0; shift; exec"
          + " \"$@\"";

  /** The harness's module: what it does not export, nobody reaches. */
  private static final String MODULE = "ballast.sandbox";

  private final JavaTestSettings settings;
  private final Path root;
  private final Path classes;
  private final Path work;
  private final List<String> options;

  /**
   * Writes what the process needs below {@code folder}, which stays its owner's.
   *
   * @param options of its JVM, beside those it always has
   * @throws IOException if that cannot be written
   */
  SandboxProcess(JavaTestSettings settings, Path folder, List<String> options) throws IOException {
    this.settings = settings;
    this.options = List.copyOf(options);
    this.root = Files.createDirectories(folder.resolve("root"));
    this.work = Files.createDirectories(folder.resolve("work"));
    this.classes = Files.createDirectories(folder.resolve("harness"));
    Files.write(classes.resolve("module-info.class"), moduleInfo());
    for (Class<?> each : TestHarness.classes()) {
      write(each);
    }
  }

  private static byte[] moduleInfo() {
    return ClassFile.of()
        .buildModule(
            ModuleAttribute.of(
                ModuleDesc.of(MODULE),
                module ->
                    module
                        .requires(
                            ModuleRequireInfo.of(
                                ModuleDesc.of("java.base"), ClassFile.ACC_MANDATED, null))
                        .requires(ModuleRequireInfo.of(ModuleDesc.of("jdk.compiler"), 0, null))));
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

  /** Starts one. */
  Process start() throws IOException {
    boolean apart = settings.isolation() == Isolation.NAMESPACES;
    String jdk = Path.of(System.getProperty("java.home")).toRealPath().toString();
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
    command.addAll(java(jdk, apart));
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(work.toFile()).redirectErrorStream(true);
    builder.environment().clear();
    return builder.start();
  }

  private List<String> java(String jdk, boolean apart) {
    List<String> command = new ArrayList<>();
    command.add(jdk + "/bin/java");
    command.addAll(options);
    command.addAll(harness(apart));
    return command;
  }

  private List<String> harness(boolean apart) {
    String folder = apart ? "/own" : work.toString();
    return List.of(
        "-Xmx" + settings.memoryMegabytes() + "m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:-UsePerfData",
        "-XX:+DisableAttachMechanism",
        "-XX:MaxMetaspaceSize=96m",
        "-XX:MaxDirectMemorySize=16m",
        "-XX:ErrorFile=/dev/null",
        "-Djava.io.tmpdir=" + folder,
        "-Duser.home=" + folder,
        "--limit-modules",
        TestHarness.MODULES + ",jdk.compiler",
        "--add-modules", // the harness itself needs fewer
        TestHarness.MODULES,
        "--illegal-native-access=deny",
        "--enable-native-access=" + MODULE,
        "--sun-misc-unsafe-memory-access=deny",
        "--module-path",
        apart ? "/harness" : classes.toString(),
        "--module",
        MODULE + "/" + TestHarness.class.getName(),
        apart ? TestHarness.FILES : TestHarness.NO_FILES);
  }
}
