package io.ballast.orchestrator.config;

import io.ballast.inference.api.DecoderArithmetic;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** The orchestrator's properties, {@code ballast.orchestrator.*}. Defaults live here only. */
@ConfigMapping(prefix = "ballast.orchestrator")
public interface OrchestratorProperties {
  /** How many runs work at a time, at least 1; the others wait their turn. */
  @WithDefault("1")
  int concurrentRuns();

  /**
   * Runs of one tenant that wait, learn, are tested or are paused, at least 1; those that have
   * ended or failed do not count.
   */
  @WithDefault("100")
  int runsPerTenant();

  /** The most tokens of a forward and backward pass of a run, at least 64: bounds its memory. */
  @WithDefault("2560")
  int tokensPerPass();

  /**
   * The most threads that one run or learner session learns with at a time, at least 1, whatever
   * the processors are: sums are rounded by it. Each but the first takes memory for gradients.
   */
  @WithDefault("2")
  int trainingLanes();

  /**
   * Whether the weights that a run samples from are handed to a policy-server in the same process
   * as they are, where there is memory for it; else, and elsewhere, they are written to folders.
   */
  @WithDefault("true")
  boolean rolloutsInMemory();

  /** How long a run waits for a peer or the database before it fails; it may be resumed then. */
  @WithDefault("PT5M")
  Duration peerPatience();

  /** The wait before the first retry of a call, doubled each time. */
  @WithDefault("PT0.2S")
  Duration retryFirstWait();

  /** The longest wait between two tries. */
  @WithDefault("PT10S")
  Duration retryLongestWait();

  /** Retries in a row that one peer may cost, at least 1; a success gives a tenth back. */
  @WithDefault("60")
  int retryBudget();

  /** How long one call for samples, rewards or costs may take. */
  @WithDefault("PT60S")
  Duration peerTimeout();

  /** How long one call waits for the end of a safety test before it asks again. */
  @WithDefault("PT30S")
  Duration testWait();

  /** The longest that a watcher waits before it looks for another process's changes. */
  @WithDefault("PT1S")
  Duration watchInterval();

  /**
   * How often runs are looked for that have no worker, and leases on those that have one are
   * renewed; they last four times as long.
   */
  @WithDefault("PT5S")
  Duration sweepInterval();

  /**
   * How long what a run learned from and was tested on, and samples of its skipped updates, are
   * kept once it has ended, such as P90D; PT0S: until the next look, which is once an hour; absent:
   * for ever.
   */
  Optional<Duration> promptRetention();

  /** Where TensorBoard finds what runs do, iteration by iteration; absent: it is not written. */
  @WithName("tensorboard.folder")
  Optional<Path> tensorboardFolder();

  /** In what numbers runs and learner sessions train. */
  @WithDefault("AUTO")
  DecoderArithmetic arithmetic();

  /** Open learner sessions, at least 1; runs are not among them. */
  @WithDefault("3")
  int learnerSessions();

  /**
   * Open learner sessions of one tenant, at least 1. With fewer than all no tenant can keep the
   * others out.
   */
  @WithDefault("2")
  int learnerSessionsPerTenant();

  /**
   * Memory of all open learner sessions together, in bytes, above 0. Of what the machine has for
   * models their passes get as much, at most half; runs get the rest.
   */
  @WithDefault("3221225472")
  long learnerMemoryBytes();

  /**
   * The share of the memory of all open learner sessions that those of one tenant may take, above
   * 0, at most 1.
   */
  @WithDefault("0.7")
  double learnerMemorySharePerTenant();

  /** Operations that may wait in one learner session, at least 1. */
  @WithDefault("64")
  int learnerQueue();

  /** Generations of one learner session under way, 1 to 256. */
  @WithDefault("64")
  int learnerSampleWindow();

  /** A learner session that nobody used for so long makes room for another. */
  @WithDefault("PT1H")
  Duration learnerIdleTimeout();
}
