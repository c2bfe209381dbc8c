package io.ballast.workshop.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.workshop.programmer.Outcome;
import io.ballast.workshop.scoring.LabelledCompletion.Drawn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Labels survive the file, and a bad line is named. */
class LabelledGroupsTest {
  private static final List<LabelledGroup> GROUPS =
      List.of(
          new LabelledGroup(
              "a/B.java",
              TokenIds.of(1, 2),
              List.of(
                  new LabelledCompletion(TokenIds.of(3), 4, 4, false),
                  new LabelledCompletion(TokenIds.of(), 0, 2, true))),
          new LabelledGroup("a/C.java", TokenIds.of(7), List.of()));

  @TempDir Path folder;

  @Test
  void whatWasWrittenIsReadBackPlainAndCompressed() throws IOException {
    for (String name : List.of("labels.jsonl", "labels.jsonl.gz")) {
      Path file = folder.resolve(name);
      try (LabelledGroups.Writer writer = LabelledGroups.writer(file)) {
        for (LabelledGroup group : GROUPS) {
          writer.write(group);
        }
      }
      assertThat(LabelledGroups.read(file)).isEqualTo(GROUPS);
    }
    assertThat(Files.readAllLines(folder.resolve("labels.jsonl")).getFirst())
        .isEqualTo(
            "{\"file\":\"a/B.java\",\"prompt_tokens\":[1,2],\"completions\":["
                + "{\"tokens\":[3],\"saved\":4,\"kept\":4,\"harm\":0},"
                + "{\"tokens\":[],\"saved\":0,\"kept\":2,\"harm\":1}]}");
  }

  @Test
  void howACompletionWasDrawnIsReadBack() throws IOException {
    LabelledGroup drawn =
        new LabelledGroup(
            "a/B.java",
            TokenIds.of(1),
            "class B {\n  int ",
            List.of(
                new LabelledCompletion(
                    TokenIds.of(3, 5),
                    0,
                    2,
                    true,
                    Optional.of(
                        new Drawn(
                            "x é;",
                            PerToken.of(-0.1f, -2.5e-7f),
                            StopReason.STOP_STRING,
                            Outcome.EDITED)))));
    Path file = folder.resolve("drawn.jsonl.gz");
    try (LabelledGroups.Writer writer = LabelledGroups.writer(file)) {
      writer.write(drawn);
    }
    assertThat(LabelledGroups.read(file)).containsExactly(drawn);
  }

  @Test
  void aBadLineIsNamed() throws IOException {
    String good = "{\"file\":\"f\",\"prompt_tokens\":[1],\"completions\":[]}\n";
    refuses(good + good.replace("[1]", "[1,\"x\"]"), "line 2: prompt_tokens[1]: \"x\"");
    refuses(good.replace("\"f\"", "7"), "line 1: file: 7 (expected: a text)");
    refuses(
        good.replace("[]", "[{\"tokens\":[],\"saved\":3,\"kept\":2,\"harm\":0}]"),
        "line 1: saved, kept: 3, 2 (expected: 0 ≤ saved ≤ kept)");
    refuses(
        good.replace("[]", "[{\"tokens\":[],\"saved\":0,\"kept\":0,\"harm\":2}]"),
        "completions[0].harm: 2 (expected: 0 or 1)");
    String half =
        "[{\"tokens\":[3],\"saved\":0,\"kept\":0,\"harm\":0,\"text\":\"x\",\"log_probs\":[-1]";
    refuses(good.replace("[]", half + "}]"), "stop_reason:  (expected: one of [END_OF_TEXT");
    refuses(
        good.replace(
            "[]",
            half.replace("[-1]", "[]")
                + ",\"stop_reason\":\"MAX_TOKENS\",\"outcome\":\"EDITED\"}]"),
        "log_probs: 0 (expected: one a token, 1)");
  }

  private void refuses(String text, String message) throws IOException {
    Path file = folder.resolve("bad.jsonl");
    Files.writeString(file, text);
    assertThatThrownBy(() -> LabelledGroups.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(message);
  }
}
