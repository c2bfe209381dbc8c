package io.ballast.bulk;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.util.SerializedThrowable;
import org.apache.flink.util.TimeUtils;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The command line. */
@Command(
    name = "bulk-score",
    sortOptions = false,
    usageHelpAutoWidth = true,
    description = {
      "Scores a data set of JSON lines with a mesh, by a Flink job within this process.",
      "Each row of the input is in the output exactly once, whatever is killed: the same command"
          + " goes on where the last checkpoint was.",
      "A row is {\"id\": …, \"prompt\": \"…\", \"completion\": \"…\"} or {…, \"completions\":"
          + " [\"…\", …]}; other fields are not read, but for \"references\"."
    },
    footer = {
      "",
      "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 no mesh reached, 4 refused (the input or the"
          + " model is another than when the job began).",
      "Environment: BALLAST_TOKEN (sent as authorization: Bearer), JAVA_HOME,"
          + " BULK_SCORE_JAVA_OPTIONS (such as -Xmx4g)."
    })
final class BulkScore implements Callable<Integer> {
  @Option(
      names = "--input",
      required = true,
      arity = "1..*",
      paramLabel = "PATH",
      description = "Files of JSON lines, plain or .gz, .bz2, .xz, .zst, or folders of such.")
  private List<Path> input = List.of();

  @Option(
      names = "--output",
      required = true,
      paramLabel = "DIR",
      description = "Where scores-….jsonl are committed; has what the job needs to go on, too.")
  private Path output = Path.of("");

  @Option(
      names = "--target",
      paramLabel = "HOST:PORT",
      defaultValue = "${env:BALLAST_TARGET:-127.0.0.1:9100}",
      description =
          "The mesh or reward-server; dns:///HOST:PORT asks all addresses of a name in turn."
              + " Default: BALLAST_TARGET, else ${DEFAULT-VALUE}.")
  private String target = "";

  @Option(
      names = "--tls-ca",
      paramLabel = "FILE",
      defaultValue = "${env:BALLAST_TLS_CA}",
      description =
          "Encrypt; the mesh must be vouched for by these authorities, PEM, or system. Default:"
              + " BALLAST_TLS_CA.")
  private @Nullable String authorities;

  @Option(
      names = "--tls-certificate",
      paramLabel = "FILE",
      defaultValue = "${env:BALLAST_CLIENT_CERTIFICATE}",
      description = "What you prove yourself with, PEM. Default: BALLAST_CLIENT_CERTIFICATE.")
  private @Nullable String certificate;

  @Option(
      names = "--tls-key",
      paramLabel = "FILE",
      defaultValue = "${env:BALLAST_CLIENT_KEY}",
      description = "Its key, PEM. Default: BALLAST_CLIENT_KEY.")
  private @Nullable String key;

  @Option(
      names = "--tenant",
      defaultValue = "default",
      description = "On whose behalf. Default: ${DEFAULT-VALUE}.")
  private String tenant = "";

  @Option(
      names = "--model",
      paramLabel = "NAME[/VERSION]",
      defaultValue = "",
      description =
          "Which ensemble or composite. Default: the mesh's, in the version that serves when the"
              + " job begins, for the whole job.")
  private String model = "";

  @Option(
      names = "--aggregation",
      paramLabel = "METHOD",
      defaultValue = "",
      description = "mean, wco, uwo, median, lower_quantile or uwo_sample. Default: the mesh's.")
  private String aggregation = "";

  @Option(
      names = "--truncation",
      paramLabel = "END",
      defaultValue = "",
      description =
          "keep_last or keep_first: which end is kept of a prompt that is too long. Default: its"
              + " items fail with TOO_LONG.")
  private String truncation = "";

  @Option(
      names = "--parallelism",
      defaultValue = "2",
      description = "Scorers beside each other. Default: ${DEFAULT-VALUE}.")
  private int parallelism;

  @Option(
      names = "--in-flight",
      defaultValue = "4",
      description = "Batches under way in each of them. Default: ${DEFAULT-VALUE}.")
  private int inFlight;

  @Option(
      names = "--batch-items",
      defaultValue = "64",
      description = "Completions of a batch, 1 to 4096. Default: ${DEFAULT-VALUE}.")
  private int batchItems;

  @Option(
      names = "--batch-size",
      defaultValue = "8mb",
      converter = SizeOption.class,
      description =
          "The longest request; a row that is longer by itself is a failure. Default:"
              + " ${DEFAULT-VALUE}.")
  private MemorySize batchSize = MemorySize.ZERO;

  @Option(
      names = "--call-timeout",
      defaultValue = "30s",
      converter = DurationOption.class,
      description = "The deadline of one call. Default: ${DEFAULT-VALUE}.")
  private Duration callTimeout = Duration.ZERO;

  @Option(
      names = "--attempts",
      defaultValue = "10",
      description =
          "Calls for one batch, where RESOURCE_EXHAUSTED, UNAVAILABLE or DEADLINE_EXCEEDED is"
              + " answered. Default: ${DEFAULT-VALUE}.")
  private int attempts;

