package io.ballast.standalone.supply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What comes along does so by a licence that we know. */
class LicencePolicyTest {
  @TempDir private Path folder;

  @Test
  void aLibraryIsTakenByOneOfItsLicencesOrByAnExceptionOfItsOwn() throws IOException {
    LicencePolicy policy =
        LicencePolicy.read(
            Files.writeString(
                folder.resolve("licences.txt"),
                """
                # what may come along
                Apache-2.0
                Go License
                org.bytedeco:mkl = Intel's own: not open source
                """));

    assertThat(policy.accepted(library("a:b", "GPL-2.0-only", "Apache-2.0")))
        .contains("Apache-2.0");
    assertThat(policy.accepted(library("a:b", "Go License"))).contains("Go License");
    assertThat(policy.accepted(library("a:b", "GPL-2.0-only"))).isEmpty();
    assertThat(policy.accepted(library("a:b"))).isEmpty();
    assertThat(policy.accepted(library("org.bytedeco:mkl")))
        .contains("Intel's own: not open source");
    assertThat(policy.accepted(library("org.bytedeco:mkl-gpl"))).isEmpty();
  }

  @Test
  void aBillOfMaterialsHasTheLibrariesOfOthers() throws IOException {
    Path bom =
        Files.writeString(
            folder.resolve("bom.json"),
            """
            {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
              {"group": "z", "name": "last", "version": "2",
               "licenses": [{"expression": "EPL-2.0 OR Apache-2.0"}]},
              {"group": "io.ballast", "name": "ballast-rl", "version": "1"},
              {"group": "a", "name": "first", "version": "1",
               "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "Go License"}}]},
              {"group": "m", "name": "silent", "version": "3"}]}
            """);

    assertThat(BillOfMaterials.read(bom))
        .containsExactly(
            new Library("a:first", "1", List.of("MIT", "Go License")),
            new Library("m:silent", "3", List.of()),
            new Library("z:last", "2", List.of("EPL-2.0 OR Apache-2.0")));
    Path other = Files.writeString(folder.resolve("other.json"), "{}");
    assertThatThrownBy(() -> BillOfMaterials.read(other))
        .isInstanceOf(IOException.class)
        .hasMessageEndingWith("not a bill of materials of CycloneDX");
  }

  private static Library library(String name, String... licences) {
    return new Library(name, "1", List.of(licences));
  }
}
