package io.ballast.inference.store;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.SafetensorsFile.Piece;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A file of named tensors that is held open: what is read is of the file whose header was read,
 * also when another has been moved into its place.
 */
public final class HeldSafetensors implements AutoCloseable {
  private final Path path;
  private final FileChannel channel;
  private final SafetensorsFile file;

  private HeldSafetensors(Path path, FileChannel channel, SafetensorsFile file) {
    this.path = path;
    this.channel = channel;
    this.file = file;
  }

  /**
   * Opens {@code path} and reads its header.
   *
   * @throws ModelException INVALID_FOLDER if the file is missing or not of this format
   */
  public static HeldSafetensors open(Path path) {
    try {
      FileChannel channel = SafetensorsFile.channel(path);
      try {
        return new HeldSafetensors(path, channel, SafetensorsFile.of(path, channel));
      } catch (IOException | RuntimeException | Error e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw SafetensorsFile.unreadable(path, e);
    }
  }

  /** What the writer noted, by key. */
  public Map<String, String> metadata() {
    return file.metadata();
  }

  /**
   * Reads one tensor piece by piece, so that it is never on the heap as a whole.
   *
   * @param shape what it must be
   * @throws ModelException INVALID_FOLDER if it is missing, its shape differs, or it cannot be read
   */
  public void read(String name, List<Long> shape, Piece piece) {
    try {
      file.read(channel, name, shape, piece);
    } catch (IOException e) {
      throw SafetensorsFile.unreadable(path, e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // what was read is whole all the same
    }
  }
}
