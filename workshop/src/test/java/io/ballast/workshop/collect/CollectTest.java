package io.ballast.workshop.collect;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.workshop.corpus.Corpus;
import io.ballast.workshop.corpus.CorpusPart;
import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.corpus.Split;
import io.ballast.workshop.programmer.Judgement;
import io.ballast.workshop.programmer.Outcome;
import io.ballast.workshop.programmer.ParseCheck;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.SimulatedProgrammer;
import io.ballast.workshop.scoring.LabelledCompletion;
import io.ballast.workshop.scoring.LabelledGroup;
import io.ballast.workshop.scoring.LabelledGroups;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What is collected is what the true files say of what was drawn. */
class CollectTest {
  private static final int FILES = 30;

  @TempDir static Path folder;

  @BeforeAll
  static void writeCorpusAndDecoder() throws IOException {
    String text = TinyCorpus.write(folder.resolve("corpus"), FILES, 1);
    TinyDecoder.write(folder.resolve("tiny/1"), text);
  }

  @Test
  void labelsAreThoseOfTheTrueFiles() throws IOException {
    List<LabelledGroup> groups = collect("labels.jsonl.gz", "--shape", "24/8,12/4");
    Map<String, SourceFile> files =
        CorpusPart.REWARD_LABELS
            .files(Corpus.readUpTo(Split.PREFERENCE, folder.resolve("corpus"), 1))
            .stream()
            .collect(Collectors.toMap(f -> f.artefact() + "/" + f.path(), f -> f));
    assertThat(groups).hasSize(20);
    Set<Outcome> outcomes = new HashSet<>();
    try (ParseCheck parseCheck = new ParseCheck()) {
      for (int g = 0; g < groups.size(); g++) {
        LabelledGroup group = groups.get(g);
        SourceFile file = Objects.requireNonNull(files.get(group.file()), group.file());
        assertThat(file.text()).startsWith(group.promptText());
        Position position = new Position(file, group.promptText().length());
        assertThat(group.prompt().size()).isBetween(1, g % 2 == 0 ? 24 : 12);
        assertThat(group.completions()).hasSize(3);
        for (LabelledCompletion completion : group.completions()) {
          LabelledCompletion.Drawn drawn = completion.drawn().orElseThrow();
          Judgement judgement = SimulatedProgrammer.judge(position, drawn.text());
          assertThat(drawn.outcome()).isEqualTo(judgement.outcome());
          assertThat(completion.saved()).isEqualTo(judgement.charactersSaved());
          assertThat(completion.kept()).isEqualTo(judgement.charactersKept());
          assertThat(completion.harmful()).isEqualTo(parseCheck.breaks(position, drawn.text()));
          assertThat(completion.tokens().size()).isLessThanOrEqualTo(g % 2 == 0 ? 8 : 4);
          assertThat(drawn.logProbs().sum()).isNegative();
          outcomes.add(drawn.outcome());
        }
      }
    }
    // the decoder knows its one file by heart, or this test would see rejections only
    assertThat(outcomes).contains(Outcome.ACCEPTED, Outcome.REJECTED);
  }

  @Test
  void theSeedAloneDecides() throws IOException {
    List<LabelledGroup> first = collect("first.jsonl");
    assertThat(collect("second.jsonl")).isEqualTo(first);
    assertThat(collect("third.jsonl", "--seed", "2")).isNotEqualTo(first);
  }

  @Test
  void aProgrammerWhoAlwaysErrsTurnsEveryOutcomeAndNoHarm() throws IOException {
    List<LabelledGroup> right = collect("right.jsonl");
    List<LabelledGroup> wrong = collect("wrong.jsonl", "--noise", "1");
    for (int g = 0; g < right.size(); g++) {
      for (int i = 0; i < 3; i++) {
        LabelledCompletion good = right.get(g).completions().get(i);
        LabelledCompletion bad = wrong.get(g).completions().get(i);
        assertThat(bad.harmful()).isEqualTo(good.harmful());
        int characters = bad.drawn().orElseThrow().text().stripTrailing().length();
        assertThat(bad.kept()).isEqualTo(good.kept() > 0 ? 0 : characters);
      }
    }
  }

  @Test
  void aBadOptionIsNamedAndNothingIsWritten() {
    StringWriter err = new StringWriter();
    assertThat(run("bad.jsonl", err, List.of("--noise", "1.5"))).isEqualTo(2);
    assertThat(err.toString()).contains("--noise: 1.5 (expected: ≥ 0 and ≤ 1)");
    assertThat(run("bad.jsonl", err, List.of("--shape", "96"))).isEqualTo(2);
    assertThat(err.toString()).contains("96 (expected: prompt/new tokens, such as 96/24)");
    assertThat(run("bad.jsonl", err, List.of("--shape", "0/4"))).isEqualTo(2);
    assertThat(err.toString()).contains("shape: 0/4 (expected: ≥ 1/≥ 1)");
    assertThat(folder.resolve("bad.jsonl")).doesNotExist();
  }

  private static List<LabelledGroup> collect(String name, String... more) throws IOException {
    StringWriter err = new StringWriter();
    assertThat(run(name, err, List.of(more))).as(err.toString()).isZero();
    return LabelledGroups.read(folder.resolve(name));
  }

  private static int run(String name, StringWriter err, List<String> more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--model",
                folder.resolve("tiny/1").toString(),
                "--corpus",
                folder.resolve("corpus").toString(),
                "--output",
                folder.resolve(name).toString(),
                "--part",
                "REWARD_LABELS",
                "--positions",
                "20",
                "--samples",
                "3"));
    if (!more.contains("--shape")) {
      arguments.addAll(List.of("--shape", "24/8"));
    }
    arguments.addAll(more);
    return new CommandLine(new Collect(() -> 0))
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOut(new PrintWriter(new StringWriter()))
        .setErr(new PrintWriter(err))
        .execute(arguments.toArray(String[]::new));
  }
}
