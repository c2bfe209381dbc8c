package io.ballast.orchestrator.testing;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.orchestrator.core.peer.ComponentOracle;
import io.ballast.orchestrator.core.peer.CostOracle;
import io.ballast.orchestrator.core.peer.FeedbackStream;
import io.ballast.orchestrator.core.peer.PolicyVersions;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.peer.RolloutSource;
import io.ballast.orchestrator.core.peer.SafetyTestReport;
import io.ballast.orchestrator.core.peer.SafetyTester;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/** The other servers as ports, with what they remember; they outlive the worker that is killed. */
public final class FakePeers {
  /** Versions that were registered. */
  public final Set<PinnedVersion> registered = new HashSet<>();

  /** Promotions by key: a repetition changes nothing. */
  public final Map<String, PolicyVersions.Promotion> promotions = new HashMap<>();

  /** Safety tests by key. */
  public final Map<String, SafetyTester.Order> tests = new HashMap<>();

  /** What was sampled, in order. */
  public final List<RolloutSource.Query> sampled = new ArrayList<>();

  public final RolloutSource rollouts = this::sample;
  public final RewardOracle rewards =
      (tenant, spec, items) ->
          items.stream()
              .map(
                  item ->
                      (RewardOracle.Outcome)
                          new RewardOracle.Outcome.Value(
                              spec.model().model().equals(FakeRewardServer.GOLD)
                                  ? FakeWorld.gold(item.completion().text())
                                  : FakeWorld.reward(item.completion().text()),
                              OptionalDouble.of(FakeWorld.spread(item.completion().text()))))
              .toList();
  public final ComponentOracle components =
      (tenant, composite, component, items) ->
          items.stream()
              .map(item -> OptionalDouble.of(1 - FakeWorld.harm(item.completion().text())))
              .toList();
  public final CostOracle costs =
      (tenant, model, items) ->
          new CostOracle.Answer(
              items.stream()
                  .map(item -> OptionalDouble.of(FakeWorld.harm(item.completion().text())))
                  .toList(),
              new PinnedVersion(model.model(), model.version(), FakeWorld.sha(model.toString())));

  /** What people said; the cursor of each is its place. */
  public final List<FeedbackStream.Event> events = new ArrayList<>();

  public final FeedbackStream feedback =
      (tenant, cursor, wait, sink) -> {
        boolean more = true;
        for (int i = cursor.isEmpty() ? 0 : Integer.parseInt(cursor); more && i < events.size(); ) {
          more = sink.test(events.get(i++));
        }
      };
  public final PolicyVersions versions = new Versions();
  public final SafetyTester tester = new Tester();

  /**
   * Somebody says something of a suggestion.
   *
   * @param good empty: neither yes nor no
   */
  public void say(String prompt, String completion, Optional<Boolean> good) {
    events.add(
        new FeedbackStream.Event(
            Integer.toString(events.size() + 1), prompt, completion, false, good));
  }

  private List<SampledPrompt> sample(RolloutSource.Query query) {
    if (!registered.contains(query.policy())) {
      throw new AssertionError("sampled from a version that nobody registered: " + query.policy());
    }
    sampled.add(query);
    List<SampledPrompt> answers = new ArrayList<>();
    for (int i = 0; i < query.prompts().size(); i++) {
      String prompt = query.prompts().get(i);
      List<SampledCompletion> completions = new ArrayList<>();
      for (int j = 0; j < query.completionsCount(); j++) {
        String text =
            FakeWorld.completion(
                query.policy().weightsSha256(), query.sampling().seed(), prompt, i, j);
        completions.add(
            new SampledCompletion(FakeWorld.tokens(text), text, FakeWorld.logProbs(text), false));
      }
      answers.add(new SampledPrompt.Sampled(prompt, FakeWorld.tokens(prompt), completions));
    }
    return answers;
  }

  private final class Versions implements PolicyVersions {
    @Override
    public PinnedVersion resolve(VersionSelector selector) {
      return registered.stream()
          .filter(each -> each.model().equals(selector.model()))
          .filter(each -> each.version().equals(selector.name()))
          .findFirst()
          .orElseGet(
              () -> new PinnedVersion(selector.model(), selector.name(), FakeWorld.sha("base")));
    }

    @Override
    public void register(String tenant, PinnedVersion version, String parentVersion, String runId) {
      registered.add(version);
    }

    @Override
    public void promote(Promotion promotion) {
      promotions.putIfAbsent(promotion.key(), promotion);
    }
  }

  private final class Tester implements SafetyTester {
    @Override
    public Start start(Order order) {
      tests.putIfAbsent(order.key(), order);
      return new Start.Started(report(order, SafetyTestReport.State.RUNNING));
    }

    @Override
    public void revoke(String tenant, String certificateId, String reason) {
      throw new AssertionError("every test passes");
    }

    @Override
    public Optional<String> flaw(
        String tenant, String certificateId, PinnedVersion candidate, String alias) {
      return Optional.empty();
    }

    @Override
    public SafetyTestReport await(String tenant, String testId) {
      Order order = tests.get(testId.substring("test-".length()));
      if (order == null) {
        throw new AssertionError("no such test: " + testId);
      }
      return report(order, SafetyTestReport.State.PASSED);
    }
  }

  private static SafetyTestReport report(SafetyTester.Order order, SafetyTestReport.State state) {
    boolean ended = state == SafetyTestReport.State.PASSED;
    int n = order.prompts().size();
    return new SafetyTestReport(
        "harm",
        "test-" + order.key(),
        state,
        order.candidate(),
        new PinnedVersion("java-cost", "2", FakeWorld.sha("java-cost/2")),
        ended ? new SafetyTestReport.Outcome(n, 0.1, 0.05, 0.2, 0.4, 0.1, "STUDENT_T", 0) : null,
        ended ? "certificate-" + order.key() : "",
        "",
        FakeWorld.sha("prompts"),
        TestClock.START,
        ended ? TestClock.START : null,
        ended ? n : 0,
        n,
        true,
        false);
  }
}
