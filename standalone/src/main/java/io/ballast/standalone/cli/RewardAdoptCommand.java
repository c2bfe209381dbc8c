package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.brought.BroughtAdoption;
import io.ballast.inference.brought.BroughtAdoption.Adopted;
import io.ballast.inference.brought.BroughtEngines;
import io.ballast.inference.brought.BroughtItem;
import io.ballast.inference.brought.BroughtManifest;
import io.ballast.inference.brought.BroughtMember;
import io.ballast.inference.brought.GoldenItems;
import io.ballast.inference.brought.LabelReference;
import io.ballast.inference.brought.MemberInput;
import io.ballast.inference.brought.ScoreReading;
import io.ballast.inference.onnx.EncoderOptions;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.triton.GuardedModel;
import io.ballast.inference.triton.KServeSettings;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerSettings;
import io.ballast.standalone.pull.ModelPull;
import io.ballast.standalone.pull.PullException;
import io.ballast.training.reward.VersionName;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes a reward ensemble of classifiers that somebody brought. */
@Command(
    name = "adopt",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Makes a reward ensemble of classifiers that ./mesh pull brought: decoders with a"
          + " classifier's head, and classifiers in ONNX. They are loaded, asked, and published in"
          + " the data folder as a manifest, reward.json, together with what they said; their own"
          + " folders stay as they are. No mesh need run.",
      "The options hold for all members; where members differ, write a manifest and give it with"
          + " --manifest. See docs/models.md."
    },
    footer = {
      "",
      "Example: ./mesh reward adopt my-classifier --name taste --chat",
      "Then:    ./mesh up --set ballast.reward.default-model=taste"
    })
final class RewardAdoptCommand implements Callable<Integer> {
  private static final int SHOWN = 48;

  /** What a manifest says of its members. */
  private static final List<String> OF_MEMBERS =
      List.of(
          "--special-tokens",
          "--score",
          "--label",
          "--ratings",
          "--pooling",
          "--lower-is-better",
          "--mean",
          "--std",
          "--max-tokens");

  /** What is the score. */
  enum Score {
    /** One output as it is. */
    LOGIT,
    /** How much likelier a label is than all others. */
    LOG_ODDS,
    /** The mean rating that the labels promise. */
    EXPECTED_RATING
  }

  /** What a member reads. */
  static final class Form {
    @Option(
        names = "--chat",
        required = true,
        description = "Members read a conversation, as their chat template writes it.")
    private boolean chat;

    @Option(
        names = "--template",
        required = true,
        paramLabel = "TEXT",
        description =
            "Members read this text, with {prompt} and {completion} in their places"
                + " ($'{prompt}\\n{completion}').")
    private @Nullable String template;

    @Option(
        names = "--tokens",
        required = true,
        description = "Members read the caller's tokens, those of the prompt first.")
    private boolean tokens;

    @Option(
        names = "--manifest",
        required = true,
        paramLabel = "FILE",
        description =
            "A reward.json that says everything of its members; name none, and no option of theirs.")
    private @Nullable Path manifest;
  }

  @Parameters(
      paramLabel = "MEMBER",
      arity = "0..*",
      description =
          "A classifier, NAME[/VERSION], as ./mesh models folders shows them; or its folder"
              + " elsewhere, which is pulled first. Several make an ensemble.")
  private List<String> members = List.of();

  @Option(
      names = "--name",
      required = true,
      paramLabel = "NAME[/VERSION]",
      description = "What the ensemble is called; without a version: the next number.")
  private String name = "";

  @ArgGroup(exclusive = true, multiplicity = "1")
  private Form form = new Form();

  @Option(
      names = "--special-tokens",
      arity = "1",
      paramLabel = "true|false",
      description =
          "Whether the tokenizer's own, such as [CLS] and [SEP], are put round the text (default:"
              + " true; false with --chat).")
  private @Nullable Boolean specialTokens;

