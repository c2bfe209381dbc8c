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
    for (PinnedVersion unsaid : Independence.require(judge, optimised, labels)) {
      LOG.info(
          "whether {} {} learned from labels of {} {} is not said: one of their folders has no labels.idx",
          judge.model(),
          judge.version(),
          unsaid.model(),
          unsaid.version());
    }
    String tenant = command.caller().tenant();
    Pinned candidate = pin("spec.candidate", command.candidate(), tenant);
    Optional<PinnedVersion> base = command.base().map(said -> pin("spec.base", said, tenant).id());
    AccountShare account =
        new AccountShare(command.account(), command.accountLooks(), command.delta());
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
            new TestScope(candidate.folderSha256(), model.folderSha256(), base, command.alias()));
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
      case Start.LookSpent spent -> throw spent(prompts, spent);
      case Start.SetClosed closed -> throw closed(closed);
      case Start.OtherRule other -> throw otherRule(other.rule());
      case Start.WeightsSpent weights -> throw weightsSpent(weights, rule.delta());
      case Start.AccountSpent full ->
          throw new MeshException(
              Fault.PRECONDITION_FAILED,
              "spec.account: '%s': its %,d looks are taken, the last by test %s"
                  .formatted(command.account(), full.looks(), full.testId()),
              Map.of("test_id", full.testId().toString()));
      case Start.OtherAccountRule other ->
          throw new MeshException(
              Fault.PRECONDITION_FAILED,
              "spec.account_looks: %d; the first test of account '%s' fixed %d looks and delta %s"
                  .formatted(
                      command.accountLooks(),
                      command.account(),
                      other.looks(),
                      other.totalDelta()));
      case Start.PoolUsedUp pool -> throw usedUp(command, pool.left());
    };
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

  private static MeshException spent(PromptSet prompts, Start.LookSpent spent) {
    return new MeshException(
        Fault.PRECONDITION_FAILED,
        "spec.prompts: %,d of %,d were used before, in test %s; one look, whatever the candidate: take prompts that no test has used"
            .formatted(spent.spentCount(), prompts.size(), spent.testId()),
        Map.of(
            "test_id", spent.testId().toString(),
            "spent_count", Integer.toString(spent.spentCount())));
  }

  private static MeshException closed(Start.SetClosed closed) {
    return new MeshException(
        Fault.PRECONDITION_FAILED,
        "spec.prompts: the set is closed: %s; take prompts that no test has used"
            .formatted(
                closed.passed()
                    ? "a test passed, the last was " + closed.testId()
                    : "all looks are taken, the last by test " + closed.testId()),
        Map.of("test_id", closed.testId().toString()));
  }

  private static MeshException otherRule(LookRule rule) {
    return new MeshException(
        Fault.PRECONDITION_FAILED,
        "spec.reuse: the first look at these prompts fixed %s with %d looks and delta %s for all of them"
            .formatted(rule.rule(), rule.looks(), rule.totalDelta()));
  }

  private static MeshException weightsSpent(Start.WeightsSpent spent, double delta) {
    return new MeshException(
        Fault.PRECONDITION_FAILED,
        "spec.candidate: %,d %s at these weights, the last by test %s, had delta %s of %s together; there is no room for %s: a delta that several tests shall share is shared beforehand, with account_looks"
            .formatted(
                spent.looks(),
                spent.looks() == 1 ? "look" : "looks",
                spent.testId(),
                spent.spent(),
                spent.total(),
                delta),
        Map.of(
            "test_id", spent.testId().toString(),
            "spent_delta", Double.toString(spent.spent()),
            "total_delta", Double.toString(spent.total())));
  }

  private static MeshException usedUp(TestCommand command, int left) {
    return new MeshException(
        Fault.PRECONDITION_FAILED,
        "spec.draw_count: %,d; of the %,d prompts of the pool %,d were never used"
            .formatted(command.drawCount(), command.prompts().size(), left),
        Map.of("left", Integer.toString(left)));
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
    var account = Texts.requireLine("spec.account", command.account(), MAX_RUN_CHARACTERS);
    var unused = Texts.requireLine("run_id", command.runId(), MAX_RUN_CHARACTERS);
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
   * @throws MeshException UNKNOWN_RESOURCE if there is none
   */
  public StoredTest get(UUID id) {
    return store
        .find(id)
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
   * @throws CancellationException if the caller leaves
   */
  public StoredTest await(UUID id, CallPatience patience) {
    patience.onCancel(changes::announce);
    while (true) {
      long seen = changes.count();
      StoredTest test = get(id);
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
      changes.await(seen, left.compareTo(settings.poll()) < 0 ? left : settings.poll());
    }
  }

  /**
   * Tests, newest first.
   *
   * @param runId only of this run; empty: of all
   * @param pageSize 0: 100
   * @throws MeshException MALFORMED_REQUEST if the page size is out of its range, or the run could
   *     be none
   */
  public List<StoredTest> list(String runId, int pageSize) {
    if (pageSize < 0 || pageSize > MOST_LISTED) {
      throw Texts.malformed(
          "page_size", "%,d (expected: 1 to %,d, or 0)".formatted(pageSize, MOST_LISTED));
    }
    var unused = Texts.requireLine("run_id", runId, MAX_RUN_CHARACTERS);
    return store.list(runId, pageSize == 0 ? LISTED : pageSize);
  }
}
