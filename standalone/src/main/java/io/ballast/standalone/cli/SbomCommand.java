package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.standalone.supply.BillOfMaterials;
import io.ballast.standalone.supply.Library;
import io.ballast.standalone.supply.LicencePolicy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Licences of what comes along. */
@Command(
    name = "sbom",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Makes the bill of materials, target/bom.json in CycloneDX's form, and shows the licence of"
          + " each library; exit code 4 if one may not come along by .mvn/licences.txt."
    },
    footer = {
      "",
      "docs/operations/supply-chain.md says what --vulnerabilities needs; 3: nothing was learnt."
    })
final class SbomCommand implements Callable<Integer> {
  @Option(names = "--bom", paramLabel = "FILE", description = "Read this one instead.")
  private @Nullable Path bom;

  @Option(names = "--allowed", paramLabel = "FILE", description = "Licences (default: ours).")
  private @Nullable Path allowed;

  /** The script does it: it needs neither a build nor this program. */
  @Option(
      names = "--vulnerabilities",
      description =
          "In place of licences: which libraries have known vulnerabilities, by osv-scanner; stands"
              + " alone.")
  private boolean vulnerabilities;

  @Mixin private Printing printing = new Printing();
  private final Path home;

  SbomCommand(CommandContext context) {
    this.home = context.home();
  }

  @Override
  public Integer call() {
    if (vulnerabilities) {
      throw new CommandFailure(
          Exit.USAGE, "ALONE", "--vulnerabilities stands alone: ./mesh sbom --vulnerabilities");
    }
    List<Library> libraries;
    LicencePolicy policy;
    try {
      libraries = BillOfMaterials.read(bom == null ? home.resolve("target/bom.json") : bom);
      policy = LicencePolicy.read(allowed == null ? home.resolve(".mvn/licences.txt") : allowed);
    } catch (IOException e) {
      throw new CommandFailure(Exit.USAGE, "FILE", String.valueOf(e.getMessage()));
    }
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    ArrayNode all = document.putArray("libraries");
    TextTable table = TextTable.headed("library", "version", "licence");
    List<String> refused = new ArrayList<>();
    for (Library library : libraries) {
      Optional<String> licence = policy.accepted(library);
      String named = String.join(" or ", library.licences());
      all.addObject()
          .put("library", library.name())
          .put("version", library.version())
          .put("licence", licence.orElse(named))
          .put("accepted", licence.isPresent());
      table.row(library.name(), library.version(), licence.orElse("NOT ACCEPTED: " + named));
      if (licence.isEmpty()) {
        refused.add(
            "%s %s (%s)"
                .formatted(
                    library.name(), library.version(), named.isEmpty() ? "none named" : named));
      }
    }
    printing.document(document);
    printing.table(table);
    if (!refused.isEmpty()) {
      throw new CommandFailure(
          Exit.REFUSED,
          "LICENCE",
          "licences that are not in .mvn/licences.txt: " + String.join("; ", refused));
    }
    printing.line(
        "%,d libraries, each by a licence of .mvn/licences.txt".formatted(libraries.size()));
    return Exit.OK.code();
  }
}
