package io.ballast.standalone.cli;

import io.ballast.standalone.process.ClaimedFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/** The processes of the mesh that uses a data folder: those whose locks on it hold. */
final class FolderHolders {
  private static final String ENDING = ".lock";

  /** No port of any process. */
  private static final long UNKNOWN = -1;

  private FolderHolders() {}

  /**
   * A process that plays a role.
   *
   * @param port of its gRPC
   * @param httpPort of its console
   */
  record Holder(long pid, int port, int httpPort) {}

  /** The roles that each process plays, by its id; empty if no mesh uses {@code data}. */
  static SortedMap<Long, SortedSet<String>> of(Path data) throws IOException {
    SortedMap<Long, SortedSet<String>> roles = new TreeMap<>();
    byRole(data)
        .forEach(
            (role, holder) -> roles.computeIfAbsent(holder.pid(), id -> new TreeSet<>()).add(role));
    return roles;
  }

  /** Who plays each role that is played on {@code data}, by the role's label. */
  static SortedMap<String, Holder> byRole(Path data) throws IOException {
    SortedMap<String, Holder> holders = new TreeMap<>();
    Path locks = data.resolve("locks");
    if (!Files.isDirectory(locks)) {
      return holders;
    }
    try (Stream<Path> files = Files.list(locks)) {
      for (Path file : files.filter(f -> f.toString().endsWith(ENDING)).toList()) {
        if (ClaimedFile.isHeld(file)) {
          String name = file.getFileName().toString();
          String role = name.substring(0, name.length() - ENDING.length());
          holder(file).ifPresent(holder -> holders.put(role, holder));
        }
      }
    }
    return holders;
  }

  /** The process that a lock's file names; empty while it is being written. */
  static Optional<Long> pid(Path file) throws IOException {
    return number(Files.readAllLines(file), "pid");
  }

  private static Optional<Holder> holder(Path file) throws IOException {
    List<String> lines = Files.readAllLines(file);
    return number(lines, "pid")
        .map(
            pid ->
                new Holder(
                    pid,
                    number(lines, "port").orElse(UNKNOWN).intValue(),
                    number(lines, "http-port").orElse(UNKNOWN).intValue()));
  }

  private static Optional<Long> number(List<String> lines, String name) {
    return lines.stream()
        .filter(line -> line.startsWith(name + "="))
        .map(line -> Long.parseLong(line.substring(name.length() + 1).strip()))
        .findFirst();
  }
}
