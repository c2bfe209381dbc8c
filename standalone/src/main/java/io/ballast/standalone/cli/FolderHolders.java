package io.ballast.standalone.cli;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/** The processes of the mesh that uses a data folder: those whose locks on it hold. */
final class FolderHolders {
  private static final String ENDING = ".lock";

  private FolderHolders() {}

  /** The roles that each process plays, by its id; empty if no mesh uses {@code data}. */
  static SortedMap<Long, SortedSet<String>> of(Path data) throws IOException {
    SortedMap<Long, SortedSet<String>> roles = new TreeMap<>();
    Path locks = data.resolve("locks");
    if (!Files.isDirectory(locks)) {
      return roles;
    }
    try (Stream<Path> files = Files.list(locks)) {
      for (Path file : files.filter(f -> f.toString().endsWith(ENDING)).toList()) {
        if (isHeld(file)) {
          String name = file.getFileName().toString();
          String role = name.substring(0, name.length() - ENDING.length());
          pid(file).ifPresent(pid -> roles.computeIfAbsent(pid, id -> new TreeSet<>()).add(role));
        }
      }
    }
    return roles;
  }

  /** Whether a process holds the lock of a file, be it this one. */
  static boolean isHeld(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      return lock == null;
    } catch (OverlappingFileLockException e) {
      return true;
    }
  }

  /** The process that a lock's file names. */
  static Optional<Long> pid(Path file) throws IOException {
    return Files.readAllLines(file).stream()
        .filter(line -> line.startsWith("pid="))
        .map(line -> Long.parseLong(line.substring("pid=".length()).strip()))
        .findFirst();
  }
}
