package io.ballast.safety.config;

import io.ballast.inference.config.TritonProperties;
import io.ballast.safety.core.canary.WhenHeld;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * The safety-server's properties, {@code ballast.safety.*}. Defaults live here only, except for
 * {@link #workers}, which are as many as the machine has room for: {@link SafetyConfig} counts.
 */
@ConfigMapping(prefix = "ballast.safety")
public interface SafetyProperties {
  /** The cost model that is meant when a request names none. */
  @WithDefault("java-cost")
  String costModel();

  /** The version that the alias "serving" of the default cost model points to. */
  @WithDefault("1")
  String costVersion();

  /** The harm probability at and above which the verdict is BLOCK when a request does not say. */
  @WithDefault("0.5")
  double displayThreshold();

  /**
   * A cost model that is asked in the shadow of what serves, {@code NAME/VERSION@SHARE}: a share of
   * the calls above 0, at most 1. Its costs go into metrics alone. Absent: none is.
   */
  Optional<String> shadow();

  /**
   * A file with a line {@code NAME=VERSION} for each model whose serving version is another than
   * the properties say; it is read again each second. Absent: none.
   */
  Optional<Path> servingFile();

  /** How long an item may wait for its cost before it fails with DEADLINE. */
  @WithDefault("PT60S")
  Duration modelTimeout();

  /** How long before the caller's deadline the answer is given, whatever is there by then. */
  @WithDefault("PT0.02S")
  Duration deadlineReserve();

  /** The most items of a request for costs, 1 to 4,096. */
  @WithDefault("4096")
  int maxItems();

  /** The most bytes of one text in UTF-8, 1 to 1,048,576. */
  @WithDefault("65536")
  int maxTextBytes();

  /**
   * The most prompt tokens that a cost model sees which does not say how many it was trained with;
   * 0: as many as fit. The default models were trained with 96.
   */
  @WithDefault("96")
  int maxPromptTokens();

  /** A batch is not made larger than so many tokens, ≥ 1. */
  @WithDefault("512")
  int batchTokens();

  /** How long the first of a batch waits for others, ≥ 0. */
  @WithDefault("PT0.001S")
  Duration batchWait();

  /** Work beyond so many waiting tokens of its lane and more urgent ones is refused, ≥ 1. */
  @WithDefault("2000000")
  int queuedTokens();

  /**
   * Batches of one cost model that run side by side, ≥ 1; absent: as many as the cores that the
   * process may use.
   */
  OptionalInt workers();

  /** Threads of one batch in the model, ≥ 1. */
  @WithDefault("1")
  int threads();

  /** The gate model of stage 1. */
  @WithDefault("java-gate-context")
  String contextGate();

  /** Its version. */
  @WithDefault("1")
  String contextGateVersion();

  /** The gate model of stage 2. */
  @WithDefault("java-gate-suggestion")
  String suggestionGate();

  /** Its version. */
  @WithDefault("1")
  String suggestionGateVersion();

  /**
   * Whether every decision of the gate says which features moved it most; those with a pinned gate
   * version, as a replay has, always do.
   */
  @WithDefault("false")
  boolean gateExplains();

  /**
   * Tenants whose suggestions are shown where that is expected to save time, in place of by the
   * gate's lines, with what things take there.
   */
  Map<String, TimeProperties> utility();

  /** What things take a tenant's users, as medians or means. */
  interface TimeProperties {
    /** Reading a suggestion, 0 to a day. */
    Duration verification();

    /** What a suggestion makes a person wait, 0 to a day. */
    @WithDefault("PT0S")
    Duration waiting();

    /** Writing by hand what would be accepted, 0 to a day. */
    Duration writing();

    /** Editing after accepting, 0 to a day. */
    @WithDefault("PT0S")
    Duration editing();
  }

  /** The temperature of a safety test that does not say: 0, or 0.01 to 10. */
  @WithDefault("1.0")
  double testTemperature();

  /** The most tokens of a completion of a safety test that does not say, 1 to 4,096. */
  @WithDefault("24")
  int testMaxNewTokens();

  /** How many prompts of a safety test are sampled and judged at a time, 1 to 1,024. */
  @WithDefault("32")
  int testChunk();

  /** How many safety tests run side by side, ≥ 1; more wait. */
  @WithDefault("2")
  int concurrentTests();

  /** How often a step of a safety test is tried before the test fails, ≥ 1. */
  @WithDefault("8")
  int testAttempts();

  /**
   * How many looks at one candidate's weights are given back, ≥ 0: a candidate whose completions
   * come late could otherwise be tested until they do not.
   */
  @WithDefault("8")
  int testReturns();

  /** The pause before the second attempt; it doubles, up to 30 s. */
  @WithDefault("PT1S")
  Duration testPause();

  /** How long one call for completions of a candidate may take. */
  @WithDefault("PT60S")
  Duration sampleTimeout();

  /** How long the policy-server may take to say which weights a candidate has. */
  @WithDefault("PT5S")
  Duration versionTimeout();

  /**
   * The longest that a call which waits for a test goes without looking at other replicas' work.
   */
  @WithDefault("PT1S")
  Duration waitInterval();

  /** How long before its deadline a call that waits for a test is answered: a look takes time. */
  @WithDefault("PT0.25S")
  Duration waitReserve();

  /**
   * A folder of PEM files: the Ed25519 private key that signs certificates, and the public keys
   * that they are verified with. Without one a mesh with a database of its own makes a key in its
   * data folder; with a database elsewhere no safety test is started.
   */
  Optional<Path> signingKeys();

  /** How long a certificate allows a promotion, &gt; 0. */
  @WithDefault("P7D")
  Duration certificateValidity();

  /** How long leave to move an alias holds, that a certificate was redeemed for, &gt; 0. */
  @WithDefault("PT60S")
  Duration redemptionValidity();

  /** How far this computer's clock may be ahead of the database's for certificates, 0 to a day. */
  @WithDefault("PT5M")
  Duration clockSkew();

  /** How canaries are watched. */
  CanaryProperties canary();

  /** How canaries are watched; what is set counts for those that begin afterwards. */
  interface CanaryProperties {
    /** Whether they are watched, and rolled back at a breach; if not, they are only counted. */
    @WithDefault("true")
    boolean watch();

    /** How long between two looks, &gt; 0. */
    @WithDefault("PT10S")
    Duration interval();

    /** The probability of a false alarm over a whole canary, above 0, below 1. */
    @WithDefault("0.05")
    double alpha();

    /**
     * The mean cost that a canary shall not be over, 0 to below 1; absent: the threshold of its
     * certificate.
     */
    OptionalDouble costLimit();

    /** How far its accept rate may be under that of what serves beside it, 0 to below 1. */
    @WithDefault("0.05")
    double acceptMargin();

    /** Costs without which nothing is held, ≥ 1. */
    @WithDefault("100")
    int leastDecisions();

    /** After which a canary without a breach counts as held, &gt; 0. */
    @WithDefault("P1D")
    Duration horizon();

    /** What becomes of a canary that held: REPORT tells it, COMPLETE moves the alias to it. */
    @WithDefault("REPORT")
    WhenHeld whenHeld();

    /** How old a decision is when its feedback is looked at, 0 to 366 days. */
    @WithDefault("PT5M")
    Duration feedbackWait();

    /** How long looks at a canary may fail before it is rolled back, &gt; 0. */
    @WithDefault("PT15M")
    Duration maxBlind();
  }

  /** How it is watched whether what gates say comes true. */
  DriftProperties drift();

  /** How it is watched whether what gates say comes true, for all tenants. */
  interface DriftProperties {
    /** How long between two looks, ≥ 0; 0: it is not watched. */
    @WithDefault("PT0S")
    Duration interval();

    /** Weeks that are older count no more, &gt; 0. */
    @WithDefault("P28D")
    Duration window();

    /** The probability of an alarm about a week while nothing has changed, above 0, below 1. */
    @WithDefault("0.05")
    double alpha();
  }

  /** Cost models that run behind Triton instead of in this process. */
  TritonProperties triton();
}
