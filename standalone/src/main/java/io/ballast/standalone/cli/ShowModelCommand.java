package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.reward.component.CompositeFlaw;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Shows where a version of a model folder comes from. */
@Command(
    name = "show",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Shows what a version on this machine was made of: checksums of its weights, of the trunk's"
          + " tokenizer and chat template, and of the data; scales, calibration, held-out figures,"
          + " and the code that made it. No mesh need run.",
      "What a version does not say is told as not said: older ones do not say all of it."
    })
final class ShowModelCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "NAME[/VERSION]",
      description = "A version, as ./mesh models folders shows it.")
  private String name = "";

  @Mixin private DataFolder data = new DataFolder();

  @Mixin private Printing printing = new Printing();

  private final CommandContext context;

  ShowModelCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() throws IOException {
    List<Path> roots = data.models(context);
    StoredModel model = ModelChoice.of("", name, roots).folder(roots);
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    TextTable table = TextTable.plain();
    try {
      new Provenance(model, roots).tell(document, table);
    } catch (ModelException e) {
      throw new CommandFailure(
          Exit.FAILED, e.reason().name(), model.withoutPath(String.valueOf(e.getMessage())));
    } catch (CompositeFlaw e) {
      throw new CommandFailure(
          Exit.FAILED, "INVALID_FOLDER", model.withoutPath(String.valueOf(e.getMessage())));
    }
    printing.document(document);
    printing.table(table);
    return Exit.OK.code();
  }
}
