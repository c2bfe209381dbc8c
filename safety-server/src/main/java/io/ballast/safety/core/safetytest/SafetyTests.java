package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Texts;
import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.safety.core.cost.CostCatalog;
import io.ballast.safety.core.cost.CostModel;
import io.ballast.safety.core.safetytest.CandidateSampler.Pinned;
import io.ballast.safety.core.safetytest.SafetyTestStore.KeyedTest;
import io.ballast.safety.core.safetytest.SafetyTestStore.Start;
import java.time.Duration;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Starts and shows safety tests. A prompt is looked at as its rule says. Thread-safe. */
public final class SafetyTests {
  private static final Logger LOG = LoggerFactory.getLogger(SafetyTests.class);
  private static final int MAX_RUN_CHARACTERS = 128;
  private static final int MAX_OPTIMISED = 64;
  private static final int MOST_LOOKS = 1_000;
  private static final int MOST_LISTED = 1_000;
  private static final int LISTED = 100;

  private final SafetyTestStore store;
  private final CandidateSampler sampler;
  private final CostCatalog costModels;
  private final LearnedLabels labels;
  private final CertificateIssuer issuer;
  private final TestRunner runner;
  private final TestSettings settings;
  private final ChangeSignal changes;
  private final TimeOrderedIds ids;
  private final InstantSource clock;
  private final RandomGenerator random;

  /**
   * @param random draws seeds; must be safe for use by many threads
   */
  public SafetyTests(
      SafetyTestStore store,
      CandidateSampler sampler,
      CostCatalog costModels,
      LearnedLabels labels,
      CertificateIssuer issuer,
      TestRunner runner,
      TestSettings settings,
      ChangeSignal changes,
      TimeOrderedIds ids,
      InstantSource clock,
      RandomGenerator random) {
    this.store = store;
    this.sampler = sampler;
    this.costModels = costModels;
    this.labels = labels;
    this.issuer = issuer;
    this.runner = runner;
    this.settings = settings;
    this.changes = changes;
    this.ids = ids;
    this.clock = clock;
    this.random = random;
  }

  /**
   * Starts a test, or returns the one that was started under the same idempotency key.
   *
   * @throws MeshException MALFORMED_REQUEST; UNKNOWN_MODEL for the candidate or the cost model;
   *     PRECONDITION_FAILED if nothing can be signed here, if the run optimised against the cost
   *     model, if that has no probability of harm, if the candidate or the base has other weights
   *     than was said, or if the looks at these prompts are taken, by whatever candidate, or if the
   *     account of these weights, or the named one, has no room for another
   */
  public StoredTest start(TestCommand command) {
    requireValid(command);
    PromptSet prompts =
        PromptSet.checked(
            "spec.prompts", command.prompts(), command.groups(), settings.maxPromptBytes());
    if (command.boundMethod() == BoundMethod.CLOPPER_PEARSON && prompts.hasLargeGroups()) {
      throw Texts.malformed(
          "spec.groups",
          "%,d groups of %,d prompts (expected: of one each under CLOPPER_PEARSON, where a mean is no count)"
              .formatted(prompts.groupsCount(), prompts.size()));
    }
    var sampling = command.sampling().resolve("spec.sampling", settings);
    for (int i = 0; i < sampling.stopStrings().size(); i++) {
      String flaw = Texts.storageFlaw(sampling.stopStrings().get(i));
      if (flaw != null) {
        throw Texts.malformed("spec.sampling.stop_strings[" + i + "]", flaw);
      }
    }
    Optional<StoredTest> earlier = byKey(command);
    if (earlier.isPresent()) {
      return earlier.get();
    }
    issuer.requireKey();
    CostModel model = costModels.resolve(command.costModel());
    var unused = model.requireCalibration("spec.cost_model");
    PinnedVersion judge = model.id();
    List<PinnedVersion> optimised =
        command.optimisedCostModels().stream().map(this::withWeights).toList();
    Optional<JudgeDependence> dependence = dependence(command, judge, optimised);
    String tenant = command.caller().tenant();
    Pinned candidate = pin("spec.candidate", command.candidate(), tenant);
    Optional<PinnedVersion> base = command.base().map(said -> pin("spec.base", said, tenant).id());
    AccountShare account =
        new AccountShare(accountOf(command), command.accountLooks(), command.delta());
    LookRule rule = new LookRule(command.reuse(), Math.max(1, command.looks()), account.delta());
    TestSpec spec =
        new TestSpec(
            candidate.id(),
            judge,
            optimised,
            prompts,
            command.threshold(),
            rule.delta(),
            command.boundMethod(),
            sampling,
            command.maxPromptTokens(),
            settings.chunk(),
            new TestScope(
                candidate.folderSha256(), model.folderSha256(), base, command.alias(), dependence));
    NewTest test =
        new NewTest(
            ids.next(),
            command.caller(),
            command.fingerprint(),
            spec,
            rule,
            account,
            command.drawCount() == 0
                ? Optional.empty()
                : Optional.of(new NewTest.Draw(command.drawCount(), random.nextLong())),
            command.runId(),
            clock.instant().truncatedTo(ChronoUnit.MICROS));
    return switch (store.start(test, random::nextLong)) {
      case Start.Started started -> {
        runner.begin(test.id());
        yield started.test();
      }
      case Start.KeyUsed used -> sameRequest(used.first(), command);
      case Start.LookSpent spent -> throw StartRefusals.spent(prompts, spent);
      case Start.SetClosed closed -> throw StartRefusals.closed(closed);
      case Start.OtherRule other -> throw StartRefusals.otherRule(other.rule());
      case Start.WeightsSpent weights -> throw StartRefusals.weightsSpent(weights, rule.delta());
      case Start.AccountSpent full -> throw StartRefusals.accountSpent(account, full);
      case Start.OtherAccountRule other -> throw StartRefusals.otherAccountRule(account, other);
      case Start.PoolUsedUp pool -> throw StartRefusals.usedUp(command, pool.left());
    };
  }

