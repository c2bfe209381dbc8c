package io.ballast.standalone.demo.position;

import io.ballast.workshop.corpus.Corpus;
import io.ballast.workshop.corpus.Split;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The held-out and preference sources of a checkout. Fetched with Maven where they are missing;
 * nothing of them is part of the checkout.
 */
public final class CorpusSources {
  private static final Path POM = Path.of("workshop", "corpus-pom.xml");
  private static final Path FOLDER = Path.of("workshop", "target", "corpus");
  private static final List<Split> WANTED = List.of(Split.HELDOUT, Split.PREFERENCE);

  private static final Pattern ARTEFACT =
      Pattern.compile(
          "<artifactId>([^<]+)</artifactId>\\s*<version>([^<]+)</version>\\s*<classifier>sources");

  private final Path checkout;
  private final Path maven;

  /**
   * @param checkout the folder of the checkout
   * @param maven the command that runs Maven, such as {@code mvn}
   */
  public CorpusSources(Path checkout, Path maven) {
    this.checkout = checkout;
    this.maven = maven;
  }

  /**
   * Whether every artefact that the corpus POM names is there.
   *
   * @throws IOException if the POM is not there
   */
  public boolean present() throws IOException {
    String pom = pom();
    return WANTED.stream()
        .allMatch(
            split -> {
              Path folder = checkout.resolve(FOLDER).resolve(split.folder());
              List<String> names = artefacts(pom, split);
              return !names.isEmpty()
                  && names.stream().allMatch(name -> Files.isRegularFile(folder.resolve(name)));
            });
  }

  /**
   * Fetches the sources into the build folder of the workshop; needs the network the first time.
   *
   * @throws IOException with what to do, if Maven is missing or fails
   */
  public void fetch() throws IOException {
    pom();
    List<String> command = new ArrayList<>(List.of(maven.toString(), "-q", "-B", "-f"));
    command.add(checkout.resolve(POM).toString());
    WANTED.forEach(split -> command.add("dependency:copy@" + split.folder()));
    Path log = Files.createTempFile("ballast-corpus", ".log");
    try {
      int code = run(command, log);
      if (code != 0) {
        throw new IOException(
            "Maven could not fetch the sources (exit code %d): %s (by hand: mvn -f %s generate-resources)"
                .formatted(code, lastLine(log), POM));
      }
    } finally {
      Files.deleteIfExists(log);
    }
  }

  /**
   * Reads and cleans them.
   *
   * @param seed of the order of files
   */
  public Corpus read(long seed) throws IOException {
    return Corpus.readUpTo(Split.PREFERENCE, checkout.resolve(FOLDER), seed);
  }

  private String pom() throws IOException {
    Path pom = checkout.resolve(POM);
    if (!Files.isRegularFile(pom)) {
      throw new IOException(pom + ": no such file (run from the folder of the checkout)");
    }
    return Files.readString(pom, StandardCharsets.UTF_8);
  }

  /** The names of the files that the POM's execution for {@code split} copies. */
  static List<String> artefacts(String pom, Split split) {
    int start = pom.indexOf("<id>" + split.folder() + "</id>");
    if (start < 0) {
      return List.of();
    }
    return ARTEFACT
        .matcher(pom.substring(start, pom.indexOf("</execution>", start)))
        .results()
        .map(found -> found.group(1) + "-" + found.group(2) + "-sources.jar")
        .toList();
  }

  private static int run(List<String> command, Path log) throws IOException {
    Process process;
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
              .start();
    } catch (IOException e) {
      throw new IOException(
          command.getFirst() + ": cannot be run (install Maven 3.8 or newer, or set MAVEN_HOME)",
          e);
    }
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      process.destroy();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while Maven fetched the sources", e);
    }
  }

  private static String lastLine(Path log) throws IOException {
    return Files.readString(log, StandardCharsets.UTF_8)
        .lines()
        .filter(line -> line.contains("ERROR"))
        .findFirst()
        .map(String::strip)
        .orElse("no message");
  }
}
