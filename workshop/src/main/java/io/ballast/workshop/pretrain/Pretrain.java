package io.ballast.workshop.pretrain;

import io.ballast.inference.api.DecoderArithmetic;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.inference.torch.TrainableDecoder;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.LongSupplier;
import java.util.random.RandomGeneratorFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Trains the default decoder: corpus → tokenizer → tokens → weights → Hugging Face folder. */
@Command(
    name = "pretrain",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Trains the default Java decoder and its tokenizer from Apache-2.0 sources (${COMMAND-FULL-NAME}"
            + " --resume goes on after an interruption).")
public final class Pretrain implements Callable<Integer> {
  private static final int ROWS = 8;
  private static final int LENGTH = 256;
  private static final int TOKENS_PER_STEP = ROWS * LENGTH;
  private static final double PEAK_RATE = 2.5e-3;
  private static final int WARM_UP_STEPS = 50;
  private static final int QUICK_WINDOWS = 64;
  private static final int FINAL_WINDOWS = 1_024;
  private static final long STEPS_PER_MEASURE = 250;
  private static final long CHECKPOINT_NANOS = 120_000_000_000L;

  @Option(
      names = "--tokens",
      defaultValue = "15000000",
      description = "Tokens to train on (default: ${DEFAULT-VALUE}).")
  private long tokens;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Seed of order and first weights (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--threads",
      defaultValue = "1",
      description = "Threads of one operation (default: ${DEFAULT-VALUE}).")
  private int threads;

  @Option(
      names = "--corpus",
      defaultValue = "workshop/target/corpus",
      description = "Folder of the fetched sources (default: ${DEFAULT-VALUE}).")
  private Path corpus = Path.of("workshop/target/corpus");

  @Option(
      names = "--work",
      defaultValue = "workshop/target/pretrain",
      description = "Folder for tokens and checkpoints (default: ${DEFAULT-VALUE}).")
  private Path work = Path.of("workshop/target/pretrain");

  @Option(
      names = "--output",
      defaultValue = "models/java-tiny/1",
      description = "Hugging Face folder to write (default: ${DEFAULT-VALUE}).")
  private Path output = Path.of("models/java-tiny/1");

  @Option(names = "--resume", description = "Go on from the last checkpoint in --work.")
  private boolean resume;

  @Option(
      names = "--arithmetic",
      defaultValue = "AUTO",
      description =
          "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}: products in bfloat16 where the"
              + " processor has instructions for them, else 32 bits).")
  private DecoderArithmetic arithmetic = DecoderArithmetic.AUTO;

  @Spec private CommandSpec spec = CommandSpec.create();

  private final LongSupplier nanos;

  /** A command that measures time by {@code nanos}. */
  public Pretrain(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /** Runs the command and exits with its code. */
  public static void main(String[] args) {
    System.exit(new CommandLine(new Pretrain(System::nanoTime)).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (tokens < TOKENS_PER_STEP) {
      throw new CommandLine.ParameterException(
          spec.commandLine(),
          "--tokens: " + tokens + " (expected: ≥ " + TOKENS_PER_STEP + ", one step)");
    }
    TorchRuntime.setThreads(threads);
    Workbench bench =
        Workbench.open(
            work,
            corpus,
            seed,
            line -> {
              out.println(line);
              out.flush();
            });
    DecoderConfig config = DecoderConfig.tiny(4_096);
    try (TrainableDecoder decoder =
        TrainableDecoder.create(
            config,
            Arithmetic.of(arithmetic),
            OptimizerOptions.pretraining(),
            RandomGeneratorFactory.of("L64X128MixRandom").create(seed))) {
      HeldOutLoss heldOut = new HeldOutLoss(bench.heldOut(), bench.facts().heldOutBytesPerToken());
      train(decoder, bench, heldOut, out);
      double nats = heldOut.measure(decoder, FINAL_WINDOWS, ROWS, LENGTH);
      publish(decoder, bench, nats, heldOut.bitsPerByte(nats));
      out.printf(
          "%nheld out: %.4f nats a token, %.4f bits a byte; written to %s%n",
          nats, heldOut.bitsPerByte(nats), output);
      out.flush();
    }
    return 0;
  }

  private void train(
      TrainableDecoder decoder, Workbench bench, HeldOutLoss heldOut, PrintWriter out)
      throws IOException {
    long steps = tokens / TOKENS_PER_STEP;
    Path checkpoint = work.resolve("checkpoint.safetensors");
    if (resume) {
      Map<String, String> notes = decoder.restoreCheckpoint(checkpoint);
      String plan = plan(steps);
      if (!plan.equals(notes.get("plan"))) {
        throw new IOException(
            checkpoint + ": made with " + notes.get("plan") + ", asked for " + plan);
      }
    }
    Batches batches = new Batches(bench.train(), ROWS, LENGTH, seed);
    LearningRate rate = new LearningRate(PEAK_RATE, WARM_UP_STEPS, steps);
    ProgressLine progress = new ProgressLine(out, nanos, decoder.steps(), steps, TOKENS_PER_STEP);
    long saved = nanos.getAsLong();
    for (long step = decoder.steps(); step < steps; step++) {
      double loss = decoder.trainStep(batches.at(step), rate.at(step)).loss();
      progress.stepped(step + 1, loss);
      if ((step + 1) % STEPS_PER_MEASURE == 0) {
        double nats = heldOut.measure(decoder, QUICK_WINDOWS, ROWS, LENGTH);
        progress.heldOut(nats, heldOut.bitsPerByte(nats));
      }
      if (nanos.getAsLong() - saved > CHECKPOINT_NANOS) {
        Path fresh = work.resolve("checkpoint.new");
        decoder.saveCheckpoint(fresh, Map.of("plan", plan(steps)));
        Files.move(fresh, checkpoint, StandardCopyOption.REPLACE_EXISTING);
        saved = nanos.getAsLong();
      }
    }
  }

  /** What must be the same for a checkpoint to go on exactly. */
  private String plan(long steps) {
    return "seed " + seed + ", " + steps + " steps, " + Arithmetic.of(arithmetic);
  }

  private void publish(TrainableDecoder decoder, Workbench bench, double nats, double bitsPerByte)
      throws IOException {
    decoder.save(
        output,
        WeightType.BFLOAT16,
        bench.tokenizer(),
        Map.of("seed", Long.toString(seed), "tokens", Long.toString(tokens)));
    Files.copy(
        work.resolve("tokenizer_config.json"),
        output.resolve("tokenizer_config.json"),
        StandardCopyOption.REPLACE_EXISTING);
    long steps = tokens / TOKENS_PER_STEP;
    String command = "./mesh pretrain decoder --tokens %d --seed %d".formatted(tokens, seed);
    Files.writeString(
        output.resolve("MODEL_CARD.md"),
        ModelCard.of(
            bench.facts(),
            decoder.config(),
            steps,
            steps * TOKENS_PER_STEP,
            nats,
            bitsPerByte,
            command));
  }
}