  /** What the judge shares with what was optimised against; empty unless the test allows it. */
  private Optional<JudgeDependence> dependence(
      TestCommand command, PinnedVersion judge, List<PinnedVersion> optimised) {
    if (command.sameCostModel()) {
      return Optional.of(Independence.dependence(judge, optimised, labels));
    }
    for (PinnedVersion unsaid : Independence.require(judge, optimised, labels)) {
      LOG.info(
          "whether {} {} learned from labels of {} {} is not said: one of their folders has no labels.idx",
          judge.model(),
          judge.version(),
          unsaid.model(),
          unsaid.version());
    }
    return Optional.empty();
  }

  private Optional<StoredTest> byKey(TestCommand command) {
    String key = command.caller().idempotencyKey();
    return key.isEmpty()
        ? Optional.empty()
        : store.byKey(command.caller().tenant(), key).map(first -> sameRequest(first, command));
  }

  private static StoredTest sameRequest(KeyedTest first, TestCommand command) {
    if (!first.fingerprint().equals(command.fingerprint())) {
      throw Texts.malformed(
          "metadata.idempotency_key",
          "used for another safety test, %s".formatted(first.test().id()));
    }
    return first.test();
  }

  /** Adds the checksum of a model that is known here, so that a copy under another name is seen. */
  private PinnedVersion withWeights(PinnedVersion optimised) {
    if (!optimised.weightsSha256().isEmpty()) {
      return optimised;
    }
    try {
      return costModels
          .resolve(VersionSelector.version(optimised.model(), optimised.version()))
          .id();
    } catch (MeshException e) {
      if (e.fault() == Fault.UNKNOWN_MODEL) {
        return optimised; // gone, or another mesh's: its name is all there is
      }
      throw e;
    }
  }

