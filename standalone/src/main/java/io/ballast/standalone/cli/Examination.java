package io.ballast.standalone.cli;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.onnxruntime.OrtEnvironment;
import com.sun.management.OperatingSystemMXBean;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.kit.call.Texts;
import io.ballast.kit.file.OwnerOnly;
import io.ballast.kit.postgres.Postgres;
import io.ballast.kit.postgres.PostgresSettings;
import io.ballast.policy.adapter.spool.DamagedFile;
import io.ballast.standalone.cli.Finding.Health;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import ml.dmlc.xgboost4j.java.DMatrix;
import ml.dmlc.xgboost4j.java.XGBoostError;

/** Looks at everything that a mesh needs of its machine, one thing after the other. */
final class Examination {
  private static final double GIB = 1L << 30;
  private static final double NEEDED_MEMORY = 2.5 * GIB;
  private static final double NEEDED_DISK = 1 * GIB;
  private static final double COMFORTABLE_DISK = 5 * GIB;

  private final CommandContext context;
  private final Path data;
  private final int port;
  private final int httpPort;

  Examination(CommandContext context, Path data, int port, int httpPort) {
    this.context = context;
    this.data = data;
    this.port = port;
    this.httpPort = httpPort;
  }

  /** One look. */
  @FunctionalInterface
  interface Step {
    List<Finding> examine();
  }

  /** What is looked at, in this order: the quick things first. */
  List<Step> steps() {
    return List.of(
        () -> List.of(jdk()),
        () -> List.of(maven()),
        () -> List.of(cores()),
        () -> List.of(memory()),
        () -> List.of(dataFolder()),
        () -> List.of(disk()),
        this::spool,
        () -> List.of(port("gRPC port", port), port("HTTP port", httpPort)),
        () ->
            List.of(
                loads(
                    "libtorch",
                    () ->
                        "loads, %d thread, products by %s"
                            .formatted(TorchRuntime.threads(), TorchRuntime.productsBy())),
                loads("ONNX Runtime", () -> OrtEnvironment.getEnvironment().getVersion()),
                loads("tokenizers", Examination::tokenizers),
                loads("XGBoost", Examination::xgboost)),
        this::models,
        () -> List.of(postgres()));
  }

  private static Finding jdk() {
    Runtime.Version version = Runtime.version();
    String detail = version + " in " + System.getProperty("java.home");
    return version.feature() >= 25
        ? Finding.good("JDK", detail)
        : Finding.broken("JDK", detail, "install JDK 25 or newer, or set JAVA_HOME to one");
  }

  private Finding maven() {
    String path = context.environment().getOrDefault("PATH", "");
    Optional<Path> found =
        Stream.concat(
                Stream.ofNullable(context.environment().get("MAVEN")).map(Path::of),
                Stream.of(path.split(File.pathSeparator)).map(folder -> Path.of(folder, "mvn")))
            .filter(Files::isExecutable)
            .findFirst();
    return found
        .map(maven -> Finding.good("Maven", maven.toString()))
        .orElseGet(
            () ->
                Finding.weak(
                    "Maven",
                    "none on the PATH",
                    "needed to build and test only: apt install maven, or set MAVEN"));
  }

  private static Finding cores() {
    int cores = Runtime.getRuntime().availableProcessors();
    return cores >= 2
        ? Finding.good("cores", Integer.toString(cores))
        : Finding.weak(
            "cores",
            Integer.toString(cores),
            "two or more let learning and serving go on together");
  }

  private static Finding memory() {
    OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    double total = system.getTotalMemorySize();
    double free = availableMemory().orElse((double) system.getFreeMemorySize());
    String detail =
        String.format(Locale.ROOT, "%.1f GiB, %.1f GiB available", total / GIB, free / GIB);
    if (total < NEEDED_MEMORY) {
      return Finding.broken("memory", detail, "a mesh on one machine takes up to 2.5 GiB");
    }
    return free < NEEDED_MEMORY
        ? Finding.weak("memory", detail, "close something: a mesh takes up to 2.5 GiB")
        : Finding.good("memory", detail);
  }

  /** What the kernel says it could give, caches included; empty where there is no /proc. */
  private static Optional<Double> availableMemory() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/meminfo"))) {
      return lines
          .filter(line -> line.startsWith("MemAvailable:"))
          .map(line -> Double.parseDouble(line.replaceAll("\\D", "")) * 1024)
          .findFirst();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private Finding dataFolder() {
    Path existing = data;
    while (existing != null && !Files.exists(existing)) {
      existing = existing.getParent();
    }
    if (existing == null || !Files.isDirectory(existing) || !Files.isWritable(existing)) {
      return Finding.broken(
          "data folder",
          data + " cannot be written",
          "give a folder that you may write: ./mesh up --data FOLDER");
    }
    if (!existing.equals(data)) {
      return Finding.good("data folder", data + " (made when a mesh starts)");
    }
    try {
      return OwnerOnly.isOpenToOthers(data)
          ? Finding.weak(
              "data folder",
              data + " is open to other users of this machine, and has prompts and keys",
              "chmod 700 " + data)
          : Finding.good("data folder", data.toString());
    } catch (IOException e) {
      return Finding.weak("data folder", e.getMessage() + "", "look at the file system of " + data);
    }
  }