  @Option(
      names = "--first-wait",
      defaultValue = "500ms",
      converter = DurationOption.class,
      description =
          "Before the second; doubles from there. At least as long as the mesh asks by RetryInfo."
              + " Default: ${DEFAULT-VALUE}.")
  private Duration firstWait = Duration.ZERO;

  @Option(
      names = "--longest-wait",
      defaultValue = "30s",
      converter = DurationOption.class,
      description = "Up to which it doubles. Default: ${DEFAULT-VALUE}.")
  private Duration longestWait = Duration.ZERO;

  @Option(
      names = "--give-up",
      defaultValue = "stop",
      description =
          "After the last attempt: stop the job, to go on later, or record a typed failure for each"
              + " row. Default: ${DEFAULT-VALUE}.")
  private GiveUp giveUp = GiveUp.STOP;

  @Option(
      names = "--checkpoint-every",
      defaultValue = "10s",
      converter = DurationOption.class,
      description =
          "What a crash costs at most, and when files are committed. Default: ${DEFAULT-VALUE}.")
  private Duration checkpointEvery = Duration.ZERO;

  @Option(
      names = "--file-size",
      defaultValue = "128mb",
      converter = SizeOption.class,
      description = "From which on another output file is begun. Default: ${DEFAULT-VALUE}.")
  private MemorySize fileSize = MemorySize.ZERO;

  @Option(
      names = "--progress-every",
      defaultValue = "10s",
      converter = DurationOption.class,
      description = "How often a line says how far it is. Default: ${DEFAULT-VALUE}.")
  private Duration progressEvery = Duration.ZERO;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Says this.")
  private boolean help;

  @CommandLine.Spec private CommandLine.Model.@Nullable CommandSpec command;

  public static void main(String[] arguments) {
    System.exit(run(arguments));
  }

  /** Runs the command and returns its exit code. */
  static int run(String... arguments) {
    return new CommandLine(new BulkScore())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOverwrittenOptionsAllowed(true) // the last counts
        .setExecutionExceptionHandler(
            (failure, commandLine, parsed) -> {
              if (failure instanceof StoppedException stopped) {
                say(stopped.getMessage());
                return stopped.exitCode();
              }
              throw failure;
            })
        .execute(arguments);
  }

  private static void say(@Nullable String line) {
    System.err.println("bulk-score: " + line);
  }

  @Override
  public Integer call() throws Exception {
    CallPolicy policy = policy();
    JobSpec.Asked asked = new JobSpec.Asked(model, aggregation, truncation, tenant);
    try (JobFolder folder = JobFolder.take(output)) {
      Optional<JobSpec> before = folder.spec();
      if (before.isPresent()) {
        same(before.get(), asked);
      }
      Optional<Summary> finished = folder.summary();
      if (finished.isPresent()) {
        say("finished before: " + finished.get());
        return 0;
      }
      MeshAddress address = new MeshAddress(target, authorities, certificate, key);
      JobSpec spec = before.isPresent() ? before.get() : begin(folder, asked, address, policy);
      return goOn(folder, spec, address, policy);
    }
  }

  private CallPolicy policy() {
    try {
      if (parallelism < 1
          || inFlight < 1
          || batchItems < 1
          || batchItems > RowReader.MAX_COMPLETIONS) {
        throw new IllegalArgumentException(
            "--parallelism, --in-flight and --batch-items: %d, %d and %d (expected: at least 1, and at most %,d items)"
                .formatted(parallelism, inFlight, batchItems, RowReader.MAX_COMPLETIONS));
      }
      if ((certificate == null) != (key == null) || (certificate != null && authorities == null)) {
        throw new IllegalArgumentException(
            "--tls-certificate and --tls-key: one without the other or without --tls-ca (expected:"
                + " all three, --tls-ca alone, or none)");
      }
      return new CallPolicy(callTimeout, attempts, firstWait, longestWait, giveUp);
    } catch (IllegalArgumentException e) {
      throw usage(e.getMessage());
    }
  }

  private RuntimeException usage(@Nullable String message) {
    return command == null
        ? new IllegalStateException(message)
        : new ParameterException(command.commandLine(), message);
  }

  private JobSpec begin(
      JobFolder folder, JobSpec.Asked asked, MeshAddress address, CallPolicy policy)
      throws IOException, StoppedException {
    List<InputFile> inputs = Inputs.list(input);
    PinnedModel pinned = Mesh.probe(address, policy, template(asked));
    JobSpec spec = new JobSpec(inputs, asked, pinned);
    folder.keep(spec);
    return spec;
  }

  private io.ballast.reward.v1.ScoreRequest template(JobSpec.Asked asked) {
    try {
      return Mesh.template(asked, Mesh.selector(asked));
    } catch (IllegalArgumentException e) {
      throw usage(
          "--aggregation %s, --truncation %s: no such (expected: as --help has them)"
              .formatted(aggregation, truncation));
    }
  }

