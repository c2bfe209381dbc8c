package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.CompletionScorer;
import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@link ScorerContract} in this process, on the folder that a Triton serves. */
class ExportedScorerTest extends ScorerContract {
  @TempDir private static Path repository;

  @BeforeAll
  static void export() throws IOException {
    TritonExport export = new TritonExport(repository, ExportOptions.defaults());
    for (List<String> model :
        List.of(List.of("java-reward", "1"), List.of("java-cost", "1", "2"))) {
      List<Version> versions = new ArrayList<>();
      for (String version : model.subList(1, model.size())) {
        versions.add(
            new Version(
                Long.parseLong(version), MODELS.resolve(model.getFirst()).resolve(version)));
      }
      var unused =
          export.scoring(model.getFirst(), versions, trunk -> MODELS.resolve("java-tiny/1"));
    }
  }

  @Override
  CompletionScorer open(String name, String version) {
    return ExportedScorer.open(repository.resolve(name), version, 1);
  }

  @Override
  ModelException.Reason unknownModel() {
    return ModelException.Reason.INVALID_FOLDER;
  }

  @Test
  void aFileThatChangedIsRefused() throws IOException {
    Path entry = repository.resolve("changed");
    Files.createDirectories(entry.resolve("1"));
    for (String file : List.of("config.pbtxt", "ballast.json", "1/model.onnx")) {
      Files.copy(repository.resolve("java-reward").resolve(file), entry.resolve(file));
    }
    Files.writeString(entry.resolve("1/model.onnx"), "x", StandardOpenOption.APPEND);
    assertThatThrownBy(() -> ExportedScorer.open(entry, "1", 1))
        .isInstanceOfSatisfying(
            ModelException.class,
            e ->
                assertThat(e.reason())
                    .isIn(
                        ModelException.Reason.CORRUPT_WEIGHTS,
                        ModelException.Reason.INVALID_FOLDER));
  }
}