  @Option(
      names = "--score",
      defaultValue = "LOGIT",
      description =
          "What of the outputs is the score: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private Score score = Score.LOGIT;

  @Option(
      names = "--label",
      paramLabel = "LABEL",
      defaultValue = "0",
      description = "Whose: an index, or a name of id2label (default: ${DEFAULT-VALUE}).")
  private String label = "0";

  @Option(
      names = "--ratings",
      paramLabel = "NUMBER",
      split = ",",
      description = "With EXPECTED_RATING, what each label is worth, such as 1,2,3,4,5.")
  private List<Double> ratings = List.of();

  @Option(
      names = "--pooling",
      paramLabel = "WAY",
      description =
          "Of a model in ONNX whose outputs are of tokens: mean, cls or last (default: as the model"
              + " does it).")
  private @Nullable String pooling;

  @Option(names = "--lower-is-better", description = "The score is turned round.")
  private boolean lowerIsBetter;

  @Option(
      names = "--mean",
      paramLabel = "M",
      defaultValue = "0",
      description =
          "Of scores, turned round if so, on answers of the reference policy (default:"
              + " ${DEFAULT-VALUE}).")
  private double mean;

  @Option(
      names = "--std",
      paramLabel = "S",
      defaultValue = "1",
      description = "Their standard deviation, above 0 (default: ${DEFAULT-VALUE}).")
  private double std;

  @Option(
      names = "--reference",
      paramLabel = "FILE",
      description =
          "JSON lines with prompt and completion, texts or lists of token ids: mean and std of each"
              + " member are made of its scores, and the first 8 are the golden ones.")
  private @Nullable Path reference;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "The most tokens of an item (default: as many as a member can read).")
  private @Nullable Integer maxTokens;

  @Option(
      names = "--tolerance",
      paramLabel = "T",
      defaultValue = "0.001",
      description =
          "How far golden scores may be off when the ensemble is loaded (default:"
              + " ${DEFAULT-VALUE}).")
  private double tolerance;

