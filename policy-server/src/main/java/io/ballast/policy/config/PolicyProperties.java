package io.ballast.policy.config;

import io.ballast.inference.api.DecoderArithmetic;
import io.ballast.policy.core.outage.WhenDatabaseDown;
import io.ballast.policy.core.suggest.PeerPolicy.WhenDown;
import io.ballast.policy.core.version.CanarySplit;
import io.ballast.policy.core.version.RemoteVersion;
import io.ballast.rl.bound.BoundMethod;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/** The policy-server's properties, {@code ballast.policy.*}. Defaults live here only. */
@ConfigMapping(prefix = "ballast.policy")
public interface PolicyProperties {
  /** The model that is meant when a request names none. */
  @WithDefault("java-tiny")
  String defaultModel();

  /** The version that "serving" points to at the very first start. */
  @WithDefault("1")
  String firstVersion();

  /** The temperature of a request that does not say: 0, or 0.01 to 10. */
  @WithDefault("1.0")
  double temperature();

  /** The most tokens of a completion when a request does not say, 1 to 4,096. */
  @WithDefault("24")
  int maxNewTokens();

  /** The most prompt tokens that a suggestion sees, the last ones; 0: as many as fit. */
  @WithDefault("96")
  int maxPromptTokens();

  /** What ends a suggestion when a request does not say: {@code \n} stands for the line's end. */
  @WithDefault("\\\\n")
  List<String> stopStrings();

  /** The most bytes of a prompt in UTF-8, 1 to 65,536. */
  @WithDefault("65536")
  int maxPromptBytes();

  /** How many versions that no alias points to may be loaded at a time, at least 1. */
  @WithDefault("2")
  int maxPinnedVersions();

  /**
   * What all loaded versions may take together outside the heap, in MiB, at least 1; absent: seven
   * tenths of what the machine or container has beyond the heap's bound.
   */
  OptionalLong memoryMebibytes();

  /**
   * What one version's completions may take of that for keys and values, in MiB, at least 1;
   * absent: a fifth of it, at most 976.
   */
  OptionalLong keyValueMebibytes();

  /** In what numbers decoders are computed. */
  @WithDefault("AUTO")
  DecoderArithmetic arithmetic();

  /** Whether completions are the same bit by bit in any company, at a price. */
  @WithDefault("false")
  boolean batchInvariant();

  /** The most threads that a step of a decoder is shared out over, at least 1. */
  @WithDefault("2")
  int decodeLanes();

  /**
   * A file with the secret that lets an operator move an alias without a certificate, at least 16
   * characters; absent: nobody may.
   */
  Optional<String> breakGlassTokenFile();

  /** What the operator asks of a certificate. */
  PromotionProperties promotion();

  /**
   * Whether a caller may read the decisions for all tenants, whatever its own; absent: only in a
   * mesh whose PostgreSQL is its own, on one person's computer.
   */
  Optional<Boolean> allTenantsDecisions();

  /** Who stays with one version while an alias has a canary. */
  @WithDefault("TENANT")
  CanarySplit.Sticky canarySticky();

  /** How many generations of trainers may be under way at a time, at least 1. */
  @WithDefault("32")
  int sampleWindow();

  /** How long one stage of the display gate may take. */
  @WithDefault("PT0.5S")
  Duration gateTimeout();

  /** How long the rewards or costs of one suggestion may take. */
  @WithDefault("PT2S")
  Duration judgeTimeout();

  /** How long the verification of a certificate may take. */
  @WithDefault("PT10S")
  Duration certificateTimeout();

  /** What a missing display gate counts as: OPEN shows, CLOSED withholds. */
  @WithDefault("OPEN")
  WhenDown whenGateDown();

  /** What a missing cost counts as, where one was asked for: OPEN shows, CLOSED blocks. */
  @WithDefault("CLOSED")
  WhenDown whenCostDown();

  /**
   * What becomes of suggestions while the database is away: SPOOL goes on and keeps their records
   * on this server's disk, DROP goes on without records, REFUSE refuses them.
   */
  @WithDefault("SPOOL")
  WhenDatabaseDown.Decisions decisionsOnDatabaseDown();

