package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.runtime.Role;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.grpc.Channel;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Ask for suggestions with everything, and tell of each that is shown what became of it: one event
 * that is sent with its key until it is acknowledged.
 */
final class SuggestingClients {
  private static final Duration PERIOD = Duration.ofMillis(200);
  private static final List<String> PROMPTS =
      List.of("int size = list.", "return ", "for (int i", "if (name");

  /** How long what waits on the policy-server's disk may take into the database. */
  private static final Duration REPLAY = Duration.ofSeconds(10);

  private final SteadyLoad load;
  private final SameNumbers numbers;
  private final Channel policy;

  /** By suggestion: how often the mesh had been disturbed when its event was acknowledged. */
  private final Map<String, Integer> acknowledged = new ConcurrentHashMap<>();

  private final Queue<Told> told = new ConcurrentLinkedQueue<>();

  /**
   * What a suggestion said of others.
   *
   * @param disturbed how often the mesh had been disturbed by then
   * @param away who could not answer
   */
  record Told(int disturbed, Set<String> away) {
    Told {
      away = Set.copyOf(away);
    }
  }

  SuggestingClients(SteadyLoad load, SameNumbers numbers, int port) {
    this.load = load;
    this.numbers = numbers;
    policy = load.channel(port);
    PROMPTS.forEach(prompt -> load.client(PERIOD, () -> suggestAndTell(prompt)));
  }

  private void suggestAndTell(String prompt) {
    SuggestRequest.Builder request = TestCalls.suggestion(prompt).toBuilder();
    request.getSamplingBuilder().setMaxNewTokens(4);
    long begin = System.nanoTime();
    SuggestResponse suggestion = TestCalls.suggest(policy, request.build());
    judge(prompt, suggestion, begin);
    if (suggestion.getDecision() != Decision.DECISION_SHOW) {
      return;
    }
    String id = suggestion.getSuggestionId();
    load.insist(
        PERIOD,
        () -> {
          long asked = System.nanoTime();
          var unused = TestCalls.accept(policy, id, "key of " + id);
          acknowledged.put(id, load.disturbed());
          load.rate().succeeded(asked);
        });
  }

  /** It counts if nothing is missing, and something is missing only if its server is away. */
  private void judge(String prompt, SuggestResponse suggestion, long begin) {
    Set<String> away =
        suggestion.getDegradationsList().stream()
            .map(each -> each.getPeer())
            .collect(Collectors.toSet());
    if (!suggestion.getReward().hasValue() && !away.contains(Role.REWARD_SERVER.label())) {
      throw new AssertionError("no reward, and nothing is away: " + suggestion);
    }
    if (!suggestion.getCost().hasHarmProbability() && !away.contains(Role.SAFETY_SERVER.label())) {
      throw new AssertionError("no cost, and nothing is away: " + suggestion);
    }
    if (suggestion.getDecision() == Decision.DECISION_SHOW) { // else nobody knows of which text
      checkNumbers(prompt + suggestion.getText(), suggestion);
    }
    told.add(new Told(load.disturbed(), away));
    if (away.isEmpty()) {
      load.rate().succeeded(begin);
    }
  }

  private void checkNumbers(String text, SuggestResponse suggestion) {
    if (suggestion.getReward().hasValue()) {
      numbers.check("reward of '" + text + "'", suggestion.getReward().getValue());
    }
    if (suggestion.getCost().hasHarmProbability()) {
      numbers.check("harm of '" + text + "'", suggestion.getCost().getHarmProbability());
    }
  }

  /** By suggestion: how often the mesh had been disturbed when its event was acknowledged. */
  Map<String, Integer> acknowledged() {
    return acknowledged;
  }

  /** Whether so much was acknowledged that the mesh has everything at hand by now. */
  boolean isWarm() {
    return acknowledged.size() >= 2 * PROMPTS.size();
  }

  /** Of the suggestions since the mesh was disturbed so often: who could not answer. */
  List<Set<String>> away(int disturbed) {
    return told.stream().filter(each -> each.disturbed() == disturbed).map(Told::away).toList();
  }

  /** Fails unless each event that was acknowledged is kept once. */
  void assertKeptOnce(Channel policyServer) {
    assertThat(acknowledged).isNotEmpty();
    Map<String, Long> once =
        acknowledged.keySet().stream().collect(Collectors.toMap(Function.identity(), _ -> 1L));
    assertThat(kept(policyServer, once.keySet())).containsAllEntriesOf(once);
  }

  /** How many events are kept of each, when all of {@code awaited} are or no more come. */
  static Map<String, Long> kept(Channel policy, Set<String> awaited) {
    long end = System.nanoTime() + REPLAY.toNanos();
    Map<String, Long> kept = kept(policy);
    while (!kept.keySet().containsAll(awaited) && System.nanoTime() < end) {
      kept = kept(policy);
    }
    return kept;
  }

  /** How many events are kept of each suggestion, as a trainer reads them. */
  static Map<String, Long> kept(Channel policy) {
    return TestCalls.trainingRecords(policy).stream()
        .map(record -> record.getEvent().getSuggestionId())
        .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
  }
}
