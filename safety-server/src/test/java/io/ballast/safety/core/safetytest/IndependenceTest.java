package io.ballast.safety.core.safetytest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.store.DigestIndex;
import io.ballast.inference.store.ModelManifest;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.safety.adapter.FolderLabels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * No candidate is judged by what it was made to please, nor by what learned from the same labels.
 */
class IndependenceTest {
  private static final PinnedVersion JUDGE = new PinnedVersion("cost", "2", "b2");
  private static final PinnedVersion OPTIMISED = new PinnedVersion("cost", "1", "a1");

  @TempDir Path models;

  private LearnedLabels labels() {
    return new FolderLabels(List.of(models));
  }

  private Path folder(PinnedVersion model) throws IOException {
    Path folder = models.resolve(model.model()).resolve(model.version());
    Files.createDirectories(folder);
    Files.writeString(folder.resolve(ModelManifest.WEIGHTS), "weights");
    Files.writeString(folder.resolve("config.json"), "{}");
    return folder;
  }

  private void learned(PinnedVersion model, String... completions) throws IOException {
    DigestIndex.of(Stream.of(completions).mapToLong(text -> DigestIndex.ofLabel("int a = ", text)))
        .write(folder(model).resolve(DigestIndex.LABELS));
  }

  @Test
  void labelsThatTaughtBothAreCountedAndRefused() throws IOException {
    learned(JUDGE, "1;", "2;", "3;", "4;");
    learned(OPTIMISED, "4;", "5;", "3;");

    assertThatThrownBy(() -> Independence.require(JUDGE, List.of(OPTIMISED), labels()))
        .hasMessage(
            "spec.cost_model: cost 2 learned from 4 labels, of which 2 taught"
                + " spec.optimised_cost_models[0] too, cost 1 (expected: 0: it has the same errors;"
                + " same_cost_model allows it)")
        .isInstanceOfSatisfying(
            MeshException.class,
            thrown -> {
              assertThat(thrown.fault()).isEqualTo(Fault.PRECONDITION_FAILED);
              assertThat(thrown.metadata())
                  .containsEntry("common_labels", "2")
                  .containsEntry("refusal", "COMMON_LABELS");
            });
  }

  @Test
  void otherLabelsAreAllowed() throws IOException {
    learned(JUDGE, "1;", "2;");
    learned(OPTIMISED, "3;");

    assertThat(Independence.require(JUDGE, List.of(OPTIMISED), labels())).isEmpty();
  }

  @Test
  void aFolderWithoutAnIndexSaysNothing() throws IOException {
    learned(JUDGE, "1;");
    folder(OPTIMISED);
    PinnedVersion elsewhere = new PinnedVersion("cost", "9", "");

    assertThat(Independence.require(JUDGE, List.of(OPTIMISED, elsewhere), labels()))
        .containsExactly(OPTIMISED, elsewhere);
  }

  @Test
  void theSameModelIsRefusedWhateverItLearnedFrom() {
    PinnedVersion copy = new PinnedVersion("other", "7", "b2");

    for (PinnedVersion same : List.of(JUDGE, copy)) {
      assertThatThrownBy(() -> Independence.require(JUDGE, List.of(same), labels()))
          .hasMessageContaining(
              "spec.optimised_cost_models[0], which the candidate's run optimised");
    }
  }

  @Test
  void whereTheSpecAllowsItWhatHoldsIsSaid() throws IOException {
    learned(JUDGE, "1;", "2;", "3;");
    learned(OPTIMISED, "3;");
    PinnedVersion more = new PinnedVersion("more", "1", "c3");
    learned(more, "2;", "3;", "4;");
    PinnedVersion elsewhere = new PinnedVersion("cost", "9", "");

    assertThat(Independence.dependence(JUDGE, List.of(OPTIMISED, more, elsewhere), labels()))
        .isEqualTo(new JudgeDependence(false, 2, 1))
        .extracting(JudgeDependence::text)
        .isEqualTo(
            "2 labels taught it and one that the candidate's run optimised against, of 1 the labels"
                + " are not said; its spec allows the same (same_cost_model)");
    assertThat(Independence.dependence(JUDGE, List.of(JUDGE, OPTIMISED), labels()))
        .isEqualTo(new JudgeDependence(true, 1, 0))
        .extracting(JudgeDependence::text)
        .isEqualTo(
            "one that the candidate's run optimised against, and 1 label taught it and another of"
                + " those; its spec allows the same (same_cost_model)");
    assertThat(Independence.dependence(JUDGE, List.of(), labels()))
        .isEqualTo(new JudgeDependence(false, 0, 0))
        .extracting(JudgeDependence::text)
        .isEqualTo(
            "not one that the candidate's run optimised against; its spec allows the same"
                + " (same_cost_model)");
  }

  @Test
  void anIndexThatCannotBeReadIsNotTakenForNone() throws IOException {
    learned(JUDGE, "1;");
    Files.write(folder(OPTIMISED).resolve(DigestIndex.LABELS), new byte[12]);

    assertThatThrownBy(() -> Independence.require(JUDGE, List.of(OPTIMISED), labels()))
        .hasMessage("labels.idx of cost 1 cannot be read");
  }
}
