package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.CallCancellation;
import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.peer.PolicyVersions;
import io.ballast.orchestrator.core.peer.PromptArchive;
import io.ballast.orchestrator.core.promotion.Promoter;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.PromotionMode;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.core.spec.SpecReading;
import io.ballast.orchestrator.core.spec.StandingSpec;
import io.ballast.orchestrator.core.spec.WatchSpec;
import io.ballast.orchestrator.core.watch.GoldCurve;
import io.ballast.orchestrator.core.watch.RunAlarm;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What people may do with runs. Runs of one tenant do not exist for another. */
public final class Runs {
  private static final Logger LOG = LoggerFactory.getLogger(Runs.class);
  private static final int MAX_SPEC_BYTES = 1 << 20;
  private static final int DEFAULT_PAGE = 100;
  private static final int MAX_PAGE = 1_000;

  /** Iterations that a watcher holds, however slowly it reads: some hundred kilobytes. */
  private static final int WATCHED_AT_ONCE = 100;

  private static final Pattern CANONICAL_ID =
      Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

  /**
   * Time, chance and what an operator allows.
   *
   * @param mostOfTenant how many runs of one tenant may be there that have neither ended nor failed
   */
  public record Surroundings(
      InstantSource clock, Supplier<String> ids, Duration watchInterval, int mostOfTenant) {}

  private final RunStore store;
  private final SpecReading specs;
  private final PromptReader prompts;
  private final PolicyVersions versions;
  private final Promoter promoter;
  private final RunJudges judges;
  private final RunWorkers workers;
  private final RunFiles files;
  private final RunCertificates certificates;
  private final Surroundings surroundings;
  private final RunAdmission admission;
  private final Resumption resumption;
  private final RunWatch watch;

  public Runs(
      RunStore store,
      SpecReading specs,
      PromptArchive archive,
      PolicyVersions versions,
      Promoter promoter,
      RunJudges judges,
      RunWorkers workers,
      RunFiles files,
      RunCertificates certificates,
      ChangeSignal changes,
      Surroundings surroundings) {
    this.store = store;
    this.specs = specs;
    this.prompts = new PromptReader(archive);
    this.versions = versions;
    this.promoter = promoter;
    this.judges = judges;
    this.workers = workers;
    this.files = files;
    this.certificates = certificates;
    this.surroundings = surroundings;
    this.admission = new RunAdmission(specs, store, surroundings.mostOfTenant());
    this.resumption = new Resumption(store, specs, admission);
    this.watch = new RunWatch(changes, surroundings.watchInterval(), WATCHED_AT_ONCE);
  }

  /**
   * A run with its iterations.
   *
   * @param watch what its spec says of the watch over its rewards
   * @param curve of gold
   * @param sources where its prompts came from
   */
  public record Detailed(
      Run run,
      List<IterationMetrics> iterations,
      WatchSpec watch,
      GoldCurve curve,
      List<ReadSource> sources) {
    /** Copies the lists. */
    public Detailed {
      iterations = List.copyOf(iterations);
      sources = List.copyOf(sources);
    }
  }

  /**
   * Creates a run and queues it; the same key gets the same run.
   *
   * @param spec YAML or JSON, at most 1 MiB
   * @param fingerprint stands for the whole request
   * @throws MeshException MALFORMED_REQUEST, naming the key; UNKNOWN_MODEL; DEPENDENCY_DOWN; what
   *     {@link RunJudges} says of rewards, costs and held-out prompts; OVERLOADED if the tenant has
   *     as many runs as it may
   */
  public Run create(Caller caller, String spec, String fingerprint) {
    Faults.requireFileName("metadata.tenant", caller.tenant());
    requireSize(spec);
    Optional<RunStore.Keyed> repeated =
        admission.repeated(caller.tenant(), caller.idempotencyKey());
    if (repeated.isPresent()) {
      return admission.requireSame(caller, repeated.get(), spec, fingerprint);
    }
    admission.requireRoom(caller.tenant());
    PromptReader.requireStorable("spec", spec);
    RunSpec read = specs.apply(spec);
    PinnedVersion base = versions.resolve(read.policy());
    PromptSets sets =
        read.fromData()
            ? judges.asTokens(base, read, tokens -> prompts.read(read, caller, tokens))
            : prompts.read(read, caller, null);
    judges.require(caller.tenant(), base, read, sets);
    Run run =
        new Run(
            surroundings.ids().get(),
            caller.tenant(),
            read.name(),
            spec,
            base,
            read.iterations(),
            surroundings.clock().instant(),
            RunProgress.queued());
    RunStore.Keyed stored =
        admission.create(
            new RunStore.NewRun(
                run,
                caller.idempotencyKey(),
                fingerprint,
                sets,
                LoopState.initial(read.constraints())));
    dispatch();
    return admission.requireSame(caller, stored, spec, fingerprint);
  }

