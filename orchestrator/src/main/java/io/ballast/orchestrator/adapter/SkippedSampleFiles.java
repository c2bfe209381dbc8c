package io.ballast.orchestrator.adapter;

import io.ballast.kit.file.OwnerOnly;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.run.KeptSamples;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.SkippedSamples;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The samples of skipped updates, {@code <folder>/<tenant>/<run id>/<iteration>.json}: of each run
 * the newest three, each of at most 1 MiB. They outlive their run, for as long as its prompts do.
 */
public final class SkippedSampleFiles implements SkippedSamples, KeptSamples {
  /** Where they lie in the data folder; no run reads its prompts from there. */
  public static final String FOLDER = "skipped-updates";

  private static final Logger LOG = LoggerFactory.getLogger(SkippedSampleFiles.class);
  private static final int MOST_KEPT = 3;
  private static final int MOST_BYTES = 1 << 20;
  private static final String JSON = ".json";
  private static final Pattern KEPT = Pattern.compile("[0-9]{1,9}\\.json");

  private final Path dataFolder;

  public SkippedSampleFiles(Path dataFolder) {
    this.dataFolder = dataFolder;
  }

  @Override
  public Optional<String> keep(Run run, int iteration, String why, List<JudgedGroup> groups) {
    String ofRun =
        String.join("/", FOLDER, Faults.requireFileName("tenant", run.tenant()), run.runId());
    Path folder = dataFolder.resolve(ofRun);
    String name = iteration + JSON;
    try {
      write(folder, name, SkippedJson.write(run, iteration, why, groups, MOST_BYTES));
      forgetOlder(folder);
      return Optional.of(ofRun + "/" + name);
    } catch (IOException | UncheckedIOException e) {
      LOG.warn(
          "run {} iteration {}: the samples of its skipped update could not be kept: {}",
          run.runId(),
          iteration,
          e.toString());
      return Optional.empty();
    }
  }

  @Override
  public List<OfRun> runs() {
    List<OfRun> runs = new ArrayList<>();
    for (Path tenant : foldersOf(dataFolder.resolve(FOLDER))) {
      for (Path run : foldersOf(tenant)) {
        runs.add(
            new OfRun(String.valueOf(tenant.getFileName()), String.valueOf(run.getFileName())));
      }
    }
    return runs;
  }

  /** Those in {@code folder}, no link among them; none where it is not there. */
  private static List<Path> foldersOf(Path folder) {
    if (!isFolder(folder)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.filter(SkippedSampleFiles::isFolder).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isFolder(Path path) {
    return Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS);
  }

  @Override
  public boolean delete(OfRun run) {
    Path folder = dataFolder.resolve(FOLDER).resolve(run.tenant()).resolve(run.runId());
    if (!isFolder(folder)) {
      return false;
    }
    try (Stream<Path> entries = Files.list(folder)) {
      for (Path file : entries.toList()) {
        Files.deleteIfExists(file);
      }
      return Files.deleteIfExists(folder);
    } catch (IOException | UncheckedIOException e) {
      LOG.warn(
          "run {}: the samples of its skipped updates could not be deleted: {}",
          run.runId(),
          e.toString());
      return false;
    }
  }

  private static void write(Path folder, String name, byte[] json) throws IOException {
    OwnerOnly.createFolders(folder);
    Path written = folder.resolve(name + ".new");
    try {
      Files.deleteIfExists(written); // of a process that was killed
      Files.write(OwnerOnly.createFile(written), json);
      Files.move(
          written,
          folder.resolve(name),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(written);
    }
  }

  private static void forgetOlder(Path folder) throws IOException {
    List<String> kept;
    try (Stream<Path> files = Files.list(folder)) {
      kept =
          files
              .map(file -> String.valueOf(file.getFileName()))
              .filter(name -> KEPT.matcher(name).matches())
              .sorted(Comparator.comparingInt(SkippedSampleFiles::iteration).reversed())
              .toList();
    }
    for (String name : kept.subList(Math.min(MOST_KEPT, kept.size()), kept.size())) {
      Files.deleteIfExists(folder.resolve(name));
    }
  }

  private static int iteration(String name) {
    return Integer.parseInt(name.substring(0, name.length() - JSON.length()));
  }
}
