package io.ballast.standalone.process;

import io.ballast.kit.file.OwnerOnly;
import io.ballast.kit.runtime.Role;
import io.ballast.standalone.MeshMain;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which processes make up a mesh, and how each is started.
 *
 * @param home the checkout
 * @param data the folder that they write to
 * @param port of the first one's gRPC; in a mesh of four the others follow
 * @param httpPort of the first one's console; in a mesh of four the others follow
 * @param properties more properties of the mesh, by name
 */
public record ServerPlan(
    Path home, Path data, int port, int httpPort, boolean split, Map<String, String> properties) {
  /** Copies the properties. */
  public ServerPlan {
    properties = Map.copyOf(properties);
  }

  /**
   * One process.
   *
   * @param name for people and log files: mesh, or a role
   * @param command what to run
   * @param log where its output goes
   * @param temporary where it, and the libraries that it loads, put files for as long as it runs
   */
  public record Server(
      String name, List<String> command, Path log, Path temporary, int port, int httpPort) {
    /** Copies the command. */
    public Server {
      command = List.copyOf(command);
    }

    /** Makes the folders that have to be there before it starts. */
    public void createFolders() throws IOException {
      OwnerOnly.createFolders(log.resolveSibling(""));
      OwnerOnly.createFolders(temporary);
    }
  }

  /** The processes in the order of their ports. */
  public List<Server> servers() {
    if (!split) {
      return List.of(server("mesh", port, httpPort, Map.of()));
    }
    Map<Role, Integer> ports = new EnumMap<>(Role.class);
    for (Role role : Role.values()) {
      ports.put(role, port + role.ordinal());
    }
    List<Server> servers = new ArrayList<>();
    for (Role role : Role.values()) {
      Map<String, String> own = new TreeMap<>();
      own.put("ballast.roles", shortName(role));
      for (Role peer : Role.values()) {
        if (peer != role) {
          own.put("ballast.peers." + shortName(peer), "127.0.0.1:" + ports.get(peer));
        }
      }
      servers.add(server(role.label(), port + role.ordinal(), httpPort + role.ordinal(), own));
    }
    return servers;
  }

  private Server server(String name, int grpc, int http, Map<String, String> own) {
    Map<String, String> all = new TreeMap<>(own);
    all.put("ballast.port", Integer.toString(grpc));
    all.put("ballast.http-port", Integer.toString(http));
    all.put("ballast.data", data.toString());
    all.put("ballast.models", home.resolve("models").toString());
    all.put("quarkus.log.file.path", data.resolve("logs").resolve(name + ".log").toString());
    all.putAll(properties);
    Path temporary = TemporaryFiles.folder(data, name);
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("@" + home.resolve("standalone").resolve("jvm.options"));
    command.addAll(archive(name));
    command.add("-Djava.io.tmpdir=" + temporary);
    all.forEach((key, value) -> command.add("-D" + key + "=" + value));
    command.add("-cp");
    command.add(classPath());
    command.add(MeshMain.class.getName());
    return new Server(
        name, command, data.resolve("logs").resolve(name + ".out"), temporary, grpc, http);
  }

  /**
   * An archive of the process's classes, parsed and linked, which halves the time to start. The JVM
   * writes it at the end of the first run; {@code ./mesh} deletes it with each build. Without one a
   * start is only slower. It lies beside the build that it is of: a JVM that finds no folder to
   * write it to ends with exit code 1, however well it stopped.
   */
  private List<String> archive(String name) {
    Path file = home.resolve("standalone/target").resolve(name + "-classes.jsa");
    return List.of(
        "-XX:+AutoCreateSharedArchive",
        "-XX:SharedArchiveFile=" + file,
        "-Xlog:cds*=off",
        "-Xlog:aot*=off",
        "--add-opens=java.base/java.lang=ALL-UNNAMED"); // as quarkus-run.jar says in its manifest
  }

  /** What quarkus-run.jar loads, without its class loader, whose classes no archive can hold. */
  private String classPath() {
    Path app = home.resolve("standalone/target/quarkus-app");
    return Stream.of(
            "quarkus/transformed-bytecode.jar",
            "quarkus/generated-bytecode.jar",
            "app/*",
            "lib/main/*",
            "lib/boot/*")
        .map(entry -> app + File.separator + entry)
        .collect(Collectors.joining(File.pathSeparator));
  }

  private static String shortName(Role role) {
    return switch (role) {
      case POLICY_SERVER -> "policy";
      case REWARD_SERVER -> "reward";
      case SAFETY_SERVER -> "safety";
      case ORCHESTRATOR -> "orchestrator";
    };
  }
}