  private static void requireSize(String spec) {
    int bytes = spec.getBytes(StandardCharsets.UTF_8).length;
    if (bytes == 0 || bytes > MAX_SPEC_BYTES) {
      throw Faults.malformed("spec", "%,d bytes (expected: 1 to 1,048,576)".formatted(bytes));
    }
  }

  /** What was stored waits for a worker: that none can be looked for now is no failure. */
  private void dispatch() {
    try {
      workers.dispatch();
    } catch (MeshException e) {
      LOG.warn("queued runs could not be looked for: {}", e.getMessage());
    }
  }

  /**
   * One run of the caller's.
   *
   * @throws MeshException UNKNOWN_RESOURCE
   */
  public Detailed get(Caller caller, String runId) {
    Run run = require(caller, runId);
    List<IterationMetrics> iterations = store.iterations(runId, 0);
    return new Detailed(
        run,
        iterations,
        specs.standing(run.spec()).watch(),
        GoldCurve.of(
            iterations.stream()
                .filter(each -> each.watch().gold() != null)
                .map(
                    each ->
                        new GoldCurve.Point(
                            each.iteration(), each.klNats().orElseThrow(), each.watch().gold()))
                .toList()),
        store.sources(runId));
  }

  /**
   * The caller's runs, newest first.
   *
   * @param pageSize 1 to 1,000; 0: 100
   */
  public List<Run> list(Caller caller, int pageSize) {
    if (pageSize < 0 || pageSize > MAX_PAGE) {
      throw Faults.malformed("page_size", "%,d (expected: 0 to 1,000)".formatted(pageSize));
    }
    return store.newest(caller.tenant(), pageSize == 0 ? DEFAULT_PAGE : pageSize);
  }

  /**
   * Pauses after what is under way.
   *
   * @throws MeshException UNKNOWN_RESOURCE; PRECONDITION_FAILED if it has ended or failed
   */
  public Run pause(Caller caller, String runId) {
    require(caller, runId);
    return store.change(runId, Run::pause);
  }

  /**
   * Goes on with a paused or failed run.
   *
   * @param testPrompts take the place of those that a safety test has used up which told nothing,
   *     or that it was refused; empty: none; once more the same ones: as if none
   * @throws MeshException UNKNOWN_RESOURCE; MALFORMED_REQUEST, naming the prompt;
   *     PRECONDITION_FAILED if it has ended, if no part of δ is left for another test, if it needs
   *     fresh prompts and has none, or has some and takes none; OVERLOADED if it has failed, and
   *     its tenant has as many other runs as it may
   */
  public Run resume(Caller caller, String runId, GroupedPrompts testPrompts) {
    Run resumed = resumption.resume(require(caller, runId), testPrompts);
    dispatch();
    return resumed;
  }

