package io.ballast.policy.core.suggest;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.Tokenizer;
import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.policy.core.CallCancellation;
import io.ballast.policy.core.CallLimits;
import io.ballast.policy.core.ModelFaults;
import io.ballast.policy.core.PhaseTimes;
import io.ballast.policy.core.SamplingChoice;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.history.PastOutcomes;
import io.ballast.policy.core.history.ShownSuggestion;
import io.ballast.policy.core.history.UserHistory;
import io.ballast.policy.core.suggest.PeerPolicy.WhenDown;
import io.ballast.policy.core.suggest.SuggestMonitor.Phase;
import io.ballast.policy.core.version.CanarySplit;
import io.ballast.policy.core.version.Lease;
import io.ballast.policy.core.version.Routed;
import io.ballast.policy.core.version.VersionCatalog;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The way of one suggestion: gate stage 1 → generate → reward and cost → block? → gate stage 2 →
 * record → answer. Safe for use by many threads; blocks, so it belongs on virtual ones.
 */
public final class SuggestFlow {
  private final VersionCatalog catalog;
  private final Peers peers;
  private final Memory memory;
  private final SuggestMonitor monitor;
  private final CallLimits limits;
  private final Chance chance;
  private final LongSupplier nanoTime;

  /**
   * Who else has a say.
   *
   * @param policies what to do for a tenant when one of them is down
   */
  public record Peers(
      DisplayGate gate,
      RewardOracle rewards,
      CostOracle costs,
      Function<String, PeerPolicy> policies) {}

  /**
   * What is kept of suggestions: each decision, and at hand what users did with the last ones.
   *
   * @param encoder gives the bytes of that, which the gate is sent and which are kept
   */
  public record Memory(
      SuggestionLog log, UserHistory history, Function<PastOutcomes, Payload> encoder) {
    Optional<Payload> of(SuggestCommand command) {
      return command.gateMode() == GateMode.OFF
          ? Optional.empty()
          : history.of(command.caller().tenant(), command.user()).map(encoder);
    }
  }

  /** Where ids, seeds and the time of day come from. */
  public record Chance(TimeOrderedIds ids, RandomGenerator seeds, InstantSource clock) {}

  public SuggestFlow(
      VersionCatalog catalog,
      Peers peers,
      Memory memory,
      SuggestMonitor monitor,
      CallLimits limits,
      Chance chance,
      LongSupplier nanoTime) {
    this.catalog = catalog;
    this.peers = peers;
    this.memory = memory;
    this.monitor = monitor;
    this.limits = limits;
    this.chance = chance;
    this.nanoTime = nanoTime;
  }

  /**
   * Suggests, or says why nothing is shown.
   *
   * @param listener reads the text as it is generated; provisional until the answer
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, UNKNOWN_MODEL, OVERLOADED,
   *     MODEL_LOADING, DEPENDENCY_BROKEN
   * @throws CancellationException if nobody waits any more; nothing is recorded then
   */
  public SuggestAnswer suggest(
      SuggestCommand command, TextListener listener, CallCancellation cancellation) {
    Duration queued = Duration.ofNanos(nanoTime.getAsLong() - command.arrivalNanos());
    command.validate(limits);
    SamplingOptions sampling =
        command.sampling().resolve(limits, limits.suggestStopStrings(), chance.seeds().nextLong());
    try (Routed routed =
        catalog.route(
            command.policy(), new CanarySplit.Subject(command.caller().tenant(), command.user()))) {
      SamplingChoice.requireTokensExist(sampling, routed.lease().decoder().tokenizer());
      return new Call(command, listener, cancellation, sampling, routed, queued).run();
    } catch (RuntimeException e) {
      // a listener or a peer has its own words for a caller that left
      if (e instanceof CancellationException || cancellation.cancelled()) {
        monitor.abandoned();
      }
      throw e instanceof ModelException broken ? ModelFaults.toCallFailure(broken) : e;
    }
  }

  /** One call under way. */
  private final class Call {
    private final SuggestCommand command;
    private final TextListener listener;
    private final CallCancellation cancellation;
    private final SamplingOptions sampling;
    private final Routed routed;
    private final Lease lease;
    private final Duration queued;
    private final PeerPolicy policy;
    private final GateConsultation gate;
    private @Nullable Duration inferred;

    Call(
        SuggestCommand command,
        TextListener listener,
        CallCancellation cancellation,
        SamplingOptions sampling,
        Routed routed,
        Duration queued) {
      this.command = command;
      this.listener = listener;
      this.cancellation = cancellation;
      this.sampling = sampling;
      this.routed = routed;
      this.lease = routed.lease();
      this.queued = queued;
      this.policy = peers.policies().apply(command.caller().tenant());
      this.gate =
          new GateConsultation(
              peers.gate(), command, memory.of(command), policy.gate(), sampling.seed());
    }

