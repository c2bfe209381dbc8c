package io.ballast.inference.triton.export;

import static io.ballast.inference.triton.export.Exports.MODELS;
import static io.ballast.inference.triton.export.Exports.reward;
import static io.ballast.inference.triton.export.Exports.trunk;
import static io.ballast.inference.triton.export.Exports.version;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.triton.export.TritonExport.Version;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an export leaves in the repository: a whole entry under a name of its own, or nothing. */
class TritonExportRepositoryTest {
  @TempDir private Path folder = Path.of(".");

  @Test
  void nothingIsReplaced() throws IOException {
    reward(folder.resolve("repository"), ExportOptions.defaults());

    assertThatThrownBy(() -> reward(folder.resolve("repository"), ExportOptions.defaults()))
        .isInstanceOf(FileAlreadyExistsException.class);
  }

  @Test
  void whatHasTheNameAlreadyStaysWhateverItIs() throws IOException {
    Path repository = Files.createDirectories(folder.resolve("repository"));
    Path target = repository.resolve("java-reward");
    Files.createSymbolicLink(target, folder.resolve("nowhere"));
    assertThatThrownBy(() -> reward(folder.resolve("repository"), ExportOptions.defaults()))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThat(Files.isSymbolicLink(target)).isTrue();
    Files.delete(target);
    Files.writeString(target, "mine");
    assertThatThrownBy(() -> reward(folder.resolve("repository"), ExportOptions.defaults()))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThat(target).hasContent("mine");
  }

  @Test
  void aRepositoryMayBeALink() throws IOException {
    Path real = Files.createDirectories(folder.resolve("disk/models"));
    Files.createSymbolicLink(folder.resolve("repository"), real);
    assertThat(
            reward(folder.resolve("repository"), ExportOptions.defaults()).resolve("config.pbtxt"))
        .exists();
    assertThat(real.resolve("java-reward/1/model.onnx")).exists();
    assertThat(folder.resolve("disk")).isDirectoryNotContaining("glob:**/.*");
  }

  /** Triton takes every folder of its repository for a model, and does not start if it is none. */
  @Test
  void whatIsUnderConstructionIsNotInTheRepository() throws IOException {
    Path repository = folder.resolve("repository");
    List<Path> seen = new ArrayList<>();
    new TritonExport(repository, ExportOptions.defaults())
        .scoring(
            "java-reward",
            List.of(version("java-reward", 1)),
            reference -> {
              try (var files = Files.list(repository)) {
                files.forEach(seen::add);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
              return trunk(reference);
            });
    assertThat(seen).isEmpty();
    assertThat(folder).isDirectoryNotContaining("glob:**/.*");
  }

  @Test
  void namesThatAreNoFolderOfTheRepositoryAreRefused() {
    for (String name : List.of("", ".", "..", "../x", "a/b", "a\nb", "a\"b", ".hidden", "ä")) {
      assertThatThrownBy(
              () ->
                  new TritonExport(folder.resolve("repository"), ExportOptions.defaults())
                      .scoring(name, List.of(version("java-reward", 1)), Exports::trunk))
          .as(name)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("name: \"" + name + "\" (expected: letters,");
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aNumberIsOfOneVersion() {
    assertThatThrownBy(() -> new Version(0, Path.of("."))).hasMessageStartingWith("version: 0");
    TritonExport export = new TritonExport(folder.resolve("repository"), ExportOptions.defaults());
    List<Version> twice = List.of(version("java-cost", 1), new Version(1, MODELS));
    assertThatThrownBy(() -> export.scoring("costs", twice, Exports::trunk))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("versions[1]: 1 (expected: a number that no other has)");
    assertThatThrownBy(() -> export.decoder("decoder", twice))
        .hasMessageStartingWith("versions[1]: 1");
    assertThatThrownBy(() -> export.trees("trees", twice, "gate.json"))
        .hasMessageStartingWith("versions[1]: 1");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void versionsThatDifferInTheirTensorsAreRefused() {
    assertThatThrownBy(
            () ->
                new TritonExport(folder.resolve("repository"), ExportOptions.defaults())
                    .scoring(
                        "mixed",
                        List.of(version("java-reward", 1), version("java-cost", 2)),
                        Exports::trunk))
        .isInstanceOf(ModelException.class)
        .hasMessage(
            "mixed version 2: 3 members, 0 objectives, on a context of 256 and a vocabulary of 4,096"
                + " (expected: as the first version, 5 members, 0 objectives, on a context of 256"
                + " and a vocabulary of 4,096)");
    assertThat(folder.resolve("repository")).isEmptyDirectory();
  }
}
