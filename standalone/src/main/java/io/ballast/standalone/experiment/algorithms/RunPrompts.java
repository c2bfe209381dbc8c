package io.ballast.standalone.experiment.algorithms;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.file.OwnerOnly;
import io.ballast.standalone.demo.position.CorpusSources;
import io.ballast.standalone.experiment.ExperimentSetting;
import io.ballast.workshop.corpus.Corpus;
import io.ballast.workshop.corpus.CorpusPart;
import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.programmer.Cursor;
import io.ballast.workshop.programmer.ParseCheck;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.Positions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The demo's task: what runs learn from, what their tests use up, and where gold is measured, in
 * files of which none is in two of these.
 *
 * @param learning prompts, each once
 * @param tests prompts, each once and for one test
 * @param heldOut positions in artefacts that trained nothing
 */
record RunPrompts(List<String> learning, List<String> tests, List<Position> heldOut) {
  /** Below the data folder of a mesh, where runs may read. */
  static final String LEARNING_FILE = "prompts/learning.jsonl";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long SEED = 20_261_128;
  private static final int LEARNED = 2_000;
  private static final int MOST_PER_FILE = 12;
  private static final long FILES_SALT = 7;
  private static final int TAIL_CHARACTERS = 600;

  /** Copies the lists. */
  RunPrompts {
    learning = List.copyOf(learning);
    tests = List.copyOf(tests);
    heldOut = List.copyOf(heldOut);
  }

  /**
   * Draws them.
   *
   * @param base the folder with the tokenizer, between whose tokens cursors stand
   * @param positions how many to measure at
   * @param tests how many prompts for tests
   */
  static RunPrompts draw(ExperimentSetting setting, Path base, int positions, int tests)
      throws IOException {
    CorpusSources sources = new CorpusSources(setting.home(), Path.of("mvn"));
    if (!sources.present()) {
      setting.progress().say("fetching held-out and preference sources with Maven");
      sources.fetch();
    }
    Corpus corpus = sources.read(SEED);
    try (HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(base);
        ParseCheck parseCheck = new ParseCheck()) {
      Positions places = new Positions(Cursor.tokenBoundaries(tokenizer), parseCheck);
      List<Position> held = spread(places, CorpusPart.COMPARISON.files(corpus), positions);
      List<String> learning = prompts(drawn(places, CorpusPart.RUN_PROMPTS, corpus, LEARNED, 4));
      List<String> tested =
          new ArrayList<>(prompts(drawn(places, CorpusPart.SAFETY_TEST, corpus, 2 * tests, 3)));
      tested.removeAll(Set.copyOf(learning)); // what is learned from depends on no number of runs
      if (held.size() < positions || tested.size() < tests) {
        throw new IOException(
            "%,d positions and %,d prompts for tests in the held-out files (expected: %,d and %,d)"
                .formatted(held.size(), tested.size(), positions, tests));
      }
      return new RunPrompts(learning, tested.subList(0, tests), held);
    }
  }

  /** Writes what runs learn from into a mesh's data folder, where their specs find it. */
  void writeLearning(Path data) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (String prompt : learning) {
      lines.append(JSON.writeValueAsString(Map.of("prompt", prompt))).append('\n');
    }
    Path file = data.resolve(LEARNING_FILE);
    OwnerOnly.createFolders(data.resolve("prompts"));
    Files.writeString(file, lines, StandardCharsets.UTF_8);
  }

  private static List<Position> drawn(
      Positions places, CorpusPart part, Corpus corpus, int count, long salt) {
    List<SourceFile> files = part.files(corpus);
    return places.draw(files, count, MOST_PER_FILE, new SplittableRandom(SEED * 10 + salt));
  }

  /**
   * From as many files as there are: one of each, then another of each, until there are {@code
   * count} or no file has any more.
   */
  static List<Position> spread(Positions places, List<SourceFile> files, int count) {
    List<SourceFile> shuffled = new ArrayList<>(files);
    Collections.shuffle(shuffled, Random.from(new SplittableRandom(SEED * 10 + FILES_SALT)));
    SplittableRandom random = new SplittableRandom(SEED * 10 + 2);
    List<List<Position>> byFile = new ArrayList<>();
    for (int f = 0; f < shuffled.size() && byFile.size() < count; f++) {
      List<Position> own =
          places.draw(List.of(shuffled.get(f)), MOST_PER_FILE, MOST_PER_FILE, random.split());
      if (!own.isEmpty()) {
        byFile.add(own);
      }
    }
    return IntStream.range(0, MOST_PER_FILE)
        .boxed()
        .flatMap(k -> byFile.stream().filter(own -> own.size() > k).map(own -> own.get(k)))
        .limit(count)
        .toList();
  }

  /** Which file each held-out position is in. */
  List<String> heldOutFiles() {
    return heldOut.stream()
        .map(position -> position.file().artefact() + "/" + position.file().path())
        .toList();
  }

  /** A checksum of what is learned from and of where gold is measured. */
  String checksum() {
    return Sha256.of(
        String.join("\0", learning)
            + "\0\0"
            + heldOut.stream().map(Position::id).collect(Collectors.joining("\0")));
  }

  /** Each once: two files may begin alike. */
  private static List<String> prompts(List<Position> positions) {
    Set<String> prompts = new LinkedHashSet<>();
    positions.forEach(position -> prompts.add(position.promptTail(TAIL_CHARACTERS)));
    return List.copyOf(prompts);
  }
}
