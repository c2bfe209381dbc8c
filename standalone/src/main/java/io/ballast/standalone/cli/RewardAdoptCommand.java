package io.ballast.standalone.cli;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.brought.BroughtAdoption;
import io.ballast.inference.brought.BroughtAdoption.Adopted;
import io.ballast.inference.brought.BroughtEngines;
import io.ballast.inference.brought.BroughtManifest;
import io.ballast.inference.brought.BroughtMember;
import io.ballast.inference.brought.MemberInput;
import io.ballast.inference.brought.ReferenceAnswers;
import io.ballast.inference.brought.UnusableReferenceException;
import io.ballast.inference.onnx.EncoderOptions;
import io.ballast.inference.onnx.Pooling;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.ClassifierImport;
import io.ballast.inference.triton.GuardedModel;
import io.ballast.inference.triton.KServeSettings;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerSettings;
import io.ballast.standalone.pull.ModelPull;
import io.ballast.standalone.pull.PullException;
import io.ballast.training.reward.ShellWord;
import io.ballast.training.reward.VersionName;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
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
  private static final String ASKING = "asking members";

  /** What members read, or a file that says it and all else. */
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

    MemberInput input(MemberOptions alike) {
      if (template != null) {
        return new MemberInput.Template(template, alike.specialTokens(true));
      }
      return chat || !tokens
          ? new MemberInput.Chat(alike.specialTokens(false))
          : new MemberInput.Tokens();
    }
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

  /** None where no such option is given. */
  @ArgGroup(exclusive = false, heading = "What all members are like:%n")
  private @Nullable MemberOptions alike;

  @Option(
      names = "--reference",
      paramLabel = "FILE",
      description =
          "JSON lines with prompt and completion, texts or lists of token ids: mean and std of each"
              + " member are made of its scores, and the first 8 are the golden ones.")
  private @Nullable Path reference;

  @Option(
      names = "--skip-bad",
      description =
          "Of the reference, leave out and count lines that are no answers and what some member"
              + " cannot score, such as a text that is too long for it; at most half (default: such"
              + " an item ends the command).")
  private boolean skipBad;

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

  @Mixin private DataFolder data = new DataFolder();

  @Mixin private Printing printing = new Printing();
  @Spec private CommandSpec spec = CommandSpec.create();

  private final CommandContext context;

  RewardAdoptCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() throws IOException {
    List<Path> roots = data.models(context);
    ModelStore store = new ModelStore(roots.getFirst());
    VersionName wanted = NewVersion.of(spec, roots, name);
    ProgressLine progress = new ProgressLine(printing, context.terminal());
    try {
      ReferenceAnswers answers =
          reference == null ? ReferenceAnswers.none() : ReferenceFile.read(reference, skipBad);
      BroughtManifest manifest = manifest(roots, progress);
      progress.at(ASKING, 0);
      Adopted adopted =
          new BroughtAdoption(store, roots, engines())
              .adopt(
                  wanted.model(),
                  wanted.version(),
                  new BroughtAdoption.Plan(manifest, answers, tolerance, Map.of()),
                  part -> progress.at(ASKING, part));
      progress.end();
      new AdoptedReport(printing, reference != null, serve(adopted.model())).show(adopted);
      return Exit.OK.code();
    } catch (FileAlreadyExistsException e) {
      throw NewVersion.exists(wanted);
    } catch (PullException e) {
      throw new CommandFailure(Exit.FAILED, e.reason(), String.valueOf(e.getMessage()));
    } catch (MeshException e) {
      throw new CommandFailure(Exit.FAILED, e.fault().name(), String.valueOf(e.getMessage()));
    } catch (ModelException e) {
      throw new CommandFailure(Exit.FAILED, e.reason().name(), String.valueOf(e.getMessage()));
    } catch (UnusableReferenceException e) {
      throw new CommandFailure(Exit.FAILED, "UNUSABLE_DATA", String.valueOf(e.getMessage()));
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
      if (alike != null) {
        throw new ParameterException(
            spec.commandLine(), ofMembers() + ": with --manifest the file says it");
      }
      return BroughtManifest.parse(Files.readString(InputFile.require(form.manifest)));
    }
    if (members.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(), "MEMBER: none (expected: one or several classifiers)");
    }
    MemberOptions options = alike == null ? new MemberOptions() : alike;
    List<BroughtMember> all = new ArrayList<>();
    for (String member : members) {
      all.add(
          options.member(choice(member, roots, options.pooling(), progress), form.input(options)));
    }
    return new BroughtManifest(all);
  }

  /** Those options of members that are given. */
  private String ofMembers() {
    return spec.commandLine().getParseResult().matchedOptions().stream()
        .filter(option -> option.group() != null && !option.group().exclusive())
        .map(OptionSpec::longestName)
        .collect(Collectors.joining(", "));
  }

  /** A model that is there, or what a folder elsewhere becomes by a pull. */
  private ModelChoice choice(
      String member, List<Path> roots, Optional<Pooling> pooling, ProgressLine progress)
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
    Path dataFolder = data.path(context);
    Optional<Pooling> way =
        ClassifierImport.isClassifier(folder) ? Optional.empty() : pooling; // it pools itself
    var pulled =
        new ModelPull(dataFolder, progress::at)
            .local(
                folder.toAbsolutePath().normalize(),
                new ModelPull.Wanted(Optional.empty(), "1", Optional.empty(), way));
    printing.line("pulled: " + pulled.model().name() + "/" + pulled.model().version());
    return new ModelChoice(pulled.model().name(), pulled.model().version());
  }

  /** The command that has a mesh serve it. */
  private String serve(StoredModel model) {
    StringBuilder command = new StringBuilder("./mesh up");
    if (data.given().isPresent()) {
      command.append(" --data ").append(ShellWord.of(data.given().get().toString()));
    }
    command
        .append(" --set ballast.reward.default-model=")
        .append(model.name())
        .append(" --set ballast.reward.serving-version=")
        .append(model.version());
    if (!tritons.isEmpty()) {
      command
          .append(" --set ")
          .append(ShellWord.of("ballast.reward.triton.targets=" + String.join(",", tritons)));
    }
    return command.toString();
  }
}
