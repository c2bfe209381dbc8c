package io.ballast.reward.config;

import io.ballast.inference.config.TritonProperties;
import io.ballast.rl.aggregation.AggregationMethod;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The reward-server's properties, {@code ballast.reward.*}. Defaults live here only, except for
 * {@link #workers}, which are as many as the machine has room for: {@link RewardConfig} counts.
 */
@ConfigMapping(prefix = "ballast.reward")
public interface RewardProperties {
  /** The ensemble that is meant when a request names none. */
  @WithDefault("java-reward")
  String defaultModel();

  /** The version that the alias "serving" of the default ensemble points to. */
  @WithDefault("1")
  String servingVersion();

  /** How members are combined when a request does not say. */
  @WithDefault("WORST_CASE")
  AggregationMethod aggregation();

  /**
   * The weight of the variance in UNCERTAINTY_WEIGHTED and UNCERTAINTY_WEIGHTED_SAMPLE when a
   * request does not say, ≥ 0; 0 means none.
   */
  @WithDefault("0.5")
  double uwoLambda();

  /** Where LOWER_QUANTILE lies when a request does not say, above 0, at most 0.5. */
  @WithDefault("0.25")
  double quantile();

  /** The aggregations that a request may ask for; absent: all. */
  Optional<List<AggregationMethod>> allowedAggregations();

  /** The least number of members that must answer for a value; 0: all. */
  @WithDefault("0")
  int quorum();

  /**
   * Whether WORST_CASE and LOWER_QUANTILE need every member, whatever the quorum: the worst of the
   * rest may be far better than the one that is missing.
   */
  @WithDefault("true")
  boolean worstCaseNeedsAll();

  /**
   * A candidate that is asked in the shadow of what serves, {@code NAME/VERSION@SHARE}: a share of
   * the calls above 0, at most 1. Its scores go into metrics alone. Absent: none is.
   */
  Optional<String> shadow();

  /**
   * A file with a line {@code NAME=VERSION} for each model whose serving version is another than
   * the properties say; it is read again each second. Absent: none.
   */
  Optional<Path> servingFile();

  /** What is demanded of ensembles that have rules of their own, by name. */
  Map<String, EnsembleProperties> ensembles();

  /** How long an item may wait for its scores before it fails with DEADLINE. */
  @WithDefault("PT60S")
  Duration modelTimeout();

  /** How long before the caller's deadline the answer is given, whatever is there by then. */
  @WithDefault("PT0.02S")
  Duration deadlineReserve();

  /** The most items of a request, 1 to 4,096. */
  @WithDefault("4096")
  int maxItems();

  /** The most bytes of one text in UTF-8, 1 to 1,048,576. */
  @WithDefault("65536")
  int maxTextBytes();

  /**
   * The most prompt tokens that the members of an ensemble see which does not say how many it was
   * trained with; 0: as many as fit. The default ensemble was trained with 96.
   */
  @WithDefault("96")
  int maxPromptTokens();

  /** A batch is not made larger than so many tokens, padding included, ≥ 1. */
  @WithDefault("512")
  int batchTokens();

  /** How long the first of a batch waits for others, ≥ 0. */
  @WithDefault("PT0.001S")
  Duration batchWait();

  /** Work beyond so many waiting tokens of its lane and more urgent ones is refused, ≥ 1. */
  @WithDefault("2000000")
  int queuedTokens();

  /**
   * The bytes of scores that are kept for who asks the same again, 0 to 2^40; 0: none, and only
   * what is on its way is shared.
   */
  @WithDefault("67108864")
  long cacheBytes();

  /** Batches that run side by side, ≥ 1; absent: as many as the cores that the process may use. */
  OptionalInt workers();

  /**
   * Batches of interactive work that may run beside those of trainers, ≥ 0: a person need not wait
   * until a worker is free.
   */
  @WithDefault("1")
  int interactiveWorkers();

  /** Threads of one batch in the model, ≥ 1. */
  @WithDefault("1")
  int threads();

  /** The routes that speak as other reward servers do. */
  HttpProperties http();

  /** What trainings may take. */
  TrainingProperties training();

  /** Ensembles that run behind Triton instead of in this process. */
  TritonProperties triton();

  /** What components of composites may use outside of the server. */
  ComponentProperties components();

  /** The rules of one ensemble; what is absent is the server's. */
  interface EnsembleProperties {
    /** The least number of its members that must answer for a value; 0: all. */
    OptionalInt quorum();

    /** Whether WORST_CASE and LOWER_QUANTILE need every one of them. */
    Optional<Boolean> worstCaseNeedsAll();
  }
}
