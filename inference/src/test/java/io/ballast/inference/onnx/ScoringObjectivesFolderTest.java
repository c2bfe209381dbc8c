package io.ballast.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a folder says of its objectives is read back as it was written, or refused by name. */
class ScoringObjectivesFolderTest {
  @TempDir private Path temporary = Path.of(".");
  private Path folder = Path.of(".");
  private Path trunk = Path.of(".");
  private String config = "";

  @BeforeEach
  void write() throws IOException {
    trunk = TinyFolders.trunk(temporary.resolve("trunk"), TinyFolders.GROUPED, 3);
    folder = temporary.resolve("several/1");
    ScoringModelFolder.write(
        folder, TinyFolders.objectives(trunk, 2, List.of(1.0, -0.5), 8, 5), Map.of());
    config = Files.readString(folder.resolve("config.json"));
  }

  @Test
  void whatWasWrittenIsReadBack() {
    ScoringModel model = TinyFolders.objectives(trunk, 2, List.of(1.0, -0.5), 8, 5);
    ScoringModel read = ScoringModelFolder.read(folder, TinyFolders.GROUPED.hiddenSize());
    assertThat(read.spec()).isEqualTo(model.spec());
    assertThat(read.spec().calibration()).isEmpty();
    assertThat(read.spec().inverseTemperature(0)).isEmpty();
    assertThat(read.heads().size()).isEqualTo(4);
    for (int h = 0; h < 4; h++) {
      assertThat(read.heads().heads().get(h))
          .usingRecursiveComparison()
          .isEqualTo(model.heads().heads().get(h));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "`\"objective_1\"` | `\"Love\"` |"
            + " `objectives[1].name: \"Love\" (expected: [a-z][a-z0-9]*(_[a-z0-9]+)*, at most 64 characters)`",
        "`\"objective_1\"` | `\"objective_0\"` |"
            + " `objectives[1].name: \"objective_0\" (expected: none that is another's)`",
        "`\"objective_1\"` | 7 | `objectives[1].name: 7 (expected: a text)`",
        "`\"weight\" : -0.5` | `\"weight\" : 0` |"
            + " `objectives[1].weight: 0.0 (expected: 0.001 to 1000, or the negative of that)`",
        "`\"weight\" : -0.5` | `\"weight\" : -1e-9` |"
            + " `objectives[1].weight: -1.0E-9 (expected: 0.001 to 1000, or the negative of that)`",
        "`\"weight\" : -0.5` | `\"weight\" : 1e39` |"
            + " `objectives[1].weight: 1.0E39 (expected: 0.001 to 1000, or the negative of that)`",
        "`\"weight\" : -0.5` | `\"weight\" : 1e999` |"
            + " `objectives[1].weight: Infinity (expected: 0.001 to 1000, or the negative of that)`",
        "`\"weight\" : -0.5` | `\"weight\" : \"much\"` |"
            + " `objectives[1].weight: \"much\" (expected: a number)`",
        "`\"objective_1\"` | `\"love_\"` |"
            + " `objectives[1].name: \"love_\" (expected: [a-z][a-z0-9]*(_[a-z0-9]+)*, at most 64 characters)`",
        "`\"normalization\"` | `\"normal\"` |"
            + " `objectives[1].normalization: none (expected: one a member)`",
        "`\"a\" : 2.0` | `\"a\" : \"much\"` |"
            + " `objectives[0].calibration.a: \"much\" (expected: a number)`",
        "`\"std\" : 0.5\n` | `\"std\" : 0\n` |"
            + " `objectives[0].normalization[0].std: 0.0 (expected: > 0)`",
        "`\"std\" : 3.5\n    } ]` | `\"std\" : 3.5\n    }, {\"mean\": 0, \"std\": 1} ]` |"
            + " `objectives[1].held_out.members: 2 (expected: one a head, 3)`",
      })
  void whatCannotBeIsRefusedByItsField(String there, String instead, String message)
      throws IOException {
    assertThat(config).contains(there);
    int last = config.lastIndexOf(there);
    refuses(config.substring(0, last) + instead + config.substring(last + there.length()), message);
  }

  @Test
  void anObjectiveOfAnotherNumberOfMembersIsRefused() throws IOException {
    ScoringSpec three = TinyFolders.objectives(trunk, 3, List.of(1.0, -0.5), 8, 5).spec();
    String objectives = ScoringConfig.json(three).path("objectives").toString();
    refuses(
        config.substring(0, config.indexOf("\"objectives\""))
            + "\"objectives\": "
            + objectives
            + "}",
        "objectives[0].normalization: 3 (expected: one a member, 2)");
  }

  @Test
  void weightsAreReadToTheirEnds() throws IOException {
    for (double weight : new double[] {1e-3, -1e-3, 1e3, -1e3}) {
      Files.writeString(
          folder.resolve("config.json"),
          config.replace("\"weight\" : -0.5", "\"weight\" : " + weight));
      Files.deleteIfExists(folder.resolve("ballast.json"));
      ScoringModel read = ScoringModelFolder.read(folder, TinyFolders.GROUPED.hiddenSize());
      assertThat(read.spec().objectives().get(1).weight()).isEqualTo(weight);
    }
  }

  @Test
  void tooManyObjectivesAndThoseOfACostAreRefused() throws IOException {
    assertThatThrownBy(
            () -> TinyFolders.objectives(trunk, 1, Collections.nCopies(17, 1.0), 8, 5).spec())
        .hasMessage("objectives: 17 (expected: at most 16)");
    refuses(
        config.replace("REWARD_ENSEMBLE", "COST"), "calibration: none (expected: one, of a cost)");
    refuses(
        config
            .replace("REWARD_ENSEMBLE", "COST")
            .replaceFirst("\\{", "{\"calibration\": {\"a\": 1, \"b\": 0},"),
        "objectives: 2 (expected: none of a COST with 0 own blocks)");
    refuses(
        config.substring(0, config.indexOf("\"objectives\"")) + "\"objectives\": 2}",
        "objectives: 2 (expected: an array)");
  }

  @Test
  void aHeadThatIsMissingIsNamed() throws IOException {
    ScoringModel one = TinyFolders.objectives(trunk, 2, List.of(1.0), 8, 5);
    ScoringModelFolder.write(folder, one, Map.of());
    refuses(config, "tensor heads.2.hidden.weight");
  }

  private void refuses(String text, String message) throws IOException {
    Files.writeString(folder.resolve("config.json"), text);
    Files.delete(folder.resolve("ballast.json"));
    assertThatThrownBy(() -> ScoringModelFolder.read(folder, TinyFolders.GROUPED.hiddenSize()))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessageContaining(message);
    Files.writeString(folder.resolve("ballast.json"), "{}");
  }
}
