package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** sbom holds each library against the licences that may come along. */
class SbomCommandTest {
  @TempDir Path home;

  private Cli.Result sbom(String licences, String... args) throws IOException {
    Files.createDirectories(home.resolve(".mvn"));
    Files.createDirectories(home.resolve("target"));
    Files.writeString(home.resolve(".mvn/licences.txt"), licences);
    Files.writeString(
        home.resolve("target/bom.json"),
        """
        {"bomFormat": "CycloneDX", "components": [
          {"group": "a", "name": "b", "version": "1", "licenses": [{"license": {"id": "MIT"}}]},
          {"group": "c", "name": "d", "version": "2"}]}
        """);
    String[] all = new String[1 + args.length];
    all[0] = "sbom";
    System.arraycopy(args, 0, all, 1, args.length);
    return Cli.run(home, Map.of(), all);
  }

  @Test
  void everyLibraryHasALicenceThatMayComeAlong() throws IOException {
    Cli.Result result = sbom("MIT\nc:d = none named: two lines of code\n");

    assertThat(result.exit()).isZero();
    assertThat(result.out())
        .containsPattern("a:b +1 +MIT")
        .containsPattern("c:d +2 +none named: two lines of code")
        .contains("2 libraries, each by a licence of .mvn/licences.txt");
  }

  @Test
  void oneThatMayNotIsNamed() throws IOException {
    Cli.Result result = sbom("Apache-2.0\n", "--json");

    assertThat(result.exit()).isEqualTo(4);
    assertThat(result.err())
        .contains("licences that are not in .mvn/licences.txt: a:b 1 (MIT); c:d 2 (none named)");
  }

  @Test
  void vulnerabilitiesAreAskedForAloneByTheScript() throws IOException {
    Cli.Result result = sbom("MIT\n", "--json", "--vulnerabilities");

    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err()).contains("stands alone: ./mesh sbom --vulnerabilities");
  }
}