  /**
   * What becomes of feedback meanwhile: REFUSE leaves it to its sender, SPOOL acknowledges it once
   * it is safe on this server's disk.
   */
  @WithDefault("REFUSE")
  WhenDatabaseDown.Feedback feedbackOnDatabaseDown();

  /** What may wait on the disk, in MiB, 1 to 1,048,576; an eighth of it is for feedback alone. */
  @WithDefault("256")
  int spoolMebibytes();

  /** How long one answer of the database is waited for where something may go on without it. */
  @WithDefault("PT1S")
  Duration databasePatience();

  /** How often a database that is away is asked whether it is back. */
  @WithDefault("PT1S")
  Duration databaseProbe();

  /** Tenants for whom something else holds. */
  Map<String, TenantProperties> tenants();

  /** How often aliases that another replica moved are looked for. */
  @WithDefault("PT1S")
  Duration aliasRefresh();

  /** The longest that a follower of training records waits before it looks for other replicas'. */
  @WithDefault("PT1S")
  Duration followInterval();

  /** Of how many users it is kept at hand what they did with their last suggestions, at least 1. */
  @WithDefault("4096")
  int historyUsers();

  /** How long that counts before the log is asked for what other replicas did. */
  @WithDefault("PT1M")
  Duration historyRefresh();

  /** How long suggestions and feedback are kept, such as P90D, at least a day; absent: for ever. */
  Optional<Duration> retention();

  /** Versions that other servers run, by names that mean nothing else. */
  Map<String, RemoteProperties> remotes();

  /** A version that another server runs. */
  interface RemoteProperties {
    /** The model's name in the mesh. */
    String model();

    /** The version within the model. */
    String version();

    /**
     * How the server is spoken to: OPENAI ({@code /v1/completions}), or behind Triton VLLM or
     * TENSORRT_LLM.
     */
    @WithDefault("OPENAI")
    RemoteVersion.Kind kind();

    /**
     * {@code http://host:port} or {@code https://…} for OPENAI, {@code host:port} for the others.
     */
    String url();

    /** The name by which the server knows it; absent: the model's. */
    Optional<String> servedModel();

    /** A folder with the model's tokenizer.json and config.json. */
    String folder();

    /** The server's limit of prompt and completion together; absent: as config.json says. */
    OptionalInt contextTokens();

    /** A file with the token that the server demands. */
    Optional<String> tokenFile();

    /** The environment variable with the token that the server demands. */
    Optional<String> tokenVariable();

    /** Whether a connection to a Triton is encrypted. */
    @WithDefault("false")
    boolean tls();

    /** Whether a Triton's stream that a caller leaves is read to its end, instead of cancelled. */
    @WithDefault("false")
    boolean drainStreams();

    /** How long a completion may take. */
    @WithDefault("PT60S")
    Duration timeout();
  }

  /** What a certificate must meet, whatever its test chose; judged again at each promotion. */
  interface PromotionProperties {
    /** The greatest τ, above 0, at most 1. */
    @WithDefault("0.95")
    double maxThreshold();

    /** The greatest δ of all looks at the candidate's weights together, above 0, at most 1. */
    @WithDefault("0.5")
    double maxDelta();

    /** The least n, prompts or their groups, at least 2. */
    @WithDefault("2")
    int minObservations();

    /** The cost models that may have judged, each NAME or NAME/VERSION; absent: any. */
    Optional<Set<String>> judges();

    /** The bounds that may have been computed; absent: any. */
    Optional<Set<BoundMethod>> bounds();

    /** Whether the judge may depend on what the candidate's run optimised against. */
    @WithDefault("true")
    boolean sameCostModel();
  }

  /** What may differ for one tenant. */
  interface TenantProperties {
    /** As {@link PolicyProperties#whenGateDown}; absent: the same as for all. */
    Optional<WhenDown> whenGateDown();

    /** As {@link PolicyProperties#whenCostDown}; absent: the same as for all. */
    Optional<WhenDown> whenCostDown();
  }
}