  private Pinned pin(String field, PinnedVersion said, String tenant) {
    Pinned found = sampler.pin(field, said, tenant);
    String weights = found.id().weightsSha256();
    if (!said.weightsSha256().isEmpty() && !said.weightsSha256().equals(weights)) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          "%s.weights_sha256: %s; the policy-server has %s"
              .formatted(field, said.weightsSha256(), weights));
    }
    return found;
  }

  private static void requireValid(TestCommand command) {
    Versions.require("spec.candidate", command.candidate());
    command.base().ifPresent(base -> Versions.require("spec.base", base));
    if (!command.alias().isEmpty()) {
      Versions.requireName("spec.alias", command.alias());
    }
    if (command.optimisedCostModels().size() > MAX_OPTIMISED) {
      throw Texts.malformed(
          "spec.optimised_cost_models",
          "%,d (expected: at most %d)"
              .formatted(command.optimisedCostModels().size(), MAX_OPTIMISED));
    }
    for (int i = 0; i < command.optimisedCostModels().size(); i++) {
      Versions.require(
          "spec.optimised_cost_models[" + i + "]", command.optimisedCostModels().get(i));
    }
    boolean threshold = command.threshold() >= 0 && command.threshold() < 1;
    if (!threshold) { // no cost is over 1, so that 1 would promise nothing
      throw Texts.malformed("spec.threshold", command.threshold() + " (expected: 0 to below 1)");
    }
    boolean delta = command.delta() > 0 && command.delta() < 1;
    if (!delta) {
      throw Texts.malformed("spec.delta", command.delta() + " (expected: above 0, below 1)");
    }
    if (command.maxPromptTokens() < 0) {
      throw Texts.malformed(
          "spec.max_prompt_tokens",
          command.maxPromptTokens() + " (expected: ≥ 0; 0 means as many as fit)");
    }
    requireReuse(command);
    if (command.accountLooks() < 0 || command.accountLooks() > MOST_LOOKS) {
      throw Texts.malformed(
          "spec.account_looks",
          "%,d (expected: 1 to %,d, or 0)".formatted(command.accountLooks(), MOST_LOOKS));
    }
    if (!command.account().isEmpty()) {
      var unusedAccount = Texts.requireName("spec.account", command.account());
    }
    var unused = Texts.requireLine("run_id", command.runId(), MAX_RUN_CHARACTERS);
  }

  /**
   * The named account, in lower case: a name that differs by a capital is the same. A run counts
   * its looks even if nobody says so; where they are shared beforehand, the account is said.
   */
  private static String accountOf(TestCommand command) {
    boolean byRun =
        command.account().isEmpty() && command.accountLooks() == 0 && Texts.isName(command.runId());
    return (byRun ? command.runId() : command.account()).toLowerCase(Locale.ROOT);
  }

  private static void requireReuse(TestCommand command) {
    int draw = command.drawCount();
    switch (command.reuse()) {
      case REFUSE -> {
        if (command.looks() != 0) {
          throw Texts.malformed("spec.looks", command.looks() + " (expected: 0, unless SPLIT)");
        }
        if (draw != 0 && (draw < 2 || draw > command.prompts().size())) {
          throw Texts.malformed(
              "spec.draw_count",
              "%,d (expected: 2 to %,d, the prompts of the pool, or 0)"
                  .formatted(draw, command.prompts().size()));
        }
      }
      case SPLIT -> {
        if (command.looks() < 2 || command.looks() > MOST_LOOKS) {
          throw Texts.malformed(
              "spec.looks", "%,d (expected: 2 to %,d)".formatted(command.looks(), MOST_LOOKS));
        }
        if (command.accountLooks() != 0) {
          throw Texts.malformed(
              "spec.account_looks",
              command.accountLooks() + " (expected: 0 with SPLIT, whose looks share delta)");
        }
        if (draw != 0) {
          throw Texts.malformed(
              "spec.draw_count", draw + " (expected: 0 with SPLIT: every look is at the same set)");
        }
      }
    }
  }

  /**
   * One test.
   *
   * @param tenant of a caller that is bound to one; empty: any
   * @throws MeshException UNKNOWN_RESOURCE if there is none, or it is another tenant's
   */
  public StoredTest get(UUID id, Optional<String> tenant) {
    return store
        .find(id)
        .filter(test -> tenant.isEmpty() || tenant.get().equals(test.tenant()))
        .orElseThrow(
            () ->
                new MeshException(
                    Fault.UNKNOWN_RESOURCE,
                    "test_id: %s: there is no such safety test".formatted(id),
                    Map.of("test_id", id.toString())));
  }

  /**
   * One test, when it has ended or the caller's deadline is near.
   *
   * @param tenant of a caller that is bound to one; empty: any
   * @throws CancellationException if the caller leaves
   */
  public StoredTest await(UUID id, Optional<String> tenant, CallPatience patience) {
    patience.onCancel(changes::wake);
    while (true) {
      long seen = changes.count();
      StoredTest test = get(id, tenant);
      Duration left =
          patience
              .remaining()
              .map(remaining -> remaining.minus(settings.waitReserve()))
              .orElse(settings.poll());
      if (test.state().ended() || !left.isPositive()) {
        return test;
      }
      if (patience.cancelled()) {
        throw new CancellationException("the caller left");
      }
      Duration bound = left.compareTo(settings.poll()) < 0 ? left : settings.poll();
      patience.idle(() -> changes.await(seen, bound, patience::cancelled));
    }
  }

  /**
   * Tests, newest first.
   *
   * @param runId only of this run; empty: of all
   * @param tenant of a caller that is bound to one; empty: any
   * @param pageSize 0: 100
   * @throws MeshException MALFORMED_REQUEST if the page size is out of its range, or the run could
   *     be none
   */
  public List<StoredTest> list(String runId, Optional<String> tenant, int pageSize) {
    if (pageSize < 0 || pageSize > MOST_LISTED) {
      throw Texts.malformed(
          "page_size", "%,d (expected: 1 to %,d, or 0)".formatted(pageSize, MOST_LISTED));
    }
    var unused = Texts.requireLine("run_id", runId, MAX_RUN_CHARACTERS);
    return store.list(runId, tenant, pageSize == 0 ? LISTED : pageSize);
  }
}
