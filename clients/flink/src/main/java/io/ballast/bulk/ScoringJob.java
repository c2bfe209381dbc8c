package io.ballast.bulk;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.RecoveryClaimMode;
import org.apache.flink.streaming.api.datastream.AsyncDataStream;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.OutputFileConfig;
import org.apache.flink.streaming.api.functions.sink.filesystem.bucketassigners.BasePathBucketAssigner;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.DefaultRollingPolicy;

/**
 * The job: files → rows → batches → Score → lines → files that are committed with the checkpoints.
 *
 * <p>It streams, although its input ends: only so does Flink make checkpoints.
 */
final class ScoringJob {
  /**
   * How it is worked on; may be another at each start.
   *
   * @param parallelism of every step
   * @param inFlight batches under way in each of the parallel scorers
   * @param batchItems completions of a batch
   * @param batchSize of a batch's request
   * @param checkpointEvery how much work a crash costs at most, and how often files are committed
   * @param fileSize from which on another file is begun
   */
  record Work(
      int parallelism,
      int inFlight,
      int batchItems,
      MemorySize batchSize,
      Duration checkpointEvery,
      MemorySize fileSize) {}

  private ScoringJob() {}

  /** Starts it on a cluster within this process. */
  static JobClient start(
      JobSpec spec,
      ScoreFunction score,
      Work work,
      Path output,
      Path checkpoints,
      Optional<Path> from)
      throws Exception {
    Configuration config = new Configuration();
    config.set(RestOptions.BIND_ADDRESS, "127.0.0.1");
    config.set(JobManagerOptions.BIND_HOST, "127.0.0.1");
    config.set(TaskManagerOptions.BIND_HOST, "127.0.0.1");
    config.set(PipelineOptions.GENERIC_TYPES, false); // no type without a serializer that keeps
    config.set(RestartStrategyOptions.RESTART_STRATEGY, "disable"); // the next start goes on
    config.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, work.checkpointEvery());
    config.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints.toUri().toString());
    config.set(CheckpointingOptions.CREATE_CHECKPOINT_SUB_DIR, false);
    // Score is slow and reading is not: a checkpoint overtakes the rows that wait, which are few
    config.set(CheckpointingOptions.ENABLE_UNALIGNED, true);
    config.set(TaskManagerOptions.MEMORY_SEGMENT_SIZE, MemorySize.parse("16kb"));
    config.set(
        CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
        ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
    from.ifPresent(
        checkpoint -> {
          config.set(StateRecoveryOptions.SAVEPOINT_PATH, checkpoint.toUri().toString());
          config.set(StateRecoveryOptions.RESTORE_MODE, RecoveryClaimMode.CLAIM);
        });
    StreamExecutionEnvironment flink =
        StreamExecutionEnvironment.createLocalEnvironment(work.parallelism(), config);
    flink.getConfig().setMaxParallelism(128); // so that another start may have another parallelism
    DataStream<Batch> batches =
        flink
            .fromSource(source(spec), WatermarkStrategy.noWatermarks(), "rows")
            .uid("rows")
            .rebalance()
            .transform(
                "batches",
                TypeInformation.of(Batch.class),
                new BatchOperator(work.batchItems(), work.batchSize().getBytes()))
            .uid("batches");
    AsyncDataStream.unorderedWait(
            batches,
            score,
            0, // each call has its deadline, and there are so many calls
            TimeUnit.MILLISECONDS,
            work.inFlight())
        .name("score")
        .uid("score")
        .flatMap(new Tally())
        .returns(Types.STRING)
        .name("tally")
        .uid("tally")
        .sinkTo(sink(work, output))
        .name("files")
        .uid("files");
    return flink.executeAsync("bulk score");
  }

  private static FileSource<Row> source(JobSpec spec) {
    Map<String, String> names =
        spec.inputs().stream().collect(Collectors.toMap(InputFile::path, InputFile::name));
    org.apache.flink.core.fs.Path[] paths =
        spec.inputs().stream()
            .map(file -> new org.apache.flink.core.fs.Path(Path.of(file.path()).toUri()))
            .toArray(org.apache.flink.core.fs.Path[]::new);
    return FileSource.forBulkFileFormat(new RowFormat(names), paths).build();
  }

  private static FileSink<String> sink(Work work, Path output) {
    return FileSink.forRowFormat(
            new org.apache.flink.core.fs.Path(output.toUri()), new SimpleStringEncoder<String>())
        .withBucketAssigner(new BasePathBucketAssigner<>())
        .withRollingPolicy(
            DefaultRollingPolicy.builder()
                .withMaxPartSize(work.fileSize())
                .withRolloverInterval(Duration.ofMinutes(15))
                .withInactivityInterval(Duration.ofMinutes(15))
                .build())
        .withOutputFileConfig(new OutputFileConfig(JobFolder.PREFIX, JobFolder.SUFFIX))
        .build();
  }
}
