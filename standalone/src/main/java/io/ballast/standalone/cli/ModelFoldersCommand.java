package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.brought.BroughtManifest;
import io.ballast.inference.onnx.EncoderDescription;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.kit.call.Texts;
import io.ballast.reward.adapter.CompositeFolders;
import io.ballast.reward.component.CompositeFlaw;
import io.ballast.reward.component.Recipe;
import io.ballast.reward.component.RecipeReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Lists the model folders of this machine. */
@Command(
    name = "folders",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Lists the model folders of this machine: those of the data folder, which ./mesh pull and"
          + " runs write, and those that came along. No mesh need run.",
      "Files are not compared with their checksums here; whoever opens a model does that."
    })
final class ModelFoldersCommand implements Callable<Integer> {
  @Mixin private DataFolder data = new DataFolder();

  @Mixin private Printing printing = new Printing();

  private final CommandContext context;

  ModelFoldersCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() throws IOException {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    ArrayNode documents = document.putArray("folders");
    TextTable table = TextTable.headed("model", "kind", "MB", "from", "what");
    for (Path root : data.models(context)) {
      for (StoredModel model : new ModelStore(root).list()) {
        add(model, documents.addObject(), table);
      }
    }
    printing.document(document);
    printing.table(table);
    if (table.isEmpty()) {
      printing.line("none; ./mesh pull brings some");
    }
    return Exit.OK.code();
  }

  private static void add(StoredModel model, ObjectNode document, TextTable table)
      throws IOException {
    long bytes = bytes(model.folder());
    document.put("name", model.name());
    document.put("version", model.version());
    document.put("folder", model.folder().toString());
    document.put("bytes", bytes);
    String kind;
    String source = "";
    String words;
    try {
      ModelKind found = ModelKind.of(model.folder());
      Optional<ModelManifest> manifest = ModelManifest.read(model.folder());
      source = manifest.map(read -> read.notes().getOrDefault("source", "")).orElse("");
      kind = found.code();
      words = words(found, model.folder(), manifest, document);
    } catch (ModelException
        | CommandFailure
        | CompositeFlaw e) { // one that cannot be read does not hide others
      kind = "broken";
      words = model.withoutPath(String.valueOf(e.getMessage()));
      document.put("problem", words);
    }
    document.put("kind", kind);
    document.put("source", source);
    table.row(
        model.name() + "/" + model.version(),
        kind,
        String.format(Locale.ROOT, "%.1f", bytes / 1e6),
        source.isEmpty() ? "–" : source,
        words);
  }

  /** Says what a folder holds, for people and in the document. */
  static String words(
      ModelKind kind, Path folder, Optional<ModelManifest> manifest, ObjectNode document)
      throws IOException {
    return switch (kind) {
      case DECODER -> {
        DecoderConfig config = DecoderConfig.read(folder);
        document.put("family", config.family().modelType());
        document.put("parameters", config.parameterCount());
        document.put("context_tokens", config.contextTokens());
        yield String.format(
            Locale.ROOT,
            "%s, %.1fM parameters, context %d",
            config.family().modelType(),
            config.parameterCount() / 1e6,
            config.contextTokens());
      }
      case SCORING -> {
        ScoringSpec spec = ScoringModelFolder.readSpec(folder);
        document.put("heads", spec.heads());
        document.put("trunk", spec.trunk().model() + "/" + spec.trunk().version());
        yield "%s on %s/%s"
            .formatted(
                Texts.counted(spec.heads(), spec.kind().name().toLowerCase(Locale.ROOT) + " head"),
                spec.trunk().model(),
                spec.trunk().version());
      }
      case COMPOSITE -> {
        Recipe recipe = RecipeReader.read(Files.readString(folder.resolve(CompositeFolders.FILE)));
        ArrayNode components = document.putArray("components");
        recipe.parts().forEach(part -> components.add(part.name()));
        yield "a reward of "
            + recipe.parts().stream()
                .map(part -> part.name() + " (" + part.kind().word() + ")")
                .collect(Collectors.joining(", "));
      }
      case ENCODER ->
          manifest
              .flatMap(read -> EncoderDescription.of(read.notes()))
              .map(
                  encoder -> {
                    ModelKind.describe(encoder, document);
                    return ModelKind.words(encoder);
                  })
              .orElse(kind.words());
      case BROUGHT -> {
        ArrayNode members = document.putArray("members");
        BroughtManifest.read(folder).members().forEach(member -> members.add(member.id()));
        List<String> names = new ArrayList<>();
        members.forEach(name -> names.add(name.asText()));
        yield kind.words() + ": " + String.join(", ", names);
      }
      case GATE, CLASSIFIER, UNKNOWN -> kind.words();
    };
  }

  private static long bytes(Path folder) throws IOException {
    long bytes = 0;
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }
}
