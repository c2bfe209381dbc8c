package io.ballast.standalone.demo;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.standalone.demo.flow.DemoContext;
import io.ballast.standalone.demo.flow.DemoFlow;
import io.ballast.standalone.demo.flow.DemoPlan;
import io.ballast.standalone.demo.flow.DemoResult;
import io.ballast.standalone.demo.flow.DemoSeeds;
import io.ballast.standalone.demo.flow.DemoSeeds.Purpose;
import io.ballast.standalone.demo.flow.Prompts;
import io.ballast.standalone.demo.flow.RunSpecs;
import io.ballast.standalone.demo.flow.Screen;
import io.ballast.standalone.demo.flow.SummaryText;
import io.ballast.standalone.demo.measure.Judge;
import io.ballast.standalone.demo.mesh.ChildMesh;
import io.ballast.standalone.demo.mesh.Decision;
import io.ballast.standalone.demo.mesh.MeshCalls;
import io.ballast.standalone.demo.mesh.MeshHandle;
import io.ballast.standalone.demo.mesh.RunEndedException;
import io.ballast.standalone.demo.mesh.RunName;
import io.ballast.standalone.demo.mesh.RunningMesh;
import io.ballast.standalone.demo.position.CorpusSources;
import io.ballast.standalone.demo.position.PositionSets;
import io.ballast.standalone.demo.position.SetSizes;
import io.ballast.standalone.demo.report.DemoJson;
import io.ballast.standalone.demo.report.HtmlReport;
import io.ballast.workshop.corpus.Corpus;
import io.ballast.workshop.corpus.CorpusPart;
import io.ballast.workshop.corpus.Split;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code ./mesh demo}: suggests, learns, tests, promotes or refuses, and says whether the new
 * version is better.
 */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Learns from a simulated programmer, tests for safety, promotes or refuses, and compares"
            + " old and new on fresh positions. Starts a mesh of its own unless --target is given.",
    footer = {
      "",
      "Exit codes: 0 promoted, 1 failed, 2 wrong usage, 3 no mesh reached,",
      "4 the constrained candidate was refused (No Solution Found, or the alias moved on)."
    })
public final class DemoCommand implements Callable<Integer> {
  private static final int PROMOTED = 0;
  private static final int FAILED = 1;
  private static final int UNREACHABLE = 3;
  private static final int REFUSED = 4;
  private static final String MODEL = "java-tiny";
  private static final String TENANT = "demo";
  private static final int JUDGE_THREADS = 2;
  private static final int RANKING_POSITIONS = 160;
  private static final int LEARNING_POSITIONS = 1_200;