  @Option(
      names = "--triton",
      paramLabel = "HOST:PORT",
      split = ",",
      description =
          "Where the Tritons are of members that a manifest has there; to serve them:"
              + " ballast.reward.triton.targets.")
  private List<String> tritons = List.of();

  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description = "The data folder (default: $$BALLAST_DATA, or .ballast in the checkout).")
  private @Nullable Path data;

  @Mixin private Printing printing = new Printing();
  @Spec private CommandSpec spec = CommandSpec.create();

  private final CommandContext context;

  RewardAdoptCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() throws IOException {
    List<Path> roots = ModelFoldersCommand.roots(context, data);
    ModelStore store = new ModelStore(roots.getFirst());
    VersionName wanted = NewVersion.of(spec, roots, name);
    ProgressLine progress = new ProgressLine(printing, context.terminal());
    try {
      List<BroughtItem> items = reference == null ? List.of() : ReferenceFile.read(reference);
      BroughtManifest manifest = manifest(roots, progress);
      progress.at("asking members", 0);
      Adopted adopted =
          new BroughtAdoption(store, roots, engines())
              .adopt(
                  wanted.model(),
                  wanted.version(),
                  new BroughtAdoption.Plan(
                      manifest, items, tolerance, Map.of("code", MeshCommand.VERSION)));
      progress.end();
      show(adopted);
      return Exit.OK.code();
    } catch (FileAlreadyExistsException e) {
      throw NewVersion.exists(wanted);
    } catch (PullException e) {
      throw new CommandFailure(Exit.FAILED, e.reason(), String.valueOf(e.getMessage()));
    } catch (MeshException e) {
      throw new CommandFailure(Exit.FAILED, e.fault().name(), String.valueOf(e.getMessage()));
    } catch (ModelException e) {
      throw new CommandFailure(Exit.FAILED, e.reason().name(), String.valueOf(e.getMessage()));
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(Exit.USAGE, "INVALID", String.valueOf(e.getMessage()));
    } finally {
      progress.end();
    }
  }

  private BroughtEngines engines() {
    EncoderOptions onnx = EncoderOptions.defaults();
    return tritons.isEmpty()
        ? BroughtEngines.here(onnx)
        : new BroughtEngines(
            onnx,
            model ->
                GuardedModel.open(
                    tritons,
                    model,
                    KServeSettings.defaults(),
                    new PeerGuard(
                        "triton",
                        PeerSettings.defaults(),
                        InstantSource.system(),
                        System::nanoTime,
                        new SimpleMeterRegistry())));
  }

  private BroughtManifest manifest(List<Path> roots, ProgressLine progress) throws IOException {
    if (form.manifest != null) {
      if (!members.isEmpty()) {
        throw new ParameterException(
            spec.commandLine(), "MEMBER: with --manifest there is none: the file names them");
      }
      for (String option : OF_MEMBERS) {
        if (spec.commandLine().getParseResult().hasMatchedOption(option)) {
          throw new ParameterException(
              spec.commandLine(), option + ": with --manifest the file says it");
        }
      }
      if (!Files.isReadable(form.manifest) || Files.isDirectory(form.manifest)) {
        throw new CommandFailure(
            Exit.FAILED, "NO_FILE", form.manifest + ": no file that can be read");
      }
      return BroughtManifest.parse(Files.readString(form.manifest));
    }
    if (members.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(), "MEMBER: none (expected: one or several classifiers)");
    }
    List<BroughtMember> all = new ArrayList<>();
    for (String member : members) {
      ModelChoice choice = choice(member, roots, progress);
      all.add(
          new BroughtMember(
              choice.model(),
              choice.version(),
              Optional.empty(),
              input(),
              Optional.ofNullable(pooling).map(PullCommand::pooling),
              reading(),
              lowerIsBetter,
              new Normalization(mean, std),
              maxTokens == null ? OptionalInt.empty() : OptionalInt.of(maxTokens)));
    }
    return new BroughtManifest(all);
  }

  /** A model that is there, or what a folder elsewhere becomes by a pull. */
  private ModelChoice choice(String member, List<Path> roots, ProgressLine progress)
      throws IOException {
    Path folder = Path.of(member);
    String model = member.contains("/") ? member.substring(0, member.indexOf('/')) : member;
    boolean there =
        roots.stream()
            .flatMap(root -> new ModelStore(root).list().stream())
            .anyMatch(stored -> stored.name().equals(model));
    if (there || !Files.isDirectory(folder)) {
      return ModelChoice.of("", member, roots);
    }
    Path dataFolder =
        data == null ? context.defaultDataFolder() : data.toAbsolutePath().normalize();
    var pulled =
        new ModelPull(dataFolder, progress::at)
            .local(
                folder.toAbsolutePath().normalize(), ModelPull.Wanted.plain(Optional.empty(), "1"));
    printing.line("pulled: " + pulled.model().name() + "/" + pulled.model().version());
    return new ModelChoice(pulled.model().name(), pulled.model().version());
  }

  private MemberInput input() {
    if (form.template != null) {
      return new MemberInput.Template(form.template, specialTokens == null || specialTokens);
    }
    return form.chat || !form.tokens
        ? new MemberInput.Chat(specialTokens != null && specialTokens)
        : new MemberInput.Tokens();
  }

  private ScoreReading reading() {
    return switch (score) {
      case LOGIT -> new ScoreReading.Logit(LabelReference.of(label));
      case LOG_ODDS -> new ScoreReading.LogOdds(LabelReference.of(label));
      case EXPECTED_RATING -> new ScoreReading.ExpectedRating(ratings);
    };
  }

  private void show(Adopted adopted) {
    String model = adopted.model().name() + "/" + adopted.model().version();
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("name", adopted.model().name());
    document.put("version", adopted.model().version());
    document.put("folder", adopted.model().folder().toString());
    ArrayNode list = document.putArray("members");
    TextTable table = TextTable.headed("member", "reads", "score", "mean", "std");
    for (BroughtMember member : adopted.manifest().members()) {
      list.addObject()
          .put("model", member.id())
          .put("input", member.input().form())
          .put("score", member.score().kind())
          .put("mean", member.scale().mean())
          .put("std", member.scale().std());
      table.row(
          member.id(),
          member.input().form(),
          (member.lowerIsBetter() ? "− " : "") + member.score().kind(),
          figure(member.scale().mean()),
          figure(member.scale().std()));
    }
    ArrayNode golden = document.putArray("golden");
    for (GoldenItems.Item item : adopted.golden().items()) {
      ArrayNode scores = golden.addObject().put("completion", shown(item)).putArray("scores");
      item.scores().forEach(scores::add);
    }
    printing.document(document);
    printing.table(table);
    printing.line("");
    for (GoldenItems.Item item : adopted.golden().items()) {
      printing.line(
          String.join("  ", item.scores().stream().map(RewardAdoptCommand::figure).toList())
              + "  "
              + Excerpt.of(shown(item), SHOWN));
    }
    printing.line("");
    printing.line("published: " + model);
    printing.line(
        "Serve it: ./mesh up --set ballast.reward.default-model=%s --set ballast.reward.serving-version=%s"
            .formatted(adopted.model().name(), adopted.model().version()));
  }

  private static String shown(GoldenItems.Item item) {
    return switch (item.item()) {
      case BroughtItem.Texts texts -> texts.completion();
      case BroughtItem.Tokens tokens -> tokens.completion().toString();
    };
  }

  private static String figure(double number) {
    return String.format(Locale.ROOT, "%.4f", number);
  }
}
