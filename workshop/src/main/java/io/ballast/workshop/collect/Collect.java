package io.ballast.workshop.collect;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.workshop.corpus.Corpus;
import io.ballast.workshop.corpus.CorpusPart;
import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.corpus.Split;
import io.ballast.workshop.programmer.Cursor;
import io.ballast.workshop.programmer.ParseCheck;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.Positions;
import io.ballast.workshop.progress.ProgressBar;
import io.ballast.workshop.scoring.LabelledCompletion;
import io.ballast.workshop.scoring.LabelledGroup;
import io.ballast.workshop.scoring.LabelledGroups;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.LongSupplier;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Draws labelled suggestions: positions → completions → judgements → JSON lines. */
@Command(
    name = "collect",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Lets a decoder suggest at real positions and writes what the programmer says.")
public final class Collect implements Callable<Integer> {
  @Option(names = "--model", required = true, description = "Hugging Face folder of the decoder.")
  private Path model = Path.of(".");

  @Option(
      names = "--output",
      required = true,
      description = "JSON lines to write, compressed if the name ends in .gz; appears when whole.")
  private Path output = Path.of(".");

  @Option(
      names = "--corpus",
      defaultValue = "workshop/target/corpus",
      description = "Folder of the fetched sources (default: ${DEFAULT-VALUE}).")
  private Path corpus = Path.of("workshop/target/corpus");

  @Option(
      names = "--part",
      required = true,
      description = "Which files, disjoint by name: ${COMPLETION-CANDIDATES}.")
  private CorpusPart part = CorpusPart.REWARD_LABELS;

  @Option(
      names = "--pretrain-files",
      defaultValue = "0",
      description =
          "So many files that the decoder was trained on as well: more labels, of a policy that"
              + " knows the file (default: ${DEFAULT-VALUE}).")
  private int pretrainFiles;

  @Option(
      names = "--positions",
      defaultValue = "3000",
      description = "Positions to ask at (default: ${DEFAULT-VALUE}).")
  private int count;

  @Option(
      names = "--per-file",
      defaultValue = "8",
      description = "The most positions of a file (default: ${DEFAULT-VALUE}).")
  private int perFile;

  @Option(
      names = "--samples",
      defaultValue = "8",
      description = "Completions a position at temperature 1 (default: ${DEFAULT-VALUE}).")
  private int samples;

  @Option(
      names = "--shape",
      split = ",",
      defaultValue = "96/24,64/12",
      converter = DrawShape.Converter.class,
      description =
          "The most prompt and new tokens, taken in turn over positions (default:"
              + " ${DEFAULT-VALUE}: as suggestions and as runs have them).")
  private List<DrawShape> shapes = List.of();

  @Option(
      names = "--noise",
      defaultValue = "0",
      description = "The probability that the programmer errs (default: ${DEFAULT-VALUE}).")
  private double noise;

  @Option(
      names = "--judges",
      defaultValue = "2",
      description = "Threads that parse and judge (default: ${DEFAULT-VALUE}).")
  private int judges;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Seed of positions, draws and errors (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Spec private CommandSpec spec = CommandSpec.create();

  private final LongSupplier nanos;

  /** A command that measures time by {@code nanos}. */
  public Collect(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /** Runs the command and exits with its code. */
  public static void main(String[] args) {
    System.exit(new CommandLine(new Collect(System::nanoTime)).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    if (count < 1 || perFile < 1 || pretrainFiles < 0) {
      throw new ParameterException(
          spec.commandLine(), "--positions, --per-file: at least 1; --pretrain-files: at least 0");
    }
    LabelCollector.Plan plan = plan();
    TorchRuntime.setThreads(1);
    PrintWriter out = spec.commandLine().getOut();
    List<SourceFile> files = files();
    try (Decoder decoder =
            TorchDecoder.load(model, ServingOptions.defaults().withBatchInvariant(true));
        LabelCollector collector = new LabelCollector(decoder, plan)) {
      List<Position> positions = positions(files, decoder);
      out.printf(
          Locale.ROOT,
          "%,d positions in %,d of %,d files, %d completions each%n",
          positions.size(),
          positions.stream().map(Position::file).distinct().count(),
          files.size(),
          samples);
      out.flush();
      if (positions.isEmpty()) {
        throw new IOException(corpus + ": no position in " + part + " (expected: ≥ 1)");
      }
      write(collector, positions, out);
    }
    return 0;
  }

  private LabelCollector.Plan plan() {
    try {
      return new LabelCollector.Plan(samples, shapes, noise, seed, judges);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--" + e.getMessage(), e);
    }
  }

  private List<SourceFile> files() throws IOException {
    Split last = pretrainFiles > 0 ? Split.PRETRAIN : part.split();
    Corpus sources = Corpus.readUpTo(last, corpus, seed);
    List<SourceFile> files = new ArrayList<>(part.files(sources));
    sources.files(Split.PRETRAIN).stream().limit(pretrainFiles).forEach(files::add);
    return files;
  }

  private List<Position> positions(List<SourceFile> files, Decoder decoder) {
    try (ParseCheck parseCheck = new ParseCheck()) {
      return new Positions(Cursor.tokenBoundaries(decoder.tokenizer()), parseCheck)
          .draw(files, count, perFile, RandomGeneratorFactory.of("L64X128MixRandom").create(seed));
    }
  }

  private void write(LabelCollector collector, List<Position> positions, PrintWriter out)
      throws IOException {
    @Nullable Path parent = output.toAbsolutePath().getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    Path unfinished = output.resolveSibling("unfinished-" + output.getFileName());
    ProgressBar progress = new ProgressBar(out, nanos, "positions", positions.size());
    Tally tally = new Tally();
    try (LabelledGroups.Writer writer = LabelledGroups.writer(unfinished)) {
      collector.collect(
          positions,
          group -> {
            writer.write(group);
            tally.add(group);
            progress.at(tally.groups, tally.show());
          });
    }
    Files.move(unfinished, output, StandardCopyOption.REPLACE_EXISTING);
    out.println("written to " + output);
    out.flush();
  }

  /** What was found so far. */
  private static final class Tally {
    private long groups;
    private long completions;
    private long accepted;
    private long kept;
    private long harmful;

    void add(LabelledGroup group) {
      groups++;
      for (LabelledCompletion completion : group.completions()) {
        completions++;
        accepted += completion.saved() > 0 ? 1 : 0;
        kept += completion.kept() > 0 ? 1 : 0;
        harmful += completion.harmful() ? 1 : 0;
      }
    }

    String show() {
      return String.format(
          Locale.ROOT,
          "accepted %.1f %%, begun right %.1f %%, breaking %.1f %%",
          100.0 * accepted / completions,
          100.0 * kept / completions,
          100.0 * harmful / completions);
    }
  }
}
