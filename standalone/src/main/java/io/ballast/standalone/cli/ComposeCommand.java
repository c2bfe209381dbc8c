package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.reward.adapter.CompositePublisher;
import io.ballast.reward.adapter.CompositePublisher.Published;
import io.ballast.reward.component.CompositeFlaw;
import io.ballast.reward.component.Part;
import io.ballast.training.reward.VersionName;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Publishes a reward that is made of components. */
@Command(
    name = "compose",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Publishes a composite from its JSON file in the data folder: a reward that is made of"
          + " learned ensembles, verifiers and penalties. No mesh need run; one that runs finds it"
          + " when it is asked for.",
      "What may stand in the file: reward-server/README.md, Composites. The checksum of a learned"
          + " component may be left out; it is that of the folder here."
    },
    footer = {
      "",
      "Example: ./mesh reward compose mix.json --name java-mix",
      "Then:    ./mesh score --model java-mix --reference answer=42 'It is 42.'"
    })
final class ComposeCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "FILE", description = "The composite, as JSON.")
  private Path file = Path.of("");

  @Option(
      names = "--name",
      required = true,
      paramLabel = "NAME[/VERSION]",
      description = "What the composite is called; without a version: the next number.")
  private String name = "";

  @Mixin private DataFolder data = new DataFolder();

  @Mixin private Printing printing = new Printing();
  @Spec private CommandSpec spec = CommandSpec.create();

  private final CommandContext context;

  ComposeCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() throws IOException {
    List<Path> roots = data.models(context);
    VersionName wanted = NewVersion.of(spec, roots, name);
    InputFile.require(file);
    try {
      show(
          new CompositePublisher(roots)
              .publish(
                  wanted.model(),
                  wanted.version(),
                  Files.readString(file),
                  Map.of("source", String.valueOf(file.getFileName()))));
      return Exit.OK.code();
    } catch (CompositeFlaw e) {
      throw new CommandFailure(
          Exit.FAILED, "INVALID_COMPOSITE", file.getFileName() + ": " + e.getMessage());
    } catch (FileAlreadyExistsException e) {
      throw NewVersion.exists(wanted);
    }
  }

  private void show(Published published) {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("name", published.folder().name());
    document.put("version", published.folder().version());
    document.put("sha256", published.sha256());
    document.put("folder", published.folder().folder().toString());
    ArrayNode components = document.putArray("components");
    TextTable table = TextTable.headed("component", "kind", "weight");
    for (Part part : published.recipe().parts()) {
      components
          .addObject()
          .put("name", part.name())
          .put("kind", part.kind().word())
          .put("weight", part.weight());
      table.row(
          part.name(), part.kind().word(), String.format(Locale.ROOT, "%+.3f", part.weight()));
    }
    printing.document(document);
    printing.table(table);
    printing.line("");
    printing.line("published: " + published.folder().name() + "/" + published.folder().version());
  }
}