    SuggestAnswer run() {
      Optional<Ruling> withheld = gate.beforeGeneration();
      if (withheld.isPresent()) {
        return conclude(withheld.get(), null, 0);
      }
      requireCaller();
      List<Generation> candidates = generate();
      Judgement judgement =
          monitor.watch(
              Phase.JUDGE,
              () ->
                  Judgement.of(
                      command, promptForJudges(), candidates, peers.rewards(), peers.costs()));
      requireCaller();
      Ruling ruling = rule(judgement);
      int tokens = candidates.stream().mapToInt(c -> c.tokens().size()).sum();
      return conclude(ruling, judgement, tokens);
    }

    private List<Generation> generate() {
      long start = nanoTime.getAsLong();
      List<Generation> candidates =
          monitor.watch(
              Phase.GENERATE,
              () -> {
                Candidates made =
                    new CandidateGenerator(command.caller(), cancellation, nanoTime)
                        .generate(
                            lease.decoder(),
                            command.prompt(),
                            limits.suggestPromptTokens(),
                            sampling,
                            command.candidatesCount(),
                            listener);
                monitor.generated(lease.version(), made);
                return made.generations();
              });
      inferred = Duration.ofNanos(nanoTime.getAsLong() - start);
      return candidates;
    }

    private Ruling rule(Judgement judgement) {
      if (judgement.chosen().text().isEmpty()) {
        return new Ruling(Decision.WITHHOLD, DecisionReason.EMPTY_COMPLETION);
      }
      return blocked(judgement.cost()).orElseGet(() -> gate.afterGeneration(judgement));
    }

    private Optional<Ruling> blocked(@Nullable CostOutcome cost) {
      return switch (cost) {
        case null -> Optional.empty();
        case CostOutcome.Estimated estimated ->
            estimated.blocked()
                ? Optional.of(new Ruling(Decision.BLOCK, DecisionReason.COST_OVER_THRESHOLD))
                : Optional.empty();
        case CostOutcome.Missing missing ->
            policy.cost() == WhenDown.CLOSED
                ? Optional.of(new Ruling(Decision.BLOCK, DecisionReason.COST_UNAVAILABLE))
                : Optional.empty();
      };
    }

    /** The text that the decoder saw: judges were trained on prompts of this length. */
    private String promptForJudges() {
      int most = limits.suggestPromptTokens();
      if (most == 0 || command.prompt().length() <= most) {
        return command.prompt();
      }
      Tokenizer tokenizer = lease.decoder().tokenizer();
      String tail = tokenizer.decode(tokenizer.encode(command.prompt()).last(most));
      int firstWhole = 0;
      while (firstWhole < tail.length() && tail.charAt(firstWhole) == '\uFFFD') {
        firstWhole++;
      }
      return tail.substring(firstWhole);
    }

    private SuggestAnswer conclude(Ruling ruling, @Nullable Judgement judgement, int tokens) {
      List<Degradation> degradations = new ArrayList<>(gate.degradations());
      if (judgement != null) {
        degradations.addAll(judgement.degradations());
      }
      Generation generation = judgement == null ? null : judgement.chosen();
      SuggestAnswer decided =
          new SuggestAnswer(
              chance.ids().next(),
              ruling,
              generation == null ? "" : generation.text(),
              gate.propensity(),
              gate.stageOne(),
              gate.stageTwo(),
              lease.version(),
              judgement == null ? null : judgement.reward(),
              judgement == null ? null : judgement.cost(),
              generation == null ? null : generation.stopReason(),
              sampling.seed(),
              tokens,
              degradations,
              new PhaseTimes(queued, inferred, sinceArrival()));
      requireCaller();
      DecidedSuggestion suggestion =
          new DecidedSuggestion(
              decided,
              command,
              generation,
              sampling,
              chance.clock().instant(),
              gate.history(),
              routed.arm(),
              routed.aliasRevision());
      SuggestAnswer recorded =
          monitor.watch(Phase.RECORD, () -> memory.log().record(suggestion)).answer();
      if (ruling.decision() == Decision.SHOW) {
        memory
            .history()
            .shown(
                command.caller().tenant(),
                command.user(),
                new ShownSuggestion(
                    decided.suggestionId(),
                    suggestion.decidedAt(),
                    decided.text().length(),
                    Optional.empty()));
      }
      SuggestAnswer answer =
          recorded
              .withText(ruling.decision() == Decision.SHOW ? recorded.text() : "")
              .withTimes(recorded.times().withTotal(sinceArrival()));
      monitor.answered(answer);
      return answer;
    }

    private Duration sinceArrival() {
      return Duration.ofNanos(nanoTime.getAsLong() - command.arrivalNanos());
    }

    private void requireCaller() {
      if (cancellation.cancelled()) {
        throw new CancellationException("the caller left, or its deadline passed");
      }
    }
  }
}
