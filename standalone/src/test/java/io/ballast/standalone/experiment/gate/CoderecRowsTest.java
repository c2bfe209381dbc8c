package io.ballast.standalone.experiment.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gatefit.TreeGrower;
import io.ballast.standalone.experiment.ExperimentProgress;
import io.ballast.standalone.experiment.ExperimentReport;
import io.ballast.standalone.experiment.ExperimentSetting;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nothing is read that says what came afterwards, and stage 1 sees nothing of the suggestion. */
class CoderecRowsTest {
  private static final String HEADER =
      "user,k,state,time_in_state,measurements,edit,session,suggestion_label,prompt_label,"
          + "suggestion_text_features,prompt_text_features,cups_onehot\n";

  @TempDir Path folder;

  @Test
  void columnsThatLeakAreNotAmongThoseThatAreRead() {
    assertThat(Arrays.stream(CoderecColumn.values()).map(CoderecColumn::header))
        .doesNotContain(
            "time_in_state",
            "edit",
            "session",
            "cups_onehot",
            "cups_at_shown",
            "cups_at_decision",
            "hidden_at_shown",
            "dwell_seconds",
            "n_replays")
        .allSatisfy(header -> assertThat(HEADER.strip().split(",")).contains(header));
  }

  @Test
  void whatComesAfterwardsChangesNothing() throws IOException {
    CoderecRows one = CoderecRows.read(write(HEADER + row("0", "Accepted", "1 2 3", "1", 5)));
    CoderecRows other = CoderecRows.read(write(HEADER + row("0", "Accepted", "9 9 9", "0", 5)));

    for (GateStage stage : GateStage.values()) {
      assertThat(features(one, stage)).isEqualTo(features(other, stage));
    }
  }

  @Test
  void stageOneSeesNothingOfTheSuggestion() throws IOException {
    CoderecRows one = CoderecRows.read(write(HEADER + row("0", "Accepted", "1", "1", 5)));
    CoderecRows other = CoderecRows.read(write(HEADER + row("0", "Rejected", "1", "1", 6)));

    assertThat(features(one, GateStage.CONTEXT)).isEqualTo(features(other, GateStage.CONTEXT));
    assertThat(features(one, GateStage.SUGGESTION))
        .isNotEqualTo(features(other, GateStage.SUGGESTION));
  }

  @Test
  void thePastIsThatOfTheSameProgrammer() throws IOException {
    CoderecRows rows =
        CoderecRows.read(
            write(
                HEADER
                    + row("0", "Accepted", "1", "1", 5)
                    + row("1", "Rejected", "1", "1", 5)
                    + row("0", "Rejected", "1", "1", 5)
                    + row("0", "Rejected", "1", "1", 5)));

    TreeGrower.Examples seen = rows.seenBy(GateStage.CONTEXT, new int[] {3});
    float[] features = seen.features(0);
    // the last six: newest outcome, the one before, then none; half of two were accepted
    assertThat(Arrays.copyOfRange(features, features.length - 6, features.length))
        .containsExactly(0, 1, -1, -1, -1, 0.5f);
  }

  @Test
  void anotherFileIsRefused() throws IOException {
    Path missing = write("user,state\n0,Accepted\n");
    assertThatThrownBy(() -> CoderecRows.read(missing))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(
            "header: no column measurements (expected: one; there are [user, state])");
    Path unknown = write(HEADER + row("0", "Shown", "1", "1", 5));
    assertThatThrownBy(() -> CoderecRows.read(unknown))
        .isInstanceOf(IOException.class)
        .hasMessage("line 2: state: Shown (expected: Accepted or Rejected)");
  }

  @Test
  void theExperimentFindsWhatIsInTheData() throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    StringBuilder text = new StringBuilder(HEADER);
    for (int user = 0; user < 21; user++) {
      for (int i = 0; i < 60; i++) {
        int length = random.nextInt(1, 20);
        boolean accepted = random.nextDouble() < (length > 10 ? 0.7 : 0.03);
        text.append(
            row(Integer.toString(user), accepted ? "Accepted" : "Rejected", "1", "1", length));
      }
    }
    Path data = folder.resolve("sets");
    Files.createDirectories(data.resolve("cdhf"));
    Files.copy(write(text.toString()), data.resolve(CoderecRows.FILE));
    ExperimentSetting setting =
        new ExperimentSetting(
            folder,
            folder,
            Optional.of(data),
            Optional.empty(),
            2,
            OptionalInt.empty(),
            List.of(),
            new ExperimentProgress(new PrintWriter(Writer.nullWriter()), () -> 0L));

    ExperimentReport report = GateExperiment.programmers(setting);

    assertThat(report.claims()).hasSizeBetween(5, 8);
    assertThat(report.claims().get(1).holds()).as("stage 2").isTrue();
    assertThat(report.claims().get(2).holds()).as("gain").isTrue();
    assertThat(report.claims().get(0).value()).isBetween(0.4, 0.6);
    // what is short is rejected with probability .97: lines at 80 % are found and hide half
    assertThat(report.sections().get(1).text()).contains("| 80 % |").contains("12 of 12");
    assertThatThrownBy(
            () ->
                new GateExperiment()
                    .run(
                        new ExperimentSetting(
                            folder,
                            folder,
                            Optional.empty(),
                            Optional.empty(),
                            2,
                            OptionalInt.empty(),
                            List.of(),
                            setting.progress())))
        .isInstanceOf(IOException.class)
        .hasMessageEndingWith("is not there; name the folder of data sets with --data");
  }

  private static List<Float> features(CoderecRows rows, GateStage stage) {
    float[] features = rows.seenBy(stage, new int[] {0}).features(0);
    Float[] boxed = new Float[features.length];
    for (int i = 0; i < boxed.length; i++) {
      boxed[i] = features[i];
    }
    return List.of(boxed);
  }

  private static String row(
      String user, String state, String edit, String cups, int suggestionCharacters) {
    return "%s,0,%s,%s,%d 30 4 33 2 37 0.6 247 1 16 287 247 0.17 -3.5 -0.2,%s,2 0 1,%s,%s,%s,%s,%s\n"
        .formatted(
            user,
            state,
            edit.split(" ")[0],
            suggestionCharacters,
            edit,
            zeros(14),
            zeros(14),
            zeros(21),
            zeros(21),
            cups);
  }

  private static String zeros(int count) {
    return "0 ".repeat(count).strip();
  }

  private Path write(String text) throws IOException {
    Path file = Files.createTempFile(folder, "rows", ".csv.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return file;
  }
}