  @Option(
      names = "--target",
      paramLabel = "HOST:PORT",
      description = "Use the mesh that listens there, with all four servers in one process.")
  private @Nullable String target;

  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description =
          "Data folder of the mesh that is started (default: a fresh one each time, so that the"
              + " demo can be repeated; deleted at the end without --keep).")
  private @Nullable Path data;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Seed of positions, draws and runs (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--positions",
      defaultValue = "800",
      description = "Fresh positions that old and new answer (default: ${DEFAULT-VALUE}).")
  private int positions;

  @Option(
      names = "--draws",
      defaultValue = "2",
      description = "Suggestions of each version at each of them (default: ${DEFAULT-VALUE}).")
  private int draws;

  @Option(
      names = "--suggestions",
      defaultValue = "200",
      description = "Positions asked first, with feedback (default: ${DEFAULT-VALUE}).")
  private int suggestions;

  @Option(
      names = "--safety-prompts",
      defaultValue = "1000",
      description = "Held-out prompts of each safety test (default: ${DEFAULT-VALUE}).")
  private int safetyPrompts;

  @Option(
      names = "--iterations",
      defaultValue = "36",
      description = "Iterations of each run (default: ${DEFAULT-VALUE}).")
  private int iterations;

  @Option(names = "--keep", description = "Leave the mesh up afterwards.")
  private boolean keep;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the result as JSON.")
  private @Nullable Path json;

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Where the page with plots goes (default: .ballast/demo/report.html).")
  private @Nullable Path report;

  @Spec private CommandSpec spec = CommandSpec.create();

  private final Path home;
  private final boolean terminal;

  /** The command in the checkout that {@code ballast.home} names, as the script sets it. */
  public DemoCommand() {
    this(
        Path.of(System.getProperty("ballast.home", "")).toAbsolutePath(),
        System.console() != null && System.console().isTerminal());
  }

  /**
   * The command.
   *
   * @param home the checkout: where models, sources and the built mesh lie
   * @param terminal whether standard output is a terminal, on which lines can be rewritten
   */
  public DemoCommand(Path home, boolean terminal) {
    this.home = home;
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    Path page = report == null ? home.resolve(".ballast/demo/report.html") : report;
    DemoPlan plan = plan();
    try {
      prepare(page);
      if (json != null) {
        prepare(json);
      }
      return run(plan, page);
    } catch (StatusRuntimeException e) {
      return fail(e);
    } catch (IOException | ModelException | IllegalStateException | RunEndedException e) {
      return fail(FAILED, String.valueOf(e.getMessage()));
    }
  }

  private DemoPlan plan() {
    try {
      return new DemoPlan(
          seed,
          new SetSizes(
              suggestions, RANKING_POSITIONS, LEARNING_POSITIONS, safetyPrompts, positions),
          iterations,
          draws,
          MODEL);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  private int run(DemoPlan plan, Path page) throws IOException {
    Screen screen = new Screen(spec.commandLine().getOut(), terminal, System::nanoTime);
    DemoSeeds seeds = new DemoSeeds(seed);
    Optional<Path> fresh =
        target == null && data == null
            ? Optional.of(Files.createTempDirectory("ballast-demo-"))
            : Optional.empty();
    screen.step("A mesh, sources and positions");
    try (HuggingFaceTokenizerAdapter tokenizer = tokenizer();
        MeshHandle mesh = mesh(fresh);
        Judge judge = new Judge(JUDGE_THREADS)) {
      if (!mesh.ownedByDemo()) {
        requireServing(mesh);
      }
      Prompts prompts = new Prompts(tokenizer);
      PositionSets sets = positions(plan, prompts, seeds, screen);
      mesh.awaitReady();
      screen.say("         the mesh answers at " + mesh.target());
      DemoContext context = new DemoContext(plan, sets, calls(mesh), prompts, judge, screen);
      DemoResult result =
          new DemoFlow(context, new RunSpecs(mesh.dataFolder()), "demo-" + UUID.randomUUID()).run();
      HtmlReport.write(result, page);
      if (json != null) {
        DemoJson.write(result, json);
      }
      screen.step("What came of it");
      screen.say(SummaryText.of(result));
      screen.say(next(result, mesh, page));
      return result.run(RunName.CONSTRAINED).decision() == Decision.PROMOTED ? PROMOTED : REFUSED;
    } finally {
      if (!keep) {
        fresh.ifPresent(DemoCommand::delete);
      }
    }
  }

  private static MeshCalls calls(MeshHandle mesh) {
    return new MeshCalls(mesh.channel(), TENANT, MODEL);
  }

  /** Asks before time is spent on sources and positions. */
  private static void requireServing(MeshHandle mesh) {
    if (calls(mesh).servingVersion().isEmpty()) {
      throw new IllegalStateException(
          "the mesh at %s does not serve %s".formatted(mesh.target(), MODEL));
    }
  }

  private PositionSets positions(DemoPlan plan, Prompts prompts, DemoSeeds seeds, Screen screen)
      throws IOException {
    CorpusSources sources = new CorpusSources(home, maven());
    if (!sources.present()) {
      screen.say("         fetching held-out and preference sources with Maven");
      sources.fetch();
    }
    Corpus corpus = sources.read(seed);
    PositionSets sets =
        PositionSets.draw(
            new PositionSets.Sources(
                CorpusPart.COMPARISON.files(corpus),
                CorpusPart.SAFETY_TEST.files(corpus),
                CorpusPart.RUN_PROMPTS.files(corpus)),
            plan.sizes(),
            prompts.cursor(),
            seeds.generator(Purpose.POSITIONS));
    screen.say(
        String.format(
                Locale.ROOT,
                """
                     held out, trained nothing: %s
                     %,d positions in %,d files to compare at, 2 × %,d in %,d files to test safety at,
                     %,d in %,d files to suggest at; no file in two sets. Cursors stand at token
                     boundaries of %s in statement lines, drawn with seed %d.""",
                String.join(", ", corpus.artefacts(Split.HELDOUT)),
                sets.comparison().size(),
                PositionSets.filesOf(sets.comparison()).size(),
                sets.constrainedSafety().size(),
                PositionSets.filesOf(sets.constrainedSafety()).size()
                    + PositionSets.filesOf(sets.rewardOnlySafety()).size(),
                sets.suggestions().size(),
                PositionSets.filesOf(sets.suggestions()).size(),
                MODEL,
                seed)
            .indent(9)
            .stripTrailing());
    return sets;
  }

  private MeshHandle mesh(Optional<Path> fresh) throws IOException {
    if (target != null) {
      return new RunningMesh(target);
    }
    Path folder = data == null ? fresh.orElseThrow() : data;
    return ChildMesh.launch(home, folder.toAbsolutePath(), keep);
  }

  /** The tokenizer of the serving model: the same for all its versions. */
  private HuggingFaceTokenizerAdapter tokenizer() throws IOException {
    Path model = home.resolve("models").resolve(MODEL);
    if (!Files.isDirectory(model)) {
      throw new IOException(
          model + ": no such folder (run from the checkout, or: ./mesh pretrain)");
    }
    try (Stream<Path> versions = Files.list(model)) {
      return HuggingFaceTokenizerAdapter.ofFolder(
          versions
              .filter(Files::isDirectory)
              .min(Comparator.comparing(path -> path.getFileName().toString()))
              .orElseThrow(
                  () -> new IOException(model + ": no version (make one: ./mesh pretrain)")));
    }
  }

  private static Path maven() {
    String given = System.getenv("BALLAST_MAVEN");
    return Path.of(given == null || given.isEmpty() ? "mvn" : given);
  }

  private String next(DemoResult result, MeshHandle mesh, Path page) {
    StringBuilder text = new StringBuilder("\nWhere to look next\n");
    text.append("  the report with plots: ").append(page.toAbsolutePath()).append('\n');
    if (mesh.ownedByDemo() && !keep) {
      text.append("  the mesh is stopped now; --keep leaves it up, with its console\n");
      text.append("  docs/demo.md says what each number means and what it does not\n");
      return text.toString();
    }
    mesh.console().ifPresent(url -> text.append("  the console: ").append(url).append('\n'));
    String to = " --target " + mesh.target();
    for (RunName run : RunName.values()) {
      text.append("  ./mesh runs show ").append(result.run(run).runId()).append(to).append('\n');
    }
    text.append("  ./mesh models list").append(to).append("   (and: ./mesh models rollback)\n");
    if (mesh instanceof ChildMesh child) {
      text.append("  stop the mesh: kill ").append(child.pid()).append('\n');
    }
    return text.toString();
  }

  private int fail(StatusRuntimeException e) {
    Status status = e.getStatus();
    String said =
        status.getDescription() == null ? status.getCode().name() : status.getDescription();
    if (status.getCode() == Status.Code.UNAVAILABLE) {
      return fail(
          UNREACHABLE,
          "no mesh answers%s: %s (start one: ./mesh up, or leave --target out)"
              .formatted(target == null ? "" : " at " + target, said));
    }
    if (status.getCode() == Status.Code.UNIMPLEMENTED) {
      return fail(
          FAILED,
          said + " (the demo needs a mesh with all four servers in one process: ./mesh up)");
    }
    return fail(FAILED, status.getCode() + ": " + said);
  }

  private int fail(int code, String message) {
    spec.commandLine().getErr().println("mesh: " + message);
    return code;
  }

  /** Makes sure, before minutes are spent, that {@code file} can be written. */
  private static void prepare(Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    if (Files.isDirectory(file)) {
      throw new IOException(file + ": is a folder (expected: a file to write)");
    }
  }

  private static void delete(Path folder) {
    try {
      ModelStore.deleteAll(folder);
    } catch (IOException e) {
      // a leftover in the system's temporary folder; nothing of value is lost
    }
  }
}