  private Finding disk() {
    Path existing = data;
    while (existing != null && !Files.exists(existing)) {
      existing = existing.getParent();
    }
    try {
      double free = Files.getFileStore(existing == null ? Path.of("/") : existing).getUsableSpace();
      String detail = String.format(Locale.ROOT, "%.1f GiB free", free / GIB);
      if (free < NEEDED_DISK) {
        return Finding.broken(
            "disk", detail, "free 1 GiB, or put the data elsewhere: --data FOLDER");
      }
      return free < COMFORTABLE_DISK
          ? Finding.weak("disk", detail, "runs keep versions; 5 GiB is comfortable")
          : Finding.good("disk", detail);
    } catch (IOException e) {
      return Finding.weak("disk", e.getMessage() + "", "look at the file system of " + data);
    }
  }

  /** What a policy-server set aside here; nothing if it did not. */
  private List<Finding> spool() {
    Path folder = SpoolCommand.folder(data);
    try {
      int damaged = DamagedFile.in(folder).size();
      return damaged == 0
          ? List.of()
          : List.of(
              Finding.weak(
                  "spool",
                  Texts.counted(damaged, "damaged file") + " in " + folder,
                  SpoolCommand.MEND));
    } catch (IOException e) {
      return List.of(
          Finding.weak("spool", e.getMessage() + "", "look at the file system of " + folder));
    }
  }

  private static Finding port(String subject, int port) {
    try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      return Finding.good(subject, socket.getLocalPort() + " is free");
    } catch (IOException | IllegalArgumentException e) {
      String option = subject.startsWith("gRPC") ? "--port" : "--http-port";
      return Finding.weak(
          subject,
          port + " is in use, perhaps by a mesh that is up",
          "for another mesh choose another: ./mesh up " + option + " N");
    }
  }

  /** Loads a native library. */
  @FunctionalInterface
  private interface Native {
    String load() throws Exception;
  }

  private static Finding loads(String subject, Native library) {
    try {
      return Finding.good(subject, library.load());
    } catch (Exception | LinkageError e) {
      return Finding.broken(
          subject,
          "does not load: " + String.valueOf(e.getMessage()).lines().findFirst().orElse(""),
          "Linux needs glibc 2.28 or newer and libgomp (apt install libgomp1); other systems:"
              + " README");
    }
  }

  private static String tokenizers() {
    // the library would otherwise report its use over the network
    System.setProperty("OPT_OUT_TRACKING", "true");
    System.setProperty("ai.djl.offline", "true");
    LibUtils.checkStatus();
    return "loads";
  }

  private static String xgboost() throws XGBoostError {
    DMatrix matrix = new DMatrix(new float[] {1, 2}, 1, 2, Float.NaN);
    try {
      return "loads, " + matrix.rowNum() + " row made";
    } finally {
      matrix.dispose();
    }
  }

  private List<Finding> models() {
    List<Finding> findings = new ArrayList<>();
    for (Path root : List.of(data.resolve("models"), context.home().resolve("models"))) {
      for (StoredModel model : new ModelStore(root).list()) {
        findings.add(model(model));
      }
    }
    if (findings.isEmpty()) {
      findings.add(
          Finding.broken(
              "models",
              "none in " + data.resolve("models") + " or " + context.home().resolve("models"),
              "make them: ./mesh pretrain all"));
    }
    List<Finding> bad = findings.stream().filter(f -> f.health() != Health.GOOD).toList();
    return bad.isEmpty()
        ? List.of(Finding.good("models", findings.size() + " versions, checksums match"))
        : bad;
  }

  private static Finding model(StoredModel model) {
    String name = model.name() + "/" + model.version();
    try {
      Optional<ModelManifest> manifest = ModelManifest.read(model.folder());
      if (manifest.isEmpty()) {
        return Finding.weak(
            "models", name + " has no " + ModelManifest.FILE, "without it nothing is verified");
      }
      manifest.get().verify(model.folder());
      return Finding.good("models", name);
    } catch (ModelException e) {
      return Finding.broken(
          "models",
          name + ": " + e.getMessage(),
          "git checkout models/ restores those of the checkout");
    }
  }

  private static Finding postgres() {
    Path folder = null;
    try {
      folder = Files.createTempDirectory("ballast-doctor");
      try (Postgres postgres =
              Postgres.embedded(
                  folder.resolve("postgres"),
                  folder.resolve("postgres.log"),
                  PostgresSettings.defaults(),
                  new SimpleMeterRegistry());
          Connection connection = postgres.address().connect();
          Statement statement = connection.createStatement();
          ResultSet version = statement.executeQuery("show server_version")) {
        version.next();
        return Finding.good("PostgreSQL", version.getString(1) + " starts and answers");
      }
    } catch (IOException | SQLException | RuntimeException e) {
      return Finding.broken(
          "PostgreSQL",
          "the embedded one does not start: "
              + String.valueOf(e.getMessage()).lines().findFirst().orElse(""),
          "is the temporary folder writable? or use your own: ./mesh up --jdbc-url"
              + " jdbc:postgresql://…");
    } finally {
      if (folder != null) {
        delete(folder);
      }
    }
  }

  private static void delete(Path folder) {
    try {
      ModelStore.deleteAll(folder);
    } catch (IOException e) {
      // a temporary folder: the system's own cleaning takes it
    }
  }
}
