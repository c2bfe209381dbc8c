package io.ballast.standalone.process;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.file.OwnerOnly;
import io.ballast.kit.runtime.Role;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/**
 * One role's claim on a data folder: at most one process plays a role on it. The operating system
 * frees it when the process dies, however that happens. The file {@code locks/<role>.lock} says who
 * holds it, in lines {@code name=value}: pid, port, http-port.
 */
final class FolderLock implements AutoCloseable {
  private final FileChannel channel;

  private FolderLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Claims the folder.
   *
   * @throws MeshException PRECONDITION_FAILED, naming the holder, if another process has it or the
   *     folder cannot be written
   */
  static FolderLock claim(Path data, Role role, long pid, int port, int httpPort) {
    Path file = data.resolve("locks").resolve(role.label() + ".lock");
    try {
      OwnerOnly.createFolders(data.resolve("locks"));
      FileChannel channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      if (!ClaimedFile.claim(channel)) {
        channel.close();
        throw held(data, role, Files.readString(file));
      }
      String holder = "pid=%d%nport=%d%nhttp-port=%d%n".formatted(pid, port, httpPort);
      channel.truncate(0);
      channel.write(ByteBuffer.wrap(holder.getBytes(StandardCharsets.UTF_8)), 0);
      return new FolderLock(channel);
    } catch (IOException e) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          "data folder %s cannot be written: %s; choose another with --data FOLDER"
              .formatted(data, e),
          e);
    }
  }

  private static MeshException held(Path data, Role role, String holder) {
    String pid = value(holder, "pid");
    String port = value(holder, "port");
    return new MeshException(
        Fault.PRECONDITION_FAILED,
        ("data folder %s: the %s of process %s, on port %s, uses it; stop that process or choose"
                + " another folder with --data FOLDER")
            .formatted(data, role.label(), pid, port),
        Map.of("data", data.toString(), "role", role.label(), "pid", pid, "port", port));
  }

  private static String value(String holder, String name) {
    return holder
        .lines()
        .filter(line -> line.startsWith(name + "="))
        .map(line -> line.substring(name.length() + 1))
        .findFirst()
        .orElse("unknown");
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new MeshException(Fault.PRECONDITION_FAILED, "the lock cannot be freed", e);
    }
  }
}
