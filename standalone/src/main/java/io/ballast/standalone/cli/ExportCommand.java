package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.TrunkReference;
import io.ballast.inference.triton.export.DecoderConvention;
import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.ExportOptions.Backend;
import io.ballast.inference.triton.export.ExportOptions.Batching;
import io.ballast.inference.triton.export.ExportOptions.Device;
import io.ballast.inference.triton.export.ExportOptions.Instances;
import io.ballast.inference.triton.export.ExportOptions.Queue;
import io.ballast.inference.triton.export.ExportOptions.TimeoutAction;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/** Writes a model into a Triton model repository. */
@Command(
    name = "export",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Writes a model into a Triton model repository: rewards, costs and gates as ONNX with a"
          + " config.pbtxt, small decoders for the python back end under vLLM's convention or that"
          + " of TensorRT-LLM.",
      "All versions that are to be served side by side are named in one call; nothing that is there"
          + " is changed. The python back end needs numpy and onnxruntime, for decoders numpy and"
          + " tokenizers. No mesh need run."
    },
    footer = {
      "",
      "Behind a busy instance Triton 2.51 looks at a queue that has lanes, limits or timeouts twice"
          + " a second only; --plain-queue is looked at without delay."
    })
final class ExportCommand implements Callable<Integer> {
  /** Reads a convention by its name. */
  static final class ConventionText implements ITypeConverter<DecoderConvention> {
    @Override
    public DecoderConvention convert(String value) {
      return Arrays.stream(DecoderConvention.values())
          .filter(convention -> convention.code().equals(value.toLowerCase(Locale.ROOT)))
          .findFirst()
          .orElseThrow(
              () ->
                  new TypeConversionException(
                      "'" + value + "' is no convention: vllm or tensorrt-llm"));
    }
  }

  @Parameters(
      paramLabel = "NAME[/VERSION]",
      arity = "1..*",
      description =
          "A model of the data folder or of those that came along; several versions of one model"
              + " are served side by side.")
  private List<String> models = List.of();

  @Option(
      names = "--triton",
      paramLabel = "FOLDER",
      required = true,
      description = "The model repository, made if need be.")
  private Path repository = Path.of("");

  @Option(
      names = "--as",
      paramLabel = "NAME",
      description = "What Triton shall call it (default: the model's name).")
  private @Nullable String as;

