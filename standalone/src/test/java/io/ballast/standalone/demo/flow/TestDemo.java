package io.ballast.standalone.demo.flow;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.standalone.demo.measure.Judge;
import io.ballast.standalone.demo.mesh.MeshCalls;
import io.ballast.standalone.demo.position.PositionSets;
import io.ballast.standalone.demo.position.SetSizes;
import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.programmer.Cursor;
import io.ballast.workshop.programmer.Position;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** A whole demo on small made-up files, against a fake mesh. */
public final class TestDemo implements AutoCloseable {
  static final DemoPlan PLAN = new DemoPlan(7, new SetSizes(24, 12, 10, 8, 40), 2, 2, "java-tiny");

  final FakeMesh mesh;
  final PositionSets sets;
  final StringWriter screen = new StringWriter();
  private final Judge judge = new Judge(2);

  public TestDemo() throws IOException {
    sets =
        PositionSets.draw(
            new PositionSets.Sources(files("Held", 60), files("Safe", 20), files("Run", 40)),
            PLAN.sizes(),
            Cursor.anyCharacter(),
            new Random(1));
    Map<String, String> truths = new HashMap<>();
    Prompts prompts = new Prompts(new CharacterTokenizer());
    Stream.of(sets.suggestions(), sets.comparison(), sets.ranking())
        .flatMap(List::stream)
        .forEach(position -> truths.put(prompts.toSuggest(position), position.truth()));
    mesh = new FakeMesh(truths);
  }

  /** Runs it to its end. */
  public DemoResult run() {
    DemoContext context =
        new DemoContext(
            PLAN,
            sets,
            new MeshCalls(mesh.channel(), "demo", "java-tiny"),
            new Prompts(new CharacterTokenizer()),
            judge,
            new Screen(new PrintWriter(screen), false, () -> 0L));
    return new DemoFlow(context, new RunSpecs(Optional.empty()), "attempt-1").run();
  }

  @Override
  public void close() {
    mesh.close();
    judge.close();
  }

  /** Returns the position that {@code prompt} comes from. */
  Optional<Position> suggestionAt(String prompt) {
    Prompts prompts = new Prompts(new CharacterTokenizer());
    return sets.suggestions().stream()
        .filter(position -> prompts.toSuggest(position).equals(prompt))
        .findFirst();
  }

  private static List<SourceFile> files(String name, int count) {
    List<SourceFile> files = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int file = i;
      String lines =
          IntStream.range(0, 9)
              .mapToObj(k -> "    int v" + k + " = compute" + file + "(" + k + ");\n")
              .collect(Collectors.joining());
      files.add(
          new SourceFile(
              name + "-1",
              name + i + ".java",
              "class " + name + i + " {\n  void run() {\n" + lines + "  }\n}\n"));
    }
    return files;
  }

  /** One token for each character; id 0 ends a text. */
  private static final class CharacterTokenizer implements Tokenizer {
    @Override
    public TokenIds encode(String text) {
      return TokenIds.of(text.chars().toArray());
    }

    @Override
    public String decode(TokenIds tokens) {
      return IntStream.of(tokens.toArray())
          .mapToObj(Character::toString)
          .collect(Collectors.joining());
    }

    @Override
    public byte[] bytesOf(int id) {
      return Character.toString(id).getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public int vocabularySize() {
      return 65_536;
    }

    @Override
    public int endOfTextId() {
      return 0;
    }
  }
}