  /**
   * Ends a run without a candidate; what was recorded stays. What it had proved of some of its
   * constraints is void.
   *
   * @throws MeshException UNKNOWN_RESOURCE; PRECONDITION_FAILED if it has ended otherwise;
   *     DEPENDENCY_DOWN if it is cancelled and a certificate may still be valid: once more, and it
   *     is revoked
   */
  public Run cancel(Caller caller, String runId) {
    require(caller, runId);
    Run cancelled = store.change(runId, run -> run.cancel(surroundings.clock().instant()));
    if (workers.has(runId)) {
      workers.interrupt(runId); // it cleans up when it lets go
    } else {
      files.clean(cancelled);
    }
    certificates.revokeOfCancelled(cancelled);
    return cancelled;
  }

  /**
   * Promotes the candidate of a run that is held for a person.
   *
   * @param acceptAlarms whether the person accepts the alarms that it was held for, if there are
   *     any
   * @return PROMOTED, or REFUSED with the reason
   * @throws MeshException UNKNOWN_RESOURCE; PRECONDITION_FAILED if the run is not held, its spec
   *     says NEVER, or its alarms are not accepted; SAFETY_GATE_CLOSED without a certificate;
   *     DEPENDENCY_DOWN. A certificate of any of its constraints that no longer holds is a reason
   *     to refuse
   */
  public Run promote(Caller caller, String runId, boolean acceptAlarms) {
    Run run = require(caller, runId);
    if (run.state() == RunState.PROMOTED) {
      return run;
    }
    PinnedVersion candidate = run.progress().candidate();
    String certificateId = run.certificateId();
    if (candidate == null || certificateId.isEmpty()) {
      throw new MeshException(
          Fault.SAFETY_GATE_CLOSED,
          "run %s is %s and has no certificate".formatted(runId, run.state()));
    }
    if (run.state() != RunState.HELD) {
      throw Faults.precondition("run %s is %s, not HELD".formatted(runId, run.state()));
    }
    StandingSpec spec = specs.standing(run.spec());
    if (spec.promotion() == PromotionMode.NEVER) {
      throw Faults.precondition("the spec of run %s says promotion: NEVER".formatted(runId));
    }
    String alarms = RunAlarm.refusal(run.progress().alarms());
    if (!alarms.isEmpty() && !acceptAlarms) {
      throw Faults.precondition(
          "the rewards of run %s cannot be believed: %s; accept_alarms promotes it all the same"
              .formatted(runId, alarms));
    }
    Promoter.Outcome outcome =
        promoter.promote(
            CandidateStage.promotion(run, spec.alias(), candidate, certificateId),
            run.testsBeside());
    return store.change(
        runId,
        stored ->
            stored.state() != RunState.HELD
                ? stored
                : switch (outcome) {
                  case Promoter.Outcome.Promoted() ->
                      stored.ended(RunState.PROMOTED, "", surroundings.clock().instant());
                  case Promoter.Outcome.Refused(String reason) ->
                      stored.ended(RunState.REFUSED, reason, surroundings.clock().instant());
                });
  }

  /** Takes what happens to a run. */
  @FunctionalInterface
  public interface Watcher {
    /**
     * Called for each iteration, and for each change without one.
     *
     * @param run as it is now
     * @param iteration the one that became durable; empty if only the run changed
     */
    void seen(Run run, Optional<IterationMetrics> iteration);
  }

  /**
   * Shows the run as it is, then every iteration after {@code after} and every change, until the
   * run has ended or failed, or the watcher leaves.
   *
   * @param after iterations up to this one are known; 0: none
   * @throws MeshException UNKNOWN_RESOURCE
   */
  public void watch(
      Caller caller, String runId, int after, CallCancellation cancellation, Watcher watcher) {
    if (after < 0) {
      throw Faults.malformed("after_iteration", "%,d (expected: ≥ 0)".formatted(after));
    }
    watch.show(
        () -> require(caller, runId),
        (known, most) -> store.iterations(runId, known, most),
        after,
        cancellation,
        watcher);
  }

  private Run require(Caller caller, String runId) {
    Optional<Run> found =
        CANONICAL_ID.matcher(runId).matches() ? store.find(runId) : Optional.empty();
    return found
        .filter(run -> run.tenant().equals(caller.tenant()))
        .orElseThrow(() -> Faults.unknown("run", runId));
  }
}
