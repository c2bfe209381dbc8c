package io.ballast.orchestrator.adapter;

import io.ballast.kit.file.OwnerOnly;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an orchestrator is called as a holder of leases: the same as long as its data folder is, on
 * which no two of them are at a time. So one that is started again need not wait for the leases of
 * the process before it.
 */
public final class HolderFile {
  private static final Logger LOG = LoggerFactory.getLogger(HolderFile.class);

  private HolderFile() {}

  /**
   * Returns the name, a new one if the folder has none or cannot be used.
   *
   * @param data the folder
   * @param names makes a new one
   */
  public static String read(Path data, Supplier<String> names) {
    Path file = data.resolve("orchestrator-holder");
    try {
      if (Files.isRegularFile(file)) {
        String name = Files.readString(file, StandardCharsets.UTF_8).strip();
        if (!name.isEmpty()) {
          return name;
        }
      }
      String name = names.get();
      OwnerOnly.createFolders(data);
      Files.writeString(file, name + "\n", StandardCharsets.UTF_8);
      return name;
    } catch (IOException e) {
      LOG.warn(
          "{} cannot be used, so this orchestrator has another name each time: {}",
          file,
          e.toString());
      return names.get();
    }
  }
}