  private void same(JobSpec before, JobSpec.Asked asked) throws IOException, StoppedException {
    if (!before.asked().equals(asked)) {
      throw new StoppedException(
          4,
          "%s is of a job that asked %s (expected: the same, or another --output)"
              .formatted(output, before.asked()));
    }
    for (Path path : input) {
      Path root = path.toAbsolutePath().normalize();
      if (before.inputs().stream().noneMatch(file -> Path.of(file.path()).startsWith(root))) {
        throw new StoppedException(
            4,
            "%s is of a job without %s (expected: the same input, or another --output)"
                .formatted(output, path));
      }
    }
  }

  private int goOn(JobFolder folder, JobSpec spec, MeshAddress address, CallPolicy policy)
      throws Exception {
    Inputs.unchanged(spec.inputs());
    Optional<Path> checkpoint = folder.checkpoint();
    if (checkpoint.isEmpty() && !folder.committed().isEmpty()) {
      // a job that ended deletes its checkpoints; it was killed before it could say so
      return finish(folder, spec);
    }
    say(
        "%,d rows in %,d files, scored by %s at %s; %s"
            .formatted(
                spec.rows(),
                spec.inputs().size(),
                spec.model(),
                target,
                checkpoint.isPresent()
                    ? "goes on from " + folder.output().relativize(checkpoint.get())
                    : folder.startedBefore()
                        ? "begins again: there is no checkpoint yet"
                        : "begins"));
    if (spec.rows() > 0) {
      ScoreFunction score =
          new ScoreFunction(
              address, Mesh.template(spec.asked(), spec.model().selector()), spec.model(), policy);
      ScoringJob.Work work =
          new ScoringJob.Work(
              parallelism, inFlight, batchItems, batchSize, checkpointEvery, fileSize);
      watch(
          ScoringJob.start(spec, score, work, folder.output(), folder.newAttempt(), checkpoint),
          spec.rows());
    }
    return finish(folder, spec);
  }

  /** Waits for the end, and says how far it is meanwhile. */
  private void watch(JobClient job, long rows) throws Exception {
    CompletableFuture<JobExecutionResult> end = job.getJobExecutionResult();
    long began = System.nanoTime();
    long first = -1;
    while (true) {
      try {
        end.get(progressEvery.toNanos(), TimeUnit.NANOSECONDS);
        return;
      } catch (TimeoutException e) {
        Map<String, Object> counts = counts(job);
        long done = (long) counts.getOrDefault(ScoredRows.ROWS, 0L);
        if (first < 0) {
          first = done;
          began = System.nanoTime();
        }
        counts.remove(ScoredRows.ROWS);
        double seconds = (System.nanoTime() - began) / 1e9;
        say(
            "%,d of %,d rows%s; since this start: %s"
                .formatted(
                    done,
                    rows,
                    seconds > 0.5 ? ", %,.0f a second".formatted((done - first) / seconds) : "",
                    counts));
      } catch (ExecutionException e) {
        throw stopped(e)
            .<Exception>map(
                stopped ->
                    new StoppedException(
                        stopped.exitCode(),
                        stopped.getMessage()
                            + "; the same command goes on from the last checkpoint"))
            .orElse(e);
      }
    }
  }

  /** Finds what the job stopped itself with; Flink hands on causes as bytes. */
  private static Optional<StoppedException> stopped(Throwable failure) {
    Throwable cause = failure;
    while (cause != null) {
      if (cause instanceof SerializedThrowable serialized) {
        cause = serialized.deserializeError(BulkScore.class.getClassLoader());
        if (cause instanceof SerializedThrowable) {
          return Optional.empty(); // it cannot be read
        }
      }
      if (cause instanceof StoppedException stopped) {
        return Optional.of(stopped);
      }
      cause = cause.getCause();
    }
    return Optional.empty();
  }

  private static Map<String, Object> counts(JobClient job) throws Exception {
    try {
      return new TreeMap<>(job.getAccumulators().get());
    } catch (ExecutionException e) {
      return new TreeMap<>(); // the job is just ending
    }
  }

  private static int finish(JobFolder folder, JobSpec spec) throws IOException, StoppedException {
    Ledger ledger = Ledger.read(folder.committed());
    long missing = ledger.missing(spec.inputs());
    if (missing > 0 || ledger.twice() > 0) {
      throw new StoppedException(
          1,
          "%s: %,d rows are missing and %,d are there again, and there is no checkpoint to go on from"
              .formatted(folder.output(), missing, ledger.twice()));
    }
    Summary summary = ledger.summary(spec.model());
    folder.finish(summary);
    say("finished: " + summary);
    return 0;
  }

  /** Reads {@code 30s}, as Flink does. */
  static final class DurationOption implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String value) {
      return TimeUtils.parseDuration(value);
    }
  }

  /** Reads {@code 8mb}, as Flink does. */
  static final class SizeOption implements ITypeConverter<MemorySize> {
    @Override
    public MemorySize convert(String value) {
      return MemorySize.parse(value);
    }
  }
}
