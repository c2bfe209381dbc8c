package io.ballast.reward.adapter;

import io.ballast.kit.audit.Act;
import io.ballast.kit.audit.FileAudit;
import io.ballast.kit.error.MeshException;
import io.ballast.reward.core.training.Training;
import io.ballast.reward.core.training.TrainingTrail;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trainings in the audit trail: {@code training.start} and {@code training.cancel} by whoever asked
 * for it, and {@code training.succeeded}, {@code training.failed}, {@code training.cancelled} or
 * {@code training.interrupted}. Thread-safe.
 */
public final class AuditedTrainings implements TrainingTrail {
  private static final Logger LOG = LoggerFactory.getLogger(AuditedTrainings.class);
  private static final String ACTIONS = "training.";
  private static final String START = ACTIONS + "start";
  private static final String CANCEL = ACTIONS + "cancel";
  private static final String VERSION = "version";
  private static final String REASON = "reason";

  private final FileAudit audit;

  /** The beginnings that are told of those whose end is not, by id; under this. */
  private final Map<String, Act> open = new LinkedHashMap<>();

  /** The ends of those of them that have ended, by id; under this. */
  private final Map<String, Act> untold = new LinkedHashMap<>();

  /** Trainings that {@code audit} tells. */
  public AuditedTrainings(FileAudit audit) {
    this.audit = audit;
    for (Act act : audit.acts(ACTIONS)) {
      switch (act.action()) {
        case START -> open.put(act.subject(), act);
        case CANCEL -> {} // it has not ended by that
        default -> open.remove(act.subject());
      }
    }
  }

  @Override
  public synchronized void begins(Training training) {
    Act begin =
        act(
            START,
            training,
            Map.of(VERSION, training.version().toString(), "fingerprint", training.fingerprint()));
    var unused = audit.append(begin);
    open.put(begin.subject(), begin);
    tellEnds();
  }

  @Override
  public synchronized void cancels(Training training) {
    var unused =
        audit.append(act(CANCEL, training, Map.of(VERSION, training.version().toString())));
  }

  @Override
  public synchronized void ended(Training training) {
    String id = training.id().toString();
    if (open.containsKey(id)) {
      untold.put(id, act(end(training.state()), training, outcome(training)));
      tellEnds();
    }
  }

  @Override
  public synchronized void interruptedBut(Set<UUID> known) {
    Set<String> recorded = known.stream().map(UUID::toString).collect(Collectors.toSet());
    open.forEach(
        (id, begin) -> {
          if (!recorded.contains(id)) {
            LOG.warn("training {} has no record: the process ended as it began", id);
            untold.put(id, interrupted(begin));
          }
        });
    tellEnds();
  }

  private static Act interrupted(Act begin) {
    Map<String, String> details =
        Map.of(
            VERSION,
            begin.details().getOrDefault(VERSION, ""),
            REASON,
            Training.State.INTERRUPTED.name());
    return new Act(
        end(Training.State.INTERRUPTED), begin.tenant(), "", begin.subject(), "", details);
  }

  private static String end(Training.State state) {
    return ACTIONS + state.name().toLowerCase(Locale.ROOT);
  }

  private void tellEnds() {
    for (Act end : List.copyOf(untold.values())) {
      try {
        var unused = audit.append(end);
      } catch (MeshException e) {
        LOG.error("the end of training {} is not told yet: {}", end.subject(), e.getMessage());
        return;
      }
      open.remove(end.subject());
      untold.remove(end.subject());
    }
  }

  private static Map<String, String> outcome(Training training) {
    Map<String, String> details = new TreeMap<>();
    details.put(VERSION, training.version().toString());
    training.result().ifPresent(came -> details.put("sha256", came.version().weightsSha256()));
    training.failure().ifPresent(why -> details.put(REASON, why.reason()));
    return details;
  }

  private static Act act(String action, Training training, Map<String, String> details) {
    return new Act(action, training.tenant(), "", training.id().toString(), "", details);
  }
}