  @Option(
      names = "--number",
      paramLabel = "N",
      description = "Which number a version gets whose name is none; Triton numbers versions.")
  private @Nullable Long number;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      defaultValue = "python",
      description =
          "python, or Triton's own onnxruntime, which batches rows of one length alone (default:"
              + " python).")
  private Backend backend = Backend.PYTHON;

  @Option(
      names = "--convention",
      paramLabel = "NAME",
      converter = ConventionText.class,
      description =
          "Whose tensors a decoder has: vllm, which takes and gives texts, or tensorrt-llm, ids"
              + " (default: vllm).")
  private @Nullable DecoderConvention convention;

  @Option(
      names = "--device",
      paramLabel = "WHERE",
      defaultValue = "cpu",
      description =
          "cpu or gpu, where the python back end needs CuPy for decoders and onnxruntime-gpu for"
              + " all else (default: cpu).")
  private Device device = Device.CPU;

  @Option(
      names = "--instances",
      paramLabel = "N",
      defaultValue = "1",
      description = "Copies side by side, of each GPU if there are several (default: 1).")
  private int instances = 1;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "1",
      description = "Of one execution on the CPU (default: 1).")
  private int threads = 1;

  @Option(
      names = "--max-batch",
      paramLabel = "N",
      defaultValue = "32",
      description = "Rows of one execution; of a decoder, that draw side by side (default: 32).")
  private int maxBatch = 32;

  @Option(
      names = "--preferred-batch",
      paramLabel = "N",
      split = ",",
      description = "Sizes to make if possible, such as 8,16 (default: as large as possible).")
  private List<Integer> preferredBatch = List.of();

  @Option(
      names = "--batch-delay",
      paramLabel = "TIME",
      converter = DurationText.class,
      description = "How long a request waits for others, such as 2ms (default: not at all).")
  private @Nullable Duration batchDelay;

  @Option(
      names = "--max-queue",
      paramLabel = "N",
      defaultValue = "64",
      description = "Requests that may wait; 0: any number (default: 64).")
  private int maxQueue = 64;

  @Option(
      names = "--queue-timeout",
      paramLabel = "TIME",
      defaultValue = "10s",
      converter = DurationText.class,
      description = "How long one may wait (default: 10s).")
  private Duration queueTimeout = Duration.ofSeconds(10);

  @Option(names = "--no-queue-timeout", description = "It may wait for ever.")
  private boolean noQueueTimeout;

  @Option(
      names = "--on-timeout",
      paramLabel = "ACTION",
      defaultValue = "reject",
      description = "reject, or delay: behind all that are in time (default: reject).")
  private TimeoutAction onTimeout = TimeoutAction.REJECT;

  @Option(
      names = "--no-timeout-override",
      description = "Do not let a request's own timeout shorten that.")
  private boolean noTimeoutOverride;

  @Option(
      names = "--no-lanes",
      description = "No priorities 1 interactive (the default), 2 trainer, 3 batch.")
  private boolean noLanes;

  @Option(
      names = "--plain-queue",
      description = "No lanes, limits and timeouts: whatever is said of them is left out.")
  private boolean plainQueue;

  @Option(
      names = "--keep",
      description =
          "Leave what an earlier call wrote whole, of the same versions, as it is, whatever its"
              + " options were (default: it is refused).")
  private boolean keep;

  @Mixin private DataFolder data = new DataFolder();

  @Mixin private Printing printing = new Printing();

  private final CommandContext context;

  ExportCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() throws IOException {
    List<ModelChoice> choices =
        models.stream().map(named -> ModelChoice.of("", named, roots())).toList();
    String name = as == null ? choices.getFirst().model() : as;
    try {
      List<Version> versions = versions(choices);
      ModelKind kind = kind(choices);
      if (kind != ModelKind.DECODER && convention != null) {
        throw new CommandFailure(
            Exit.USAGE,
            "NOT_A_DECODER",
            "--convention: of decoders alone, and " + name + " is " + kind.words());
      }
      TritonExport export = new TritonExport(repository, options());
      Optional<Path> kept = keep ? export.written(name, versions) : Optional.empty();
      Path entry = kept.isPresent() ? kept.get() : write(export, name, kind, versions);
      announce(name, kind, versions, entry, kept.isPresent());
      return Exit.OK.code();
    } catch (FileAlreadyExistsException e) {
      throw new CommandFailure(
          Exit.REFUSED,
          "ALREADY_EXISTS",
          e.getFile()
              + ": is there already, "
              + (e.getReason() == null ? "" : "with the versions " + e.getReason() + ", ")
              + "and nothing is replaced; export under another name (--as) or"
              + " into another folder, or delete it first");
    } catch (ModelException e) {
      throw new CommandFailure(Exit.FAILED, e.reason().name(), String.valueOf(e.getMessage()));
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(Exit.USAGE, "INVALID", String.valueOf(e.getMessage()));
    }
  }

  private Path write(TritonExport export, String name, ModelKind kind, List<Version> versions)
      throws IOException {
    return switch (kind) {
      case DECODER ->
          export.decoder(name, versions, convention == null ? DecoderConvention.VLLM : convention);
      case SCORING -> export.scoring(name, versions, this::trunk);
      case GATE -> export.trees(name, versions, ModelKind.GATE_FILE);
      case COMPOSITE, ENCODER, CLASSIFIER, BROUGHT, UNKNOWN ->
          throw new IllegalStateException("refused before");
    };
  }

  private List<Path> roots() {
    Path folder = data.path(context);
    return List.of(folder.resolve("models"), context.home().resolve("models"));
  }

  private Path folder(ModelChoice choice) {
    return folder(choice.model(), choice.version()).orElseThrow();
  }

  private Optional<Path> folder(String model, String version) {
    return roots().stream()
        .map(root -> root.resolve(model).resolve(version))
        .filter(Files::isDirectory)
        .findFirst();
  }

  private Path trunk(TrunkReference trunk) {
    return folder(trunk.model(), trunk.version())
        .orElseThrow(
            () ->
                new CommandFailure(
                    Exit.FAILED,
                    "NO_SUCH_MODEL",
                    models.getFirst()
                        + ": stands on "
                        + trunk.model()
                        + "/"
                        + trunk.version()
                        + ", which is not here; ./mesh pull brings models"));
  }

  private List<Version> versions(List<ModelChoice> choices) {
    List<Version> versions = new ArrayList<>();
    for (ModelChoice choice : choices) {
      if (!choice.model().equals(choices.getFirst().model())) {
        throw new CommandFailure(
            Exit.USAGE,
            "SEVERAL_MODELS",
            choice.model()
                + " and "
                + choices.getFirst().model()
                + ": one call exports versions of one model; call it once for each");
      }
      Version version = new Version(number(choice, choices.size()), folder(choice));
      if (versions.stream().anyMatch(other -> other.number() == version.number())) {
        throw new CommandFailure(
            Exit.USAGE, "TWICE", choice.model() + "/" + choice.version() + ": named twice");
      }
      versions.add(version);
    }
    return versions;
  }

  private long number(ModelChoice choice, int count) {
    if (number != null && count == 1) {
      return number;
    }
    if (number == null && choice.version().matches("[1-9][0-9]{0,17}")) {
      return Long.parseLong(choice.version());
    }
    throw new CommandFailure(
        Exit.USAGE,
        "NO_NUMBER",
        choice.model()
            + "/"
            + choice.version()
            + (count == 1
                ? ": Triton numbers versions; say which this one is: --number 1"
                : ": --number is for a single version; export those whose names are no numbers one"
                    + " by one, each under its own name (--as)"));
  }

  private ModelKind kind(List<ModelChoice> choices) {
    ModelKind first = kind(choices.getFirst());
    for (ModelChoice choice : choices) {
      if (kind(choice) != first) {
        throw new CommandFailure(
            Exit.FAILED,
            "UNSUPPORTED",
            choice.model() + "/" + choice.version() + ": not " + first.words() + " as the first");
      }
    }
    return first;
  }

  private ModelKind kind(ModelChoice choice) {
    ModelKind kind = ModelKind.of(folder(choice));
    return switch (kind) {
      case DECODER, SCORING, GATE -> kind;
      case COMPOSITE, ENCODER, CLASSIFIER, BROUGHT, UNKNOWN ->
          throw new CommandFailure(
              Exit.FAILED,
              "UNSUPPORTED",
              choice.model()
                  + "/"
                  + choice.version()
                  + ": "
                  + kind.words()
                  + "; decoders, scoring heads and gates can be exported");
    };
  }

  private ExportOptions options() {
    Queue queue =
        plainQueue
            ? Queue.plain()
            : new Queue(
                maxQueue == 0 ? Optional.empty() : Optional.of(maxQueue),
                noQueueTimeout ? Optional.empty() : Optional.of(queueTimeout),
                onTimeout,
                !noTimeoutOverride,
                !noLanes);
    return new ExportOptions(
        backend,
        new Instances(device, instances, threads),
        new Batching(maxBatch, preferredBatch, batchDelay == null ? Duration.ZERO : batchDelay),
        queue);
  }

  private void announce(
      String name, ModelKind kind, List<Version> versions, Path entry, boolean kept) {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("name", name);
    document.put("kind", kind.code());
    versions.forEach(version -> document.withArray("versions").add(version.number()));
    document.put("backend", backend.code());
    document.put("folder", entry.toString());
    document.put("kept", kept);
    printing.document(document);
    printing.line(
        name
            + ": "
            + kind.words()
            + (versions.size() == 1 ? ", version " : ", versions ")
            + versions.stream()
                .map(version -> Long.toString(version.number()))
                .collect(Collectors.joining(", "))
            + (kept ? ", left as it was in " : ", in ")
            + entry);
    printing.line("Serve it: tritonserver --model-repository=" + repository.toAbsolutePath());
  }
}
