package io.ballast.standalone.cli;

import io.ballast.kit.file.OwnerOnly;
import io.ballast.standalone.process.ClaimedFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * The claim of the one {@code ./mesh up} that stays with the processes of a data folder and starts
 * them again. The operating system frees it when that process ends, however that happens; the file
 * {@code locks/up} says who holds it.
 */
final class Supervision implements AutoCloseable {
  private final FileChannel channel;

  private Supervision(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Claims the folder.
   *
   * @throws CommandFailure ALREADY_KEPT, naming the process that stays with the folder's mesh
   */
  static Supervision claim(Path data, long pid) throws IOException {
    Path file = file(data);
    OwnerOnly.createFolders(data.resolve("locks"));
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    if (!ClaimedFile.claim(channel)) {
      channel.close();
      throw held(data);
    }
    channel.truncate(0);
    channel.write(ByteBuffer.wrap(("pid=" + pid + "\n").getBytes(StandardCharsets.UTF_8)), 0);
    return new Supervision(channel);
  }

  /**
   * Refuses to start beside whoever stays with the folder's mesh and starts it again itself.
   *
   * @throws CommandFailure ALREADY_KEPT, naming that process
   */
  static void requireNone(Path data) throws IOException {
    if (isHeld(data)) {
      throw held(data);
    }
  }

  private static CommandFailure held(Path data) throws IOException {
    return new CommandFailure(
        Exit.FAILED,
        "ALREADY_KEPT",
        "process "
            + FolderHolders.pid(file(data)).map(Object::toString).orElse("unknown")
            + ", ./mesh up, keeps the mesh of "
            + data
            + " running; ./mesh down stops both, or choose another folder with --data");
  }

  /** The process that stays with the mesh of a folder; empty if none does. */
  static Optional<ProcessHandle> holder(Path data) throws IOException {
    return isHeld(data)
        ? FolderHolders.pid(file(data)).flatMap(ProcessHandle::of)
        : Optional.empty();
  }

  private static boolean isHeld(Path data) throws IOException {
    Path file = file(data);
    return Files.isRegularFile(file) && ClaimedFile.isHeld(file);
  }

  private static Path file(Path data) {
    return data.resolve("locks").resolve("up");
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
